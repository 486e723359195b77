// Package distinct counts how many different names several places have together, from a bounded summary that each of them makes of its own.
package distinct

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// sumBytes is how much of a name's sum is kept: two of a million names have one in common about once in 500 summaries of all of them.
const sumBytes = 6

const sums = 1 << (8 * sumBytes)

// Sketch is a summary of a set of names: the smallest sums of them. As long as there are no more names than it keeps sums, it counts them
// exactly; of more, it says how many there are to within about 1/sqrt(most), by how close together the smallest are. It is not
// safe for concurrent use. The zero value is none; see New.
type Sketch struct {
	most int
	sums []uint64 // ascending, each once
	over bool     // there were more
}

// New returns a Sketch of no names that keeps as many sums.
func New(most int) *Sketch { return &Sketch{most: most} }

// Add adds a name, which may be there already.
func (s *Sketch) Add(name string) { s.add(sum(name)) }

// Merge adds the names of another.
func (s *Sketch) Merge(o *Sketch) {
	if len(o.sums) == 0 {
		return
	}
	for _, v := range o.sums {
		s.add(v)
	}
	if o.over { // what it has left out comes after the sums that it keeps
		s.over = true
		at, _ := slices.BinarySearch(s.sums, o.sums[len(o.sums)-1]+1)
		s.sums = s.sums[:at]
	}
}

func (s *Sketch) add(v uint64) {
	if s.most == 0 || s.over && (len(s.sums) == 0 || v > s.sums[len(s.sums)-1]) {
		s.over = true
		return
	}
	at, has := slices.BinarySearch(s.sums, v)
	if has {
		return
	}
	s.sums = slices.Insert(s.sums, at, v)
	if len(s.sums) > s.most {
		s.over = true
		s.sums = s.sums[:s.most]
	}
}

// Count is how many names there are; exact says whether that is known, and not an estimate.
func (s *Sketch) Count() (n int, exact bool) {
	if !s.over || len(s.sums) == 0 {
		return len(s.sums), !s.over
	}
	largest := s.sums[len(s.sums)-1]
	return max(len(s.sums), int(math.Round(float64(len(s.sums)-1)/(float64(largest)+1)*sums))), false
}

// MarshalJSON writes it as a text of eight characters a sum, with a '+' behind them if there were more.
func (s *Sketch) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, len(s.sums)*sumBytes)
	for _, v := range s.sums {
		for shift := 8 * (sumBytes - 1); shift >= 0; shift -= 8 {
			raw = append(raw, byte(v>>shift))
		}
	}
	text := append([]byte{'"'}, base64.RawURLEncoding.AppendEncode(nil, raw)...)
	if s.over {
		text = append(text, '+')
	}
	return append(text, '"'), nil
}

// UnmarshalJSON reads what MarshalJSON has written. It keeps as many sums as are there.
func (s *Sketch) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a sketch must be a string: %w", err)
	}
	is := Sketch{}
	if n := len(text); n > 1 && text[n-1] == '+' {
		is.over, text = true, text[:n-1]
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw)%sumBytes != 0 {
		return fmt.Errorf("a sketch must be base64 of sums of %d bytes", sumBytes)
	}
	for ; len(raw) > 0; raw = raw[sumBytes:] {
		var v uint64
		for _, b := range raw[:sumBytes] {
			v = v<<8 | uint64(b)
		}
		if n := len(is.sums); n > 0 && v <= is.sums[n-1] {
			return fmt.Errorf("a sketch must have its sums in ascending order")
		}
		is.sums = append(is.sums, v)
	}
	is.most = len(is.sums)
	*s = is
	return nil
}

// sum is the same for a name everywhere, and evenly spread: FNV-1a, whose upper bits are poor for short names, and then mixed.
func sum(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h >> (64 - 8*sumBytes)
}
