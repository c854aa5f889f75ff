package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/estate"
)

// PatchOperation is one operation of a patch.
type PatchOperation struct {
	Op    string
	Path  string
	Value json.RawMessage
}

// maxPatch is how many operations a patch can have.
const maxPatch = 100

// ParsePatch reads a patch. Its errors name the place that is wrong.
func ParsePatch(text []byte) ([]PatchOperation, error) {
	var operations []map[string]json.RawMessage // maps, because struct fields match without case
	if json.Unmarshal(text, &operations) != nil || operations == nil {
		return nil, badPatch("", "The body must be a JSON Patch: an array of operations.")
	}
	if len(operations) > maxPatch {
		return nil, badPatch("", fmt.Sprintf("A patch can have at most %d operations.", maxPatch))
	}
	patch := make([]PatchOperation, len(operations))
	for i, members := range operations {
		p, place := &patch[i], "/"+strconv.Itoa(i)
		if members == nil || json.Unmarshal(members["op"], &p.Op) != nil {
			return nil, badPatch(place+"/op", "must be a text")
		}
		if raw, ok := members["path"]; ok && json.Unmarshal(raw, &p.Path) != nil {
			return nil, badPatch(place+"/path", "must be a JSON Pointer, such as /description")
		}
		p.Value = members["value"]
	}
	return patch, nil
}

func badPatch(pointer, detail string) *estate.Error {
	e := estate.E(estate.Invalid, api.CodeIDPPatch, "Invalid patch", detail)
	if pointer == "" {
		return e
	}
	return e.At(pointer, detail)
}

// inPatch moves the pointers of err to where operation i has the value.
func inPatch(err error, i int) error {
	var e *estate.Error
	if !errors.As(err, &e) || e.Kind != estate.Invalid {
		return err
	}
	moved := *e
	moved.Fields = nil
	for _, f := range e.Fields {
		if f.Pointer != "/op" && f.Pointer != "/path" {
			f.Pointer = "/value"
		}
		f.Pointer = "/" + strconv.Itoa(i) + f.Pointer
		moved.Fields = append(moved.Fields, f)
	}
	return &moved
}

// What can be changed, as the contract has it.
var (
	jwtPaths  = []string{"/description"}
	oidcPaths = []string{
		"/active", "/description", "/meta", "/clockToleranceSec", "/postLogoutRedirectUri", "/options", "/pendingOptions",
		"/options/realm", "/options/discoveryUrl", "/options/claimsMapping",
		"/pendingOptions/realm", "/pendingOptions/discoveryUrl", "/pendingOptions/claimsMapping", "/pendingOptions/clientId", "/pendingOptions/clientSecret",
		"/pendingOptions/emailVerifiedAlwaysTrue", "/pendingOptions/idTokenSignatureAlg", "/pendingOptions/decryptingKey",
	}
)

// promoteOptions puts the pending options in force.
const promoteOptions = "promote-options"

// apply changes p by one operation.
func (s *Service) apply(p *estate.IdentityProvider, op PatchOperation) error {
	paths := jwtPaths
	if p.Protocol == api.ProtocolOIDC {
		paths = oidcPaths
		if op.Op == promoteOptions {
			return promote(p)
		}
	}
	switch {
	case op.Op != "replace":
		return badPatch("/op", "must be replace"+map[bool]string{true: " or " + promoteOptions}[p.Protocol == api.ProtocolOIDC])
	case !slices.Contains(paths, op.Path):
		return badPatch("/path", "can be one of "+strings.Join(paths, ", "))
	case op.Value == nil:
		return badPatch("/value", "is missing")
	}
	if part, member, _ := strings.Cut(op.Path[1:], "/"); part == "options" || part == "pendingOptions" {
		return s.applyOptions(p, part, member, op.Value)
	}
	switch op.Path {
	case "/active":
		if err := decode(op.Value, &p.Active); err != nil {
			return err
		}
		if p.Active && p.Options.ClientID == "" {
			return errUnverified
		}
	case "/description":
		return decode(op.Value, &p.Description)
	case "/postLogoutRedirectUri":
		return decode(op.Value, &p.AfterLogout)
	case "/meta":
		p.Meta = slices.Clone(op.Value)
		if string(op.Value) == "null" {
			p.Meta = nil
		}
		return checkCommon(*p)
	case "/clockToleranceSec":
		var seconds int
		err := decode(op.Value, &seconds)
		if err == nil {
			p.ClockTolerance, err = tolerance(seconds)
		}
		return err
	}
	return nil
}

