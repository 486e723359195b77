package uid

import (
	"crypto/rand"
	"encoding/binary"
)

// New returns a name nobody else has: 80 random bits in text.
func New() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand.Read
	hi, lo := binary.LittleEndian.Uint64(raw[:8]), binary.LittleEndian.Uint64(raw[8:])
	var name [16]byte
	for i := range 8 {
		name[i], name[8+i] = letters[hi>>(5*i)&31], letters[lo>>(5*i)&31]
	}
	return string(name[:])
}
