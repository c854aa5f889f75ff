package cli

import (
	"cmp"
	"errors"
	"strings"

	"github.com/freehold-platform/freehold/client"
)

// secretless tells whether the client authenticates by something better than a
// secret.
func (s storedContext) secretless() bool { return s.AssertionFile+s.PrivateKeyFile != "" }

// checkCredential finds settings that make no sense together.
func (s storedContext) checkCredential() error {
	switch {
	case s.AssertionFile != "" && s.PrivateKeyFile != "":
		return errors.New("give either an assertion file or a private key file, not both")
	case s.KeyID != "" && s.PrivateKeyFile == "":
		return errors.New("a key id goes with a private key file")
	case s.CertificateKeyFile != "" && s.CertificateFile == "":
		return errors.New("the key of a certificate goes with a certificate file")
	}
	return nil
}

// bound says what the tokens of a context are bound to.
func bound(s storedContext) string {
	var to []string
	if s.DPoP {
		to = append(to, "a key of each command's own")
	}
	if s.CertificateFile != "" {
		to = append(to, "the certificate in "+s.CertificateFile)
	}
	return strings.Join(to, ", ")
}

// dial makes a client out of a context. It does not connect.
func dial(env Env, s storedContext) (*client.Client, error) {
	opts := options(env, s)
	if s.Login {
		return dialLogin(env, s, opts)
	}
	credentials := client.Credentials{ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), Scopes: s.Scopes}
	switch {
	case s.AssertionFile != "":
		credentials.Assertion = client.AssertionFile(s.AssertionFile)
	case s.PrivateKeyFile != "":
		source, err := client.AssertionKeyFile(s.ClientID, s.KeyID, s.PrivateKeyFile)
		if err != nil {
			return nil, err
		}
		credentials.Assertion = source
	}
	return client.New(s.Server, append(opts, client.WithCredentials(credentials))...)
}

// dialLogin makes the client of somebody who has signed in.
func dialLogin(env Env, s storedContext, opts []client.Option) (*client.Client, error) {
	logins, err := loginsOf(env, s)
	if err != nil {
		return nil, err
	}
	conn, err := client.New(s.Server, append(opts, client.WithPersonTokens(s.ClientID, logins.keep))...)
	if err == nil {
		logins.server = conn.BaseURL()
	}
	return conn, err
}

// options are those of a context's client that are not about who it is.
func options(env Env, s storedContext) []client.Option {
	opts := []client.Option{client.WithUserAgent("freehold/" + env.Version)}
	if s.CAFile != "" {
		opts = append(opts, client.WithCAFile(s.CAFile))
	}
	if s.CertificateFile != "" {
		opts = append(opts, client.WithClientCertificateFiles(s.CertificateFile, cmp.Or(s.CertificateKeyFile, s.CertificateFile)))
	}
	if s.DPoP {
		opts = append(opts, client.WithDPoP())
	}
	return opts
}
