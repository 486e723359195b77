package auth

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// maxKeys bounds the keys of a document.
const maxKeys = 32

// CheckKeys refuses a tenant document whose auth.keys or auth.jwksUrl cannot work. An
// error has code CodeBadRequest and names the field. Key material is never part of it.
//
// A secret has 32 bytes or more and is no PEM text; an RSA key has 2048 to 8192
// bits; an ES256 key is on P-256. PEM holds one block: a PKIX public key, a PKCS #8 private key or an X.509
// certificate, of which only the key counts, not its dates. No two keys share a kid. A jwksUrl is
// https, or http to a loopback address.
func CheckKeys(t *realtime.Tenant) error {
	if n := len(t.Auth.Keys); n > maxKeys {
		return realtime.Errorf(realtime.CodeBadRequest, "auth.keys: must be at most %d keys, got %d", maxKeys, n)
	}
	kids := make(map[string]int, len(t.Auth.Keys))
	for i, k := range t.Auth.Keys {
		if _, err := keyOf(k); err != nil {
			return realtime.Errorf(realtime.CodeBadRequest, "auth.keys[%d].%v", i, err)
		}
		if first, taken := kids[k.KID]; taken && k.KID != "" {
			return realtime.Errorf(realtime.CodeBadRequest, "auth.keys[%d].kid: %q appears twice, also in auth.keys[%d]", i, clip(k.KID), first)
		}
		kids[k.KID] = i
	}
	if err := checkURL(t.Auth.JWKSURL); err != nil {
		return realtime.Errorf(realtime.CodeBadRequest, "auth.jwksUrl: %v", err)
	}
	return nil
}

// keyOf makes the key of a document; an error begins with the field's name.
func keyOf(k realtime.Key) (*key, error) {
	if len(k.KID) > realtime.MaxIDBytes {
		return nil, fmt.Errorf("kid: must be at most %d bytes, got %d", realtime.MaxIDBytes, len(k.KID))
	}
	if methodOf(k.Alg) == nil {
		return nil, fmt.Errorf("alg: must be HS256, RS256, PS256, ES256 or EdDSA, got %q", clip(k.Alg))
	}
	if k.Alg == "HS256" {
		switch {
		case k.PEM != "":
			return nil, errors.New("pem: HS256 needs a secret instead")
		case strings.Contains(k.Secret, "-----BEGIN "):
			// The mistake behind key confusion: who knows the public key could sign.
			return nil, errors.New("secret: is PEM text; put it into pem, and its algorithm into alg")
		}
		made, err := newKey(k.KID, k.Alg, []byte(k.Secret))
		return until(made, k.Until), prefix("secret", err)
	}
	if k.Secret != "" {
		return nil, fmt.Errorf("secret: %s needs pem instead", k.Alg)
	}
	material, err := parsePEM(k.PEM)
	if err != nil {
		return nil, prefix("pem", err)
	}
	made, err := newKey(k.KID, k.Alg, material)
	return until(made, k.Until), prefix("pem", err)
}

// until lets a key end at a moment. k may be nil.
func until(k *key, end time.Time) *key {
	if k != nil {
		k.until = end
	}
	return k
}

func prefix(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}

// parsePEM returns what the one block of the text holds.
func parsePEM(text string) (any, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("contains no PEM block")
	case strings.TrimSpace(string(rest)) != "":
		return nil, errors.New("contains data after its first block; give each key its own entry")
	}
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	}
	return nil, fmt.Errorf("blocks of type %q are not supported; convert a private key with openssl pkcs8 -topk8 -nocrypt", clip(block.Type))
}

// checkURL allows https, and http to this machine for development. The
// document's author chooses the host; Options.JWKS.Client can restrict where it may lead.
func checkURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || len(raw) > 2048:
		return errors.New("must be an absolute URL of at most 2048 bytes")
	case u.User != nil || u.Fragment != "":
		return errors.New("must not contain a user or a fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("must begin with https://")
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// IsPublicPEM reports whether a key's pem may be shown: it holds a public key or a certificate and nothing else.
func IsPublicPEM(text string) bool {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" || len(block.Headers) > 0 || !strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
		return false
	}
	return block.Type == "PUBLIC KEY" || block.Type == "CERTIFICATE"
}
