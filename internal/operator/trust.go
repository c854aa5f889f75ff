package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/freehold-platform/freehold/api"
	"github.com/freehold-platform/freehold/internal/credential"
	"github.com/freehold-platform/freehold/internal/estate"
)

// trustFlags say how a client authenticates without a secret.
type trustFlags struct {
	keyFiles       []string
	jwksURI        string
	federationFile string
}

func (f *trustFlags) bind(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.keyFiles, "public-key-file", nil, "file with the public key, as a JWK or a JWK set, with which the client signs assertions; may be repeated")
	flags.StringVar(&f.jwksURI, "jwks-uri", "", "address (URL) where the client publishes the keys with which it signs assertions")
	flags.StringVar(&f.federationFile, "federation-file", "",
		`file with the outside issuers that the client trusts, as JSON: [{"name", "issuer", "audience", "subject" or "condition"}]`)
}

// read puts what the flags name into n.
func (f *trustFlags) read(n *credential.NewClient) error {
	n.JWKSURI = f.jwksURI
	for _, path := range f.keyFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("public key: %w", err)
		}
		var set api.JWKSet
		if json.Unmarshal(text, &set) == nil && set.Keys != nil {
			n.PublicKeys = append(n.PublicKeys, set.Keys...)
			continue
		}
		if !json.Valid(text) {
			return fmt.Errorf("public key: %s is not JSON; a JWK is needed", path)
		}
		n.PublicKeys = append(n.PublicKeys, text)
	}
	if f.federationFile == "" {
		return nil
	}
	text, err := os.ReadFile(f.federationFile)
	if err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		text = append(append([]byte("["), trimmed...), ']') // one entry needs no list
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var entries []api.FederatedCredential
	if err := decoder.Decode(&entries); err != nil {
		return fmt.Errorf("federation: %s: %w", f.federationFile, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("federation: %s: more than one JSON value", f.federationFile)
	}
	for _, entry := range entries {
		n.Federated = append(n.Federated, estate.FederatedCredential(entry))
	}
	return nil
}

type outsideTokenView struct {
	Accepted   bool   `json:"accepted"`
	Credential string `json:"federatedCredential,omitempty"`
	Issuer     string `json:"issuer,omitempty"`
	Subject    string `json:"subject,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// checkTokenCommand tries a workload's token on a client.
func checkTokenCommand(with with) *cobra.Command {
	var client, file, organization string
	check := &cobra.Command{
		Use:   "check-token",
		Short: "Tell whether a client would accept the token of an outside issuer, and why not",
		Long: "Tell whether a client would accept the token of an outside issuer, and why not. The issuer's keys are fetched as the\n" +
			"server would; no token is issued. It fails if the token is not accepted.",
		Args: cobra.NoArgs,
		RunE: with(func(s *session, _ []string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("token: %w", err)
			}
			id, err := s.organization(organization)
			if err != nil {
				return err
			}
			realm := credential.Realm{Scope: estate.Scope{Organization: id}}
			checked, err := s.Credential.CheckOutsideToken(s.cmd.Context(), s.actor, realm, estate.ClientID(client), strings.TrimSpace(string(text)))
			if err != nil {
				return err
			}
			v := outsideTokenView(checked)
			if err := s.out.One(s.cmd, v, []string{"ACCEPTED BY", "ISSUER", "SUBJECT", "REASON"}, []string{v.Credential, v.Issuer, v.Subject, v.Reason}); err != nil {
				return err
			}
			if !v.Accepted {
				return errors.New("the token is not accepted: " + v.Reason)
			}
			return nil
		}),
	}
	check.Flags().StringVar(&client, "client", "", "client id")
	check.Flags().StringVar(&organization, "organization", "", organizationUsage)
	check.Flags().StringVar(&file, "token-file", "", "file with the token")
	_ = check.MarkFlagRequired("client")
	_ = check.MarkFlagRequired("token-file")
	return check
}
