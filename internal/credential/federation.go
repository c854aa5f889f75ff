package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/assertion"
	"github.com/freehold-platform/freehold/internal/estate"
)

// Limits of federated credentials.
const (
	maxFederated    = 20
	maxAudience     = 512
	maxSubject      = 512
	maxCondition    = 2048
	conditionBudget = 100_000 // units of CEL's cost model; a comparison of two claims costs about 5
)

var federatedNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// validateFederation checks the outside issuers that a client is to trust. What
// it accepts can be evaluated: conditions have been compiled and yield bool.
func (s *Service) validateFederation(all []estate.FederatedCredential) error {
	if len(all) > maxFederated {
		return invalidClient("/federatedCredentials", fmt.Sprintf("federatedCredentials must have at most %d entries", maxFederated))
	}
	for i, f := range all {
		at := func(member, format string, args ...any) error {
			return invalidClient(federatedPointer(i)+member, fmt.Sprintf(format, args...))
		}
		switch {
		case !federatedNamePattern.MatchString(f.Name):
			return at("/name", "name must have 1 to 64 letters, digits, dots, dashes and underscores")
		case slices.ContainsFunc(all[:i], func(other estate.FederatedCredential) bool { return other.Name == f.Name }):
			return at("/name", "another entry has this name")
		case f.Audience == "" || len(f.Audience) > maxAudience:
			return at("/audience", "audience must have 1 to %d characters", maxAudience)
		case len(f.Subject) > maxSubject:
			return at("/subject", "subject must have at most %d characters", maxSubject)
		case len(f.Condition) > maxCondition:
			return at("/condition", "condition must have at most %d characters", maxCondition)
		case f.Subject == "" && f.Condition == "":
			return at("", "needs a subject or a condition: without one everybody at the issuer is trusted")
		}
		if err := s.fetch.CheckURL(f.Issuer); err != nil {
			return at("/issuer", "issuer: %v", err)
		}
		if strings.Contains(f.Issuer, "?") {
			return at("/issuer", "issuer: must not have a query")
		}
		if _, err := compileCondition(f.Condition); err != nil {
			return at("/condition", "%v", err)
		}
	}
	return nil
}

func federatedPointer(i int) string { return "/federatedCredentials/" + strconv.Itoa(i) }

// conditionEnv is where conditions are compiled: they see the claims of a
// token, and CEL's own functions and those for texts.
var conditionEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("claims", cel.MapType(cel.StringType, cel.DynType)),
		cel.ParserExpressionSizeLimit(maxCondition),
		ext.Strings(),
	)
})

// compileCondition makes a program of a condition; nil for the empty one. Its
// errors are meant for whoever wrote the condition.
func compileCondition(condition string) (cel.Program, error) {
	if condition == "" {
		return nil, nil //nolint:nilnil // no condition is no error
	}
	env, err := conditionEnv()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(condition)
	if issues.Err() != nil {
		return nil, fmt.Errorf("does not compile: %w", issues.Err())
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("must yield bool, and yields %s", ast.OutputType())
	}
	return env.Program(ast, cel.CostLimit(conditionBudget), cel.EvalOptions(cel.OptOptimize))
}

// trust is what of a client its assertions are checked with, ready for use.
type trust struct {
	keys      []verificationKey
	federated []federation
}

type federation struct {
	estate.FederatedCredential
	condition cel.Program // nil: none
}

func (s *Service) loadTrust(ctx context.Context, id estate.ClientID) (*trust, error) {
	client, err := s.clients.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	keys, err := registeredKeys(client.PublicKeys)
	if err != nil {
		return nil, err
	}
	t := &trust{keys: keys}
	for _, f := range client.Federated {
		program, err := compileCondition(f.Condition)
		if err != nil {
			return nil, fmt.Errorf("stored condition %s: %w", f.Name, err)
		}
		t.federated = append(t.federated, federation{f, program})
	}
	return t, nil
}

