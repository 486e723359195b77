package realtime

import "math"

// The bounds of a rate, in flushes a second.
const (
	MinRate = 0.05
	MaxRate = 1000.0
)

// Rate bounds how often a subscription is sent what is new, in flushes a second: a flush has the newest
// Publication of each Key, and all those without one.
type Rate struct {
	// Max is the most that a client is given, also if it asks for nothing; 0 is without bound.
	Max float64 `json:"max,omitempty"`
	// Min is how far the rate of a subscription goes down by itself when its client does not keep up; 0 is 0.5, or Max if
	// that is less.
	Min float64 `json:"min,omitempty"`
}

// CheckRate refuses what is no rate. field says what it is the value of.
func CheckRate(field string, rate float64) error {
	if math.IsNaN(rate) || rate < MinRate || rate > MaxRate {
		return Errorf(CodeBadRequest, "%s: must be %v to %v, got %v", field, MinRate, MaxRate, rate)
	}
	return nil
}

// The bounds of what a client may ask for as the bytes a second of its connection.
const (
	MinBytesPerSecond = 1000
	MaxBytesPerSecond = 1_000_000_000
)

// CheckBytesPerSecond refuses what no connection can be bounded by. field says what it is the value of.
func CheckBytesPerSecond(field string, n int64) error {
	if n < MinBytesPerSecond || n > MaxBytesPerSecond {
		return Errorf(CodeBadRequest, "%s: must be %d to %d, got %d", field, MinBytesPerSecond, MaxBytesPerSecond, n)
	}
	return nil
}

func (r *Rate) check(field string) error {
	if r == nil {
		return nil
	}
	if r.Max != 0 {
		if err := CheckRate(field+".max", r.Max); err != nil {
			return err
		}
	}
	if r.Min == 0 {
		return nil
	}
	if err := CheckRate(field+".min", r.Min); err != nil {
		return err
	}
	if r.Max != 0 && r.Min > r.Max {
		return Errorf(CodeBadRequest, "%s.min: must be at most max, which is %v, got %v", field, r.Max, r.Min)
	}
	return nil
}

// GrantedRate is the rate that a subscription is given which asks for one; 0 is without bound.
func (n *Namespace) GrantedRate(asked float64) float64 {
	if n.Rate == nil || n.Rate.Max == 0 || asked > 0 && asked < n.Rate.Max {
		return asked
	}
	return n.Rate.Max
}
