package tail

import (
	"cmp"
	"fmt"

	tidewire "github.com/tidewire/tidewire/clients/go"
)

// take prints an update of a channel; it is empty for what was sent to the connection.
func (t *Tail) take(channel string, u *tidewire.Update) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch u.Kind {
	case tidewire.KindMessage:
		return t.print(u.Message)
	case tidewire.KindLive:
		delete(t.unanswered, channel)
		if u.Resumed {
			return t.say("reading %s; nothing was missed", channel)
		}
		return t.say("reading %s", channel)
	case tidewire.KindGap:
		if !u.Answer {
			return t.say("gap: something was missed on %s before %s", channel, u.Position)
		}
		delete(t.unanswered, channel)
		return t.say("reading %s; gap: something was missed before %s", channel, u.Position)
	case tidewire.KindDropped:
		return t.say("dropped: %d messages of %s, because they were not read fast enough", u.Count, cmp.Or(channel, "those sent directly"))
	}
	return nil
}

// print prints a message, or what was sent to the connection, its user or a group of the user, which is of no channel.
func (t *Tail) print(m *tidewire.Message) (err error) {
	if t.JSON {
		_, err = fmt.Fprintf(t.Out, "%s\n", m.Frame)
	} else {
		_, err = fmt.Fprintf(t.Out, "%s %s %s %s\n", m.Time.Format("15:04:05.000"), cmp.Or(m.Channel, "(direct)"), cmp.Or(m.Key, "-"), dataOf(m))
	}
	return err
}

// dataOf is the data of a message, or what it did instead.
func dataOf(m *tidewire.Message) string {
	switch {
	case m.Deleted:
		return "(deleted)"
	case m.Cleared:
		return "(cleared)"
	}
	return string(m.Data)
}
