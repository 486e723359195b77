package hub

import (
	"math/bits"
	"time"
)

// spread returns a part of d that differs from connection to connection, so
// that what all of them do every d is not done by all at once.
func spread(d time.Duration, id string) time.Duration {
	n := uint32(2166136261)
	for i := range len(id) {
		n = (n ^ uint32(id[i])) * 16777619
	}
	part, _ := bits.Mul64(uint64(n)<<32, uint64(d-d/4)) // the product of seconds in nanoseconds has more than 64 bits
	return d/4 + time.Duration(part)
}