// applyOptions changes all of the options, or one member. Pending ones have to be
// tested again.
func (s *Service) applyOptions(p *estate.IdentityProvider, part, member string, value json.RawMessage) error {
	before := p.Options
	if part == "pendingOptions" {
		before = estate.IdentityProviderOptions{}
		if p.Pending != nil {
			before = *p.Pending
		}
	} else if p.Options.ClientID == "" {
		return errUnverified // there are none in force
	}
	var in api.IdentityProviderOptions
	if member == "" {
		if err := decode(value, &in); err != nil {
			return err
		}
	} else {
		in = WireOptions(before)
		one, err := json.Marshal(map[string]json.RawMessage{member: value})
		if err != nil {
			return err
		}
		if member == "claimsMapping" {
			in.ClaimsMapping = nil // decoding would merge the maps
		}
		if member == "discoveryUrl" {
			in.OpenIDConfiguration = nil
		}
		if err := decode(one, &in); err != nil {
			return err
		}
	}
	if in.ClientSecret == "" && part == "pendingOptions" && before.SealedSecret == nil {
		before = p.Options // which are the same client's, perhaps
	}
	options, err := s.oidcOptions(*p, "/value", in, before)
	if err != nil {
		return err
	}
	if part == "options" {
		p.Options = options
		return nil
	}
	p.Pending, p.PendingState, p.PendingResult = &options, estate.PendingStatePending, nil
	return nil
}

// promote puts the pending options in force, if they have passed the test.
func promote(p *estate.IdentityProvider) error {
	if p.Pending == nil || p.PendingState != estate.PendingStateVerified {
		return errUnverified
	}
	if p.Options.ClientID == "" {
		p.Active = true
	}
	p.Options, p.Pending, p.PendingState, p.PendingResult = *p.Pending, nil, "", nil
	return nil
}

// decode reads a value that has to be of the right type.
func decode(value json.RawMessage, into any) error {
	if bytes.Equal(value, []byte("null")) || json.Unmarshal(value, into) != nil {
		return badPatch("/value", "is not of the right type")
	}
	return nil
}

// WireOptions are options as they are shown: without the secret.
func WireOptions(o estate.IdentityProviderOptions) api.IdentityProviderOptions {
	out := api.IdentityProviderOptions{
		Issuer: o.Issuer, DiscoveryURL: o.DiscoveryURL, ClientID: o.ClientID, Realm: o.Realm, Scope: o.Scope, ClaimsMapping: o.ClaimsMapping,
		IDTokenSignatureAlg: o.SignatureAlgorithm, UseClaimsFromIDToken: o.ClaimsFromIDToken, EmailVerifiedAlwaysTrue: o.EmailVerified,
		BlockOfflineAccessScope: o.BlockOfflineAccess,
	}
	for _, k := range o.Keys {
		out.StaticKeys = append(out.StaticKeys, api.StaticKey{KeyID: k.ID, PEM: k.PEM})
	}
	if c := o.Configuration; c != nil {
		out.OpenIDConfiguration = &api.OpenIDConfiguration{
			Issuer: c.Issuer, AuthorizationEndpoint: c.Authorization, TokenEndpoint: c.Token, JWKSURI: c.JWKS,
			UserinfoEndpoint: c.UserInfo, EndSessionEndpoint: c.EndSession, IntrospectionEndpoint: c.Introspection,
		}
	}
	return out
}

var errUnverified = estate.E(estate.Precondition, api.CodeIDPUnverified, "Not verified", "The identity provider needs options that have passed a test: open /login/test and sign in, then promote them.")
