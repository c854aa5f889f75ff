package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

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
	flags.StringVar(&f.jwksURI, "jwks-uri", "", "URL where the client publishes the keys with which it signs assertions")
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
