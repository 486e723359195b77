package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// maxSetKeys bounds the keys of a key set.
const maxSetKeys = 100

// parseSet reads a JWK Set (RFC 7517). A key that is not for verifying one of the
// algorithms served here is left out, as section 5 asks, and told in
// skipped. The whole set is refused if it contains a private key, mixes secrets with public keys,
// or has two usable keys of one kid: its publisher has made a mistake, and which
// keys to trust is a guess.
func parseSet(raw []byte) (keys []*key, skipped, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, nil, fmt.Errorf("not a JWK Set: %w", err)
	}
	if n := len(set.Keys); n > maxSetKeys {
		return nil, nil, fmt.Errorf("must have at most %d keys, got %d", maxSetKeys, n)
	}
	kids := make(map[string]bool, len(set.Keys))
	secrets := 0
	for i, raw := range set.Keys {
		var m jwkset.JWKMarshal
		if err := json.Unmarshal(raw, &m); err != nil {
			skipped = errors.Join(skipped, fmt.Errorf("keys[%d]: %w", i, err))
			continue
		}
		if m.KTY == jwkset.KtyOct {
			secrets++
		}
		if m.D != "" || m.P != "" || m.Q != "" {
			return nil, nil, fmt.Errorf("keys[%d]: contains a private key", i)
		}
		k, err := keyOfJWK(m)
		if err != nil {
			skipped = errors.Join(skipped, fmt.Errorf("keys[%d]: %w", i, err))
			continue
		}
		if kids[k.kid] && k.kid != "" {
			return nil, nil, fmt.Errorf("keys[%d]: kid %q appears twice", i, clip(k.kid))
		}
		kids[k.kid] = true
		keys = append(keys, k)
	}
	if secrets > 0 && secrets < len(set.Keys) {
		return nil, nil, errors.New("mixes secrets with public keys")
	}
	return keys, skipped, nil
}

// keyOfJWK makes the key of a JWK whose use, key_ops, alg, kty and crv all allow
// it to verify.
func keyOfJWK(m jwkset.JWKMarshal) (*key, error) {
	if m.USE != "" && m.USE != jwkset.UseSig {
		return nil, fmt.Errorf("use must be sig, got %q", clip(m.USE.String()))
	}
	if len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return nil, errors.New("key_ops does not contain verify")
	}
	alg := m.ALG.String()
	if alg == "" {
		alg = impliedAlg(m)
	}
	if methodOf(alg) == nil {
		return nil, fmt.Errorf("alg %q is not supported", clip(alg))
	}
	// A private part was refused above; without Private a secret could not be read.
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: m.KTY == jwkset.KtyOct}, jwkset.JWKValidateOptions{})
	if err != nil {
		return nil, err
	}
	return newKey(m.KID, alg, jwk.Key())
}

// impliedAlg is the one algorithm of a key that names none, as some large
// issuers leave alg out. An RSA key is then one of RS256, never of PS256; a secret is of none.
func impliedAlg(m jwkset.JWKMarshal) string {
	switch {
	case m.KTY == jwkset.KtyRSA:
		return "RS256"
	case m.KTY == jwkset.KtyEC && m.CRV == jwkset.CrvP256:
		return "ES256"
	case m.KTY == jwkset.KtyOKP && m.CRV == jwkset.CrvEd25519:
		return "EdDSA"
	}
	return ""
}