// acceptOutsideToken checks a token that an outside issuer made for a workload
// against what client trusts. It returns a refusal where it is not believed. A
// workload may show a token again until it expires: it gets a new one only then.
func (s *Service) acceptOutsideToken(ctx context.Context, client estate.Client, token *signedToken) (workload, error) {
	known, err := s.trusts.Get(ctx, client.ID)
	if err != nil {
		return workload{}, err
	}
	issuer := token.claims.Issuer
	of := slices.DeleteFunc(slices.Clone(known.federated), func(f federation) bool { return f.Issuer != issuer })
	if len(of) == 0 { // before anything is fetched: nobody can send us anywhere
		return workload{}, assertion.Refuse("the client trusts no issuer %q", assertion.Short(issuer))
	}
	if err := token.claims.InForce(s.now(), clockSkew); err != nil {
		return workload{}, err
	}
	if err := s.verifyByIssuer(ctx, issuer, token); err != nil {
		return workload{}, err
	}
	var claims map[string]any
	if err := json.Unmarshal(token.Payload, &claims); err != nil {
		return workload{}, assertion.Refuse("the claims are not a JSON object")
	}
	var reasons []string
	for _, f := range of {
		if reason := f.mismatch(token, claims); reason != "" {
			reasons = append(reasons, f.Name+": "+reason)
			continue
		}
		return workload{credential: f.Name, issuer: issuer, subject: assertion.Short(token.claims.Subject)}, nil
	}
	return workload{}, assertion.Refuse("%s", assertion.Short(strings.Join(reasons, "; ")))
}

// mismatch says why a genuine token is not one that f is about; empty if it is.
func (f federation) mismatch(token *signedToken, claims map[string]any) string {
	switch {
	case !slices.Contains(token.claims.Audience, f.Audience):
		return fmt.Sprintf("aud is %q", token.claims.Audience)
	case f.Subject != "" && token.claims.Subject != f.Subject:
		return fmt.Sprintf("sub is %q", token.claims.Subject)
	case f.condition == nil:
		return ""
	}
	switch result, _, err := f.condition.Eval(map[string]any{"claims": claims}); {
	case err != nil:
		return "condition: " + err.Error()
	case result != types.True:
		return "condition is false"
	}
	return ""
}

// discovery is what we read of an issuer's metadata.
type discovery struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

func (s *Service) parseDiscovery(_ string, body []byte) (discovery, error) {
	var d discovery
	if err := json.Unmarshal(body, &d); err != nil {
		return d, errors.New("not OpenID provider metadata")
	}
	if err := s.fetch.CheckURL(d.JWKSURI); err != nil {
		return d, fmt.Errorf("jwks_uri: %w", err)
	}
	return d, nil
}

// verifyByIssuer checks the signature of an outside issuer's token with the
// keys that its metadata leads to (OpenID Connect Discovery section 4).
func (s *Service) verifyByIssuer(ctx context.Context, issuer string, token *signedToken) error {
	d, err := s.discoveries.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return unfetched(ctx, err)
	}
	if d.Issuer != issuer {
		return assertion.Refuse("the metadata of %q is that of %q", assertion.Short(issuer), assertion.Short(d.Issuer))
	}
	return s.verifyByURL(ctx, d.JWKSURI, token)
}

// validateTrust checks how a client authenticates, as a whole: after creation
// or a change of any part.
func (s *Service) validateTrust(c estate.Client) error {
	signs := slices.Contains(c.AuthMethods, authPrivateKeyJWT)
	switch {
	case c.AppType != api.AppTypeWeb && len(c.PublicKeys) > 0:
		return invalidClient("/publicKeys", "publicKeys is for appType web only")
	case c.AppType != api.AppTypeWeb && c.JWKSURI != "":
		return invalidClient("/jwksUri", "jwksUri is for appType web only")
	case c.AppType != api.AppTypeWeb && len(c.Federated) > 0:
		return invalidClient("/federatedCredentials", "federatedCredentials is for appType web only")
	case len(c.PublicKeys) > 0 && c.JWKSURI != "":
		return invalidClient("/jwksUri", "give either publicKeys or jwksUri")
	case signs && len(c.PublicKeys) == 0 && c.JWKSURI == "":
		return invalidClient("/publicKeys", authPrivateKeyJWT+" needs publicKeys or jwksUri")
	}
	if c.JWKSURI != "" {
		if err := s.fetch.CheckURL(c.JWKSURI); err != nil {
			return invalidClient("/jwksUri", "jwksUri: "+err.Error())
		}
	}
	return s.validateFederation(c.Federated)
}
