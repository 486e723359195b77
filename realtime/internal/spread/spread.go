// Package spread keeps what many do every so often from being done by all at once.
package spread

import (
	"math/bits"
	"time"
)

// Part returns a part of d, a quarter at the least, that differs from one id to another and is always the same for one.
func Part(d time.Duration, id string) time.Duration {
	n := uint32(2166136261)
	for i := range len(id) {
		n = (n ^ uint32(id[i])) * 16777619
	}
	part, _ := bits.Mul64(uint64(n)<<32, uint64(d-d/4)) // the product of seconds in nanoseconds has more than 64 bits
	return d/4 + time.Duration(part)
}
