package tail

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	tidewire "github.com/tidewire/tidewire/clients/go"
)

// take prints an update of a channel, or of a pattern as a whole; it is empty for what was sent to the connection.
func (t *Tail) take(u *tidewire.Update) error {
	channel := u.Channel
	t.mu.Lock()
	defer t.mu.Unlock()
	switch u.Kind {
	case tidewire.KindMessage:
		return t.print(u.Message)
	case tidewire.KindSnapshot:
		return t.snapshot(channel, u)
	case tidewire.KindComplete:
		return t.say("%s: those were the states of all its channels", channel)
	case tidewire.KindTuned:
		return t.say("%s: at most %v times a second from now on (%s)", channel, u.MaxRate, u.Reason)
	case tidewire.KindLive:
		delete(t.unanswered, channel)
		if u.Resumed {
			return t.say("reading %s; nothing was missed", channel)
		}
		return t.say("reading %s%s", channel, t.rewound(u))
	case tidewire.KindGap:
		if !u.Answer {
			return t.say("gap: something was missed on %s before %s", channel, u.Position)
		}
		delete(t.unanswered, channel)
		return t.say("reading %s%s; gap: something was missed before %s", channel, t.rewound(u), u.Position)
	case tidewire.KindDropped:
		return t.say("dropped: %d messages of %s, because they were not read fast enough", u.Count, cmp.Or(channel, "those sent directly"))
	}
	return nil
}

// rewound says what follows first, if something of before was asked for.
func (t *Tail) rewound(u *tidewire.Update) string {
	switch {
	case t.Options.Rewind.IsZero():
		return ""
	case u.Complete:
		return fmt.Sprintf("; %d messages of before come first", u.Rewound)
	}
	return fmt.Sprintf("; %d messages of before come first, and there may have been more that are not kept", u.Rewound)
}

// print prints a message, or what was sent to the connection, its user or a group of the user, which is of no channel.
func (t *Tail) print(m *tidewire.Message) (err error) {
	if t.JSON {
		_, err = fmt.Fprintf(t.Out, "%s\n", m.Frame)
	} else {
		_, err = fmt.Fprintln(t.Out, Line(m, t.Pretty))
	}
	return err
}

// Line is a message for people: when it was stored, its channel and key, and its data, indented over several lines if pretty.
func Line(m *tidewire.Message, pretty bool) string {
	return fmt.Sprintf("%s %s %s %s", timeOf(m), cmp.Or(m.Channel, "(direct)"), cmp.Or(m.Key, "-"), dataOf(m, pretty))
}

// snapshot prints a part of a channel's state.
func (t *Tail) snapshot(channel string, u *tidewire.Update) error {
	if t.JSON {
		_, err := fmt.Fprintf(t.Out, "%s\n", u.Frame)
		return err
	}
	for _, m := range u.Entries {
		if err := t.print(m); err != nil {
			return err
		}
	}
	if u.More {
		return nil
	}
	return t.say("%s: that was its state; what follows is new", channel)
}

// timeOf is when a message was stored, as far as it says.
func timeOf(m *tidewire.Message) string {
	const form = "15:04:05.000"
	if m.Time.IsZero() {
		return "--:--:--.---"
	}
	return m.Time.Format(form)
}

// dataOf is the data of a message, or what it did instead.
func dataOf(m *tidewire.Message, pretty bool) string {
	switch {
	case m.Expired:
		return "(expired)"
	case m.Deleted:
		return "(deleted)"
	case m.Cleared:
		return "(cleared)"
	case m.Left:
		return "(left)"
	}
	if pretty {
		var b bytes.Buffer
		if json.Indent(&b, m.Data, "", "  ") == nil {
			return b.String()
		}
	}
	return string(m.Data)
}
