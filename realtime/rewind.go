package realtime

import (
	"strconv"
	"time"
)

// The bounds of a Rewind.
const (
	MaxRewind    = 100_000
	MaxRewindFor = MaxTTL
)

// Rewind is how far back a subscription begins: by number of what its client may see, or by age. One of both is set, or none: then it
// begins now.
type Rewind struct {
	Count int
	For   time.Duration
}

// IsZero reports whether it begins now.
func (r Rewind) IsZero() bool { return r == Rewind{} }

// Check refuses what is out of bounds. An error has code CodeBadRequest and names the field.
func (r Rewind) Check() error {
	switch {
	case r.IsZero():
		return nil
	case r.For == 0 && (r.Count < 1 || r.Count > MaxRewind):
		return Errorf(CodeBadRequest, "rewind: must be 1 to %d, got %d", MaxRewind, r.Count)
	case r.Count == 0 && (r.For < time.Millisecond || r.For > MaxRewindFor):
		return Errorf(CodeBadRequest, "rewind: must be 1ms to %s, got %s", shortly(MaxRewindFor), shortly(r.For))
	case r.Count != 0 && r.For != 0:
		return Errorf(CodeBadRequest, "rewind: must be a number or a duration, not both")
	}
	return nil
}

// ParseRewind reads a number, such as 50, or a duration as package time writes it, such as 5m. An error has code CodeBadRequest and names
// the field.
func ParseRewind(text string) (r Rewind, err error) {
	if r.Count, err = strconv.Atoi(text); err == nil && r.Count != 0 {
		return r, r.Check()
	}
	if r.For, err = time.ParseDuration(text); err != nil || r.For == 0 {
		return Rewind{}, Errorf(CodeBadRequest, "rewind: must be a number from 1 to %d, or a duration such as 5m, got %q", MaxRewind, clip(text))
	}
	r.Count = 0
	return r, r.Check()
}

// String is what ParseRewind reads; empty if it begins now.
func (r Rewind) String() string {
	switch {
	case r.IsZero():
		return ""
	case r.For != 0:
		return shortly(r.For)
	}
	return strconv.Itoa(r.Count)
}
