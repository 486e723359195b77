package realtime

import (
	"strconv"
	"strings"
	"time"
)

// Position is where a reader stands in a channel: the last Publication it has
// seen, by publish time and ID, or a moment (no ID). A client keeps the newest
// one of each channel and gives it back to resume, on any instance.
//
// A reader at a moment has seen everything up to and including that
// millisecond. The zero Position means "from now on".
type Position struct {
	Time int64  // the broker's publish time, milliseconds since 1970
	ID   string // empty for a moment
}

// Moment returns the Position of a reader that has seen all up to t.
func Moment(t time.Time) Position { return Position{Time: t.UnixMilli()} }

// IsZero reports whether the Position says nothing.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the wire form, <ms>-<ID>; it is empty for the zero Position.
func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	return strconv.FormatInt(p.Time, 10) + "-" + p.ID
}

// Append appends the wire form to b.
func (p Position) Append(b []byte) []byte {
	if p.IsZero() {
		return b
	}
	b = strconv.AppendInt(b, p.Time, 10)
	b = append(b, '-')
	return append(b, p.ID...)
}

// ParsePosition reads the wire form. The empty string is the zero Position, as a frame without one has it: where somebody has to
// say a Position, ask for IsZero too. An error has code CodeBadRequest.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	digits, id, ok := strings.Cut(s, "-")
	ms, err := strconv.ParseUint(digits, 10, 48)
	if !ok || err != nil || ms == 0 || digits[0] == '+' || digits[0] == '0' {
		return Position{}, Errorf(CodeBadRequest, "position: must be <milliseconds>-<id>, as the server sent it, got %q", clip(s))
	}
	if err := checkText("position", id, MaxIDBytes); err != nil {
		return Position{}, err
	}
	return Position{Time: int64(ms), ID: id}, nil
}

// UnusablePosition stands for what a client gave back and nobody can read. What it has seen is
// unknown, so it resumes with a gap.
func UnusablePosition() Position { return Position{Time: -1} }

// ReturnedPosition reads the wire form of what a client gives back. What is malformed is UnusablePosition and no
// error: a client that stores such a thing would be refused for ever.
func ReturnedPosition(s string) Position {
	p, err := ParsePosition(s)
	if err != nil {
		return UnusablePosition()
	}
	return p
}

// IsUsable reports whether the Position is not an UnusablePosition.
func (p Position) IsUsable() bool { return p.Time >= 0 }

// OrLater is p, or the other if its time is later: a reader is not sent back to before where it stood.
func (p Position) OrLater(other Position) Position {
	if other.Time > p.Time {
		return other
	}
	return p
}
