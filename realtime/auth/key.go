package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minSecretBytes = 32 // of an HS256 secret, RFC 7518 section 3.2
	maxTries       = 4  // keys a token without a kid is tried against
)

// key verifies tokens of one algorithm, and signs them if it has the private
// half. It was checked by newKey and is never changed.
type key struct {
	kid     string // empty if it has none
	alg     string
	id      [32]byte // of algorithm and material: equal for keys that verify the same tokens, whatever their kid
	method  jwt.SigningMethod
	public  any       // what method.Verify takes
	private any       // what method.Sign takes; nil if it cannot sign
	until   time.Time // when it ends; zero is never
}

// methodOf returns the one method of an algorithm, nil if it is not served.
func methodOf(alg string) jwt.SigningMethod {
	switch alg {
	case "HS256":
		return jwt.SigningMethodHS256
	case "RS256":
		return jwt.SigningMethodRS256
	case "PS256":
		// The library's own accepts a salt of any length; RFC 7518 section 3.5
		// wants that of the hash.
		return &jwt.SigningMethodRSAPSS{
			SigningMethodRSA: jwt.SigningMethodPS256.SigningMethodRSA,
			Options:          &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash},
		}
	case "ES256":
		return jwt.SigningMethodES256
	case "EdDSA":
		return jwt.SigningMethodEdDSA
	}
	return nil
}

// newKey makes a key of what crypto/x509 or a JWK gave, and is where every key comes
// through: it refuses a kind that does not belong to the algorithm, the wrong curve
// and what is too weak.
func newKey(kid, alg string, material any) (*key, error) {
	k := &key{kid: kid, alg: alg, method: methodOf(alg)}
	if k.method == nil {
		return nil, fmt.Errorf("alg: must be HS256, RS256, PS256, ES256 or EdDSA, got %q", clip(alg))
	}
	var fits bool
	var fault error
	switch m := material.(type) {
	case []byte:
		fits, fault = alg == "HS256", checkSecret(m)
		k.public, k.private = m, m
	case *rsa.PublicKey:
		fits, fault = alg == "RS256" || alg == "PS256", checkRSA(m)
		k.public = m
	case *rsa.PrivateKey:
		fits, fault = alg == "RS256" || alg == "PS256", checkRSA(&m.PublicKey)
		k.public, k.private = &m.PublicKey, m
	case *ecdsa.PublicKey:
		fits, fault = alg == "ES256", checkCurve(m)
		k.public = m
	case *ecdsa.PrivateKey:
		fits, fault = alg == "ES256", checkCurve(&m.PublicKey)
		k.public, k.private = &m.PublicKey, m
	case ed25519.PublicKey:
		fits = alg == "EdDSA"
		k.public = m
	case ed25519.PrivateKey:
		fits = alg == "EdDSA"
		k.public, k.private = m.Public(), m
	}
	if !fits {
		return nil, fmt.Errorf("alg: a %T cannot be a key of %s", material, alg)
	}
	if fault != nil {
		return nil, fault
	}
	k.id, fault = k.identify()
	return k, fault
}

func (k *key) identify() ([32]byte, error) {
	bytes, symmetric := k.public.([]byte)
	if !symmetric {
		var err error
		if bytes, err = x509.MarshalPKIXPublicKey(k.public); err != nil {
			return [32]byte{}, err
		}
	}
	return sha256.Sum256(append([]byte(k.alg+"\x00"), bytes...)), nil
}

func checkSecret(secret []byte) error {
	if len(secret) < minSecretBytes {
		return fmt.Errorf("a secret for HS256 must have at least %d bytes, got %d", minSecretBytes, len(secret))
	}
	return nil
}

func checkCurve(k *ecdsa.PublicKey) error {
	if k.Curve != elliptic.P256() {
		return errors.New("a key for ES256 must be on the curve P-256")
	}
	return nil
}

// proof is how a key is recognised that has made a token: by its signature, or, once that was verified, by the
// key's id.
type proof struct {
	alg, kid string // of the token's header
	by       func(*key) bool
	// worth reports whether it is worth asking the issuer for a key that is not known; nil is yes.
	worth func() bool
	// again says that the token was believed before: a key that has left its issuer's set lately still counts.
	again bool
}

func proofOf(t *token) proof {
	return proof{alg: t.alg, kid: t.kid, by: func(k *key) bool { return k.method.Verify(t.signed, t.signature, k.public) == nil }}
}

// verifySignature is the one place where it is said which key has made a token. A token with a kid is
// tried with the keys of that kid only, one without with those of its algorithm;
// either way the algorithm must be the key's own.
func verifySignature(keys []*key, p proof) (*key, error) {
	tried, ended, otherAlg, now := 0, 0, "", time.Now()
	for _, k := range keys {
		if p.kid != "" && k.kid != p.kid {
			continue
		}
		if !k.until.IsZero() && !now.Before(k.until) {
			ended++
			continue
		}
		if k.alg != p.alg {
			otherAlg = k.alg
			continue
		}
		if tried == maxTries {
			break
		}
		tried++
		if p.by(k) {
			return k, nil
		}
	}
	switch {
	case tried > 0:
		return nil, refuse(reasonSignature, "signed by none of %d keys, alg %s, kid %q", tried, p.alg, clip(p.kid))
	case otherAlg != "":
		return nil, refuse(reasonAlgorithm, "alg is %q, the key's is %s, kid %q", clip(p.alg), otherAlg, clip(p.kid))
	}
	return nil, refuse(reasonUnknownKey, "kid %q, alg %q; %d keys of this kid have ended", clip(p.kid), clip(p.alg), ended)
}
