package realtime

import "strings"

// Pattern selects channels of one tenant. It is written like a channel name;
// a segment that is '*' matches any one segment, a last segment '**' matches
// the rest (one segment or more), '{user}' matches the principal's own user and
// '{group}' any one of its groups. Everything else matches itself only.
type Pattern string

// CheckPattern refuses what is not a pattern: an empty segment, a '**' that is
// not last, a '*' or a brace inside a longer segment.
func CheckPattern(p string) error {
	if p == "" || len(p) > MaxChannelBytes {
		return Errorf(CodeBadRequest, "pattern: must be 1 to %d bytes", MaxChannelBytes)
	}
	for rest, more := p, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, ":")
		switch segment {
		case "*", "{user}", "{group}":
		case "**":
			if more {
				return Errorf(CodeBadRequest, "pattern: %q contains '**' before its end", clip(p))
			}
		default:
			if err := checkName("pattern", segment, MaxChannelBytes, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// Match reports whether the pattern selects the channel name for a principal
// of the given user and groups. A user or group that holds a ':' matches
// nothing: what a token says of its owner never widens a pattern.
func (p Pattern) Match(name, user string, groups []string) bool {
	pattern := string(p)
	for {
		want, restP, moreP := strings.Cut(pattern, ":")
		have, restN, moreN := strings.Cut(name, ":")
		if want == "**" {
			return !moreP && name != ""
		}
		if !matchSegment(want, have, user, groups) || moreP != moreN {
			return false
		}
		if !moreP {
			return true
		}
		pattern, name = restP, restN
	}
}

func matchSegment(want, have, user string, groups []string) bool {
	if have == "" {
		return false
	}
	switch want {
	case "*":
		return true
	case "{user}":
		return have == user
	case "{group}":
		for _, g := range groups {
			if have == g {
				return true
			}
		}
		return false
	}
	return want == have
}

// CheckSelection refuses what is no pattern that a client may subscribe to: one without "*", or with braces.
func CheckSelection(p string) error {
	if err := CheckPattern(p); err != nil {
		return Errorf(CodeBadRequest, "channel: %v", err)
	}
	if !IsSelection(p) || strings.Contains(p, "{") {
		return Errorf(CodeBadRequest, "channel: %q must have a segment '*', or end in '**', and no braces", clip(p))
	}
	return nil
}

// IsSelection reports whether the name of a channel that a client asks for is a pattern: names have no '*'.
func IsSelection(name string) bool { return strings.Contains(name, "*") }

// MaxPatternChannels bounds the channels that one subscription to a pattern reads at once.
const MaxPatternChannels = 1000

// Covers reports whether the pattern selects, for a principal of the given user and groups, every channel that q may select.
func (p Pattern) Covers(q Pattern, user string, groups []string) bool {
	have, want := string(p), string(q)
	for {
		h, restH, moreH := strings.Cut(have, ":")
		w, restW, moreW := strings.Cut(want, ":")
		switch {
		case h == "**":
			return !moreH
		case w == "**":
			return false
		case w == "*" && h != "*", w != "*" && !matchSegment(h, w, user, groups), moreH != moreW:
			return false
		case !moreH:
			return true
		}
		have, want = restH, restW
	}
}

// Overlaps reports whether there are channels that both patterns select. Both have passed CheckSelection.
func (p Pattern) Overlaps(q Pattern) bool {
	one, other := string(p), string(q)
	for {
		a, restA, moreA := strings.Cut(one, ":")
		b, restB, moreB := strings.Cut(other, ":")
		switch {
		case a == "**" || b == "**":
			return true
		case a != b && a != "*" && b != "*", moreA != moreB:
			return false
		case !moreA:
			return true
		}
		one, other = restA, restB
	}
}
