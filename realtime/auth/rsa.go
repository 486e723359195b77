package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
)

// The sizes of an RSA key in bits: the least is RFC 7518's (sections 3.3, 3.5), the
// most keeps one verification below a millisecond.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

func checkRSA(k *rsa.PublicKey) error {
	switch bits := k.N.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return fmt.Errorf("an RSA key must have %d to %d bits, got %d", minRSABits, maxRSABits, bits)
	case k.E < 3 || k.E%2 == 0:
		return fmt.Errorf("the public exponent of an RSA key must be odd and at least 3, got %d", k.E)
	case isROCA(k.N):
		return errors.New("the private key of this RSA key can be computed (CVE-2017-15361); create a new one")
	}
	return nil
}

// isROCA reports whether a modulus has the structure that a faulty generator of
// smart cards gave its keys: modulo each small prime it is a power of 65537.
// Another key looks so once in about 2^27.
// (Nemec et al., The Return of Coppersmith's Attack, section 2.3.)
func isROCA(n *big.Int) bool {
	m, p := new(big.Int), new(big.Int)
	for prime := int64(3); prime <= 167; prime += 2 {
		if !p.SetInt64(prime).ProbablyPrime(0) {
			continue
		}
		if !isPowerOf65537(m.Mod(n, p).Int64(), prime) {
			return false
		}
	}
	return true
}

func isPowerOf65537(x, prime int64) bool {
	generator := 65537 % prime
	for power := int64(1); ; {
		if power == x {
			return true
		}
		if power = power * generator % prime; power == 1 {
			return false
		}
	}
}
