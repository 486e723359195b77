package turns

import (
	"math"
	"time"
)

// Allowance is how many bytes one may be given now. The zero value is without bound until Allows is called. It is guarded by its owner.
type Allowance struct {
	have   float64
	filled time.Time
}

// part is how much of a second may be given at once.
const part = 0.25

// Allows returns how many bytes may be given now, of so many a second; not more than nothing if it is spent.
func (b *Allowance) Allows(perSecond int64) int {
	if perSecond == 0 {
		*b = Allowance{have: math.MaxInt32}
		return math.MaxInt32
	}
	now, most := time.Now(), float64(perSecond)*part
	b.have = min(most, b.have+float64(perSecond)*now.Sub(b.filled).Seconds())
	b.filled = now
	return int(b.have)
}

// Take takes what was given, and returns what is left.
func (b *Allowance) Take(n int) int {
	b.have -= float64(n)
	return int(b.have)
}
