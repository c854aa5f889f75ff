package client

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// AssertionKeyFile is [AssertionKey] with the private key of a PEM file: PKCS #8,
// or what OpenSSL writes for EC and RSA keys.
func AssertionKeyFile(clientID, keyID, path string) (AssertionSource, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	key, err := parsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read private key: %s %w", path, err)
	}
	return AssertionKey(clientID, keyID, key)
}

// parsePrivateKey takes the first private key of a PEM text. Its errors never say
// what is in there.
func parsePrivateKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("is encrypted")
		default: // such as the parameters of a curve
			continue
		}
		if signer, ok := key.(crypto.Signer); ok && err == nil {
			return signer, nil
		}
		return nil, errors.New("holds a private key that can't be read")
	}
	return nil, errors.New("holds no private key in PEM")
}

// WithClientCertificate shows a certificate to servers that ask for one. They bind
// the tokens to it (RFC 8705): whoever steals one can't use it without the
// certificate's key.
func WithClientCertificate(certificate tls.Certificate) Option {
	return func(o *options) error {
		o.certificates = append(o.certificates, certificate)
		return nil
	}
}

// WithClientCertificateFiles is [WithClientCertificate] with PEM files.
func WithClientCertificateFiles(certificatePath, keyPath string) Option {
	return func(o *options) error {
		certificate, err := tls.LoadX509KeyPair(certificatePath, keyPath)
		if err != nil {
			return fmt.Errorf("read client certificate: %w", err)
		}
		return WithClientCertificate(certificate)(o)
	}
}
