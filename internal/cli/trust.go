package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/freehold-platform/freehold/api"
)

// trust is how a new client authenticates without a secret.
type trust struct {
	keyFiles       []string
	jwksURI        string
	federationFile string
}

func (f *trust) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.keyFiles, "public-key-file", nil, "instead of a secret: file with the public key, as a JWK, with which the client signs assertions; may be repeated")
	flags.StringVar(&f.jwksURI, "jwks-uri", "", "instead of a secret: URL where the client publishes the keys with which it signs assertions")
	flags.StringVar(&f.federationFile, "federation-file", "", `instead of a secret: file with the outside issuers that the client trusts, as JSON: [{"name", "issuer", "audience", "subject" or "condition"}]`)
}

// read puts what the flags name into a request.
func (f *trust) read(request *api.CreateOAuthClientRequest) error {
	request.JWKSURI = f.jwksURI
	for _, path := range f.keyFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("public key: %w", err)
		}
		if !json.Valid(text) {
			return fmt.Errorf("public key: %s is not JSON; a JWK is needed", path)
		}
		request.PublicKeys = append(request.PublicKeys, text)
	}
	if f.federationFile == "" {
		return nil
	}
	text, err := os.ReadFile(f.federationFile)
	if err != nil {
		return fmt.Errorf("federation: %w", err)
	}
	if err := json.Unmarshal(text, &request.FederatedCredentials); err != nil {
		return fmt.Errorf("federation: %s: %w", f.federationFile, err)
	}
	return nil
}
