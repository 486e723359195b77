package realtime

import (
	"strconv"
	"strings"
	"time"
)

// Condition says what has to hold of the Key of a Publication for it to count: one that loses is given to nobody and changes nothing. It
// travels through the broker like any other, and every instance decides it for itself, alike, from what the log of its channel holds before it.
//
// An instance may have heard the log from some moment on only, so a Condition brings what whoever published it had known of the Key: KeyState as of
// a moment. Whoever has heard everything since that moment can decide. It must not be changed.
type Condition struct {
	Is ConditionKind
	// Position is that which the value of the Key must have, of ConditionPosition.
	Position Position

	// Known is what the Key was for whoever published it, who had heard all of its channel that was published before AsOf, in ms. AsOf is zero
	// until an instance has filled it in.
	Known KeyState
	AsOf  int64
}

// ConditionKind is a kind of Condition.
type ConditionKind string

// The conditions there are.
const (
	ConditionAbsent   ConditionKind = "absent"   // the Key has no value
	ConditionPresent  ConditionKind = "present"  // it has one
	ConditionPosition ConditionKind = "position" // its value is the one that was published at a Position
)

// KeyState is what the newest change of a key, at a Position, has made of it. The zero KeyState is a key of which no change is known: it has no value.
type KeyState struct {
	At   Position
	Ends int64 // when the value is over, in ms: not after At if the change removed it; 0 is never
}

// Has reports whether the key has a value for what is published at a moment, in ms. No clock is asked: the log alone decides.
func (k KeyState) Has(ms int64) bool { return !k.At.IsZero() && (k.Ends == 0 || k.Ends > ms) }

// sameTime is by how much the times of one Publication may differ between instances, in ms: see Broker.Publish.
const sameTime = 5000

// Holds reports whether a Publication with the Condition counts that was published at a moment, in ms, while its key was such.
func (c *Condition) Holds(k KeyState, ms int64) bool {
	has := k.Has(ms)
	switch c.Is {
	case ConditionAbsent:
		return !has
	case ConditionPresent:
		return has
	}
	off := c.Position.Time - k.At.Time
	return has && c.Position.ID == k.At.ID && off <= sameTime && off >= -sameTime
}

// String is the Condition as text, without spaces in its parts: what has to hold, and if AsOf is known, that and Known.
func (c *Condition) String() string {
	is := string(c.Is)
	if c.Is == ConditionPosition {
		is = c.Position.String()
	}
	if c.AsOf == 0 {
		return is
	}
	return strings.Join([]string{strconv.FormatInt(c.AsOf, 10), strconv.FormatInt(c.Known.Ends, 10), strconv.Itoa(len(c.Known.At.String())), c.Known.At.String() + is}, " ")
}

// ParseCondition reads the text of a Condition. An error has CodeBadRequest.
func ParseCondition(text string) (*Condition, error) {
	c, bad := &Condition{}, Errorf(CodeBadRequest, "if: must be %q, %q or a position, got %q", ConditionAbsent, ConditionPresent, clip(text))
	if parts := strings.SplitN(text, " ", 4); len(parts) == 4 {
		numbers := [3]int64{}
		for i := range numbers {
			n, err := strconv.ParseInt(parts[i], 10, 64)
			if err != nil || n < 0 {
				return nil, bad
			}
			numbers[i] = n
		}
		n := numbers[2]
		if text = parts[3]; n > int64(len(text)) {
			return nil, bad
		}
		at, err := ParsePosition(text[:n])
		if err != nil {
			return nil, bad
		}
		c.AsOf, c.Known, text = numbers[0], KeyState{at, numbers[1]}, text[n:]
	}
	switch c.Is = ConditionKind(text); c.Is {
	case ConditionAbsent, ConditionPresent:
		return c, nil
	}
	at, err := ParsePosition(text)
	if err != nil || at.ID == "" {
		return nil, bad
	}
	c.Is, c.Position = ConditionPosition, at
	return c, nil
}

// checkCondition refuses one that nobody could decide.
func (p *Publication) checkCondition() error {
	c := p.If
	if c == nil {
		return nil
	}
	if p.Key == "" || p.Op == OpClear {
		return Errorf(CodeBadRequest, "if: needs a key, of whose value it speaks")
	}
	switch c.Is {
	case ConditionAbsent, ConditionPresent:
		return nil
	case ConditionPosition:
		if c.Position.ID == "" || c.Position.Time <= 0 {
			return Errorf(CodeBadRequest, "if.position: must be one of a message, <milliseconds>-<id>, got %q", clip(c.Position.String()))
		}
		return checkText("if.position", c.Position.ID, MaxIDBytes)
	}
	return Errorf(CodeBadRequest, "if: must be %q, %q or {\"position\": ...}, got %q", ConditionAbsent, ConditionPresent, clip(string(c.Is)))
}

// checkKnown refuses what an instance cannot have known when a message came.
func (c *Condition) checkKnown(now time.Time) error {
	if latest := now.Add(maxAhead).UnixMilli(); c.AsOf < 0 || c.AsOf > latest || c.Known.At.Time < 0 || c.Known.At.Time > latest {
		return Errorf(CodeBadRequest, "if: must be known as of a moment that is at most %v from now", maxAhead)
	}
	return nil
}

// Verdict is what is decided of a Publication with a Condition.
type Verdict uint8

// The verdicts there are.
const (
	VerdictUnknown Verdict = iota // too little of the log is known
	VerdictApplied
	VerdictLost
)

// Outcome is a Verdict, and the Position of the value that the key has after it; zero if it has none, or if that is not known.
type Outcome struct {
	Verdict  Verdict
	Position Position
}
