package tail

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// take handles a frame. Its error ends the connection.
func (t *Tail) take(f *wire.ServerFrame, raw []byte) error {
	if f.Position != "" {
		p, err := realtime.ParsePosition(f.Position)
		if err != nil {
			return err
		}
		t.Positions[f.Channel] = p
	}
	switch f.Type {
	case wire.TypeWelcome:
		return t.say("connected to %s as %s of %s", t.Server, f.User, f.Tenant)
	case wire.TypeMessage, wire.TypeDirect:
		return t.print(f, raw)
	case wire.TypeOK:
		return t.begun(f)
	case wire.TypeNotice:
		return t.noticed(f)
	case wire.TypeHeartbeat:
		t.asOf = max(t.asOf, f.AsOf)
	case wire.TypeError:
		message := f.Message
		if f.Channel != "" {
			message = f.Channel + ": " + message
		}
		return &realtime.Error{Code: f.Code, Message: message, Limit: f.Limit, RetryAfter: time.Duration(f.RetryAfterMs) * time.Millisecond}
	}
	return nil
}

// print prints a message, or what was sent to the connection, its user or a group of the user, which is of no channel.
func (t *Tail) print(f *wire.ServerFrame, raw []byte) (err error) {
	channel := f.Channel
	if f.Type == wire.TypeDirect {
		channel = "(direct)"
	}
	if t.JSON {
		_, err = fmt.Fprintf(t.Out, "%s\n", raw)
	} else {
		_, err = fmt.Fprintf(t.Out, "%s %s %s %s\n", time.UnixMilli(f.Time).Format("15:04:05.000"), channel, orDash(f.Key), dataOf(f))
	}
	if err != nil {
		return outputError{err}
	}
	return nil
}

// begun is the answer to the subscription of a channel.
func (t *Tail) begun(f *wire.ServerFrame) error {
	delete(t.unanswered, f.Channel)
	t.reading = t.reading || len(t.unanswered) == 0
	switch {
	case f.Gap:
		return t.say("reading %s; gap: something was missed before %s", f.Channel, f.Position)
	case f.Resumed:
		return t.say("reading %s; nothing was missed", f.Channel)
	}
	return t.say("reading %s", f.Channel)
}

func (t *Tail) noticed(f *wire.ServerFrame) error {
	switch f.Code {
	case wire.NoticeGap:
		return t.say("gap: something was missed on %s before %s", f.Channel, f.Position)
	case wire.NoticeDropped:
		return t.say("dropped: %d messages of %s, because they were not read fast enough", f.Count, f.Channel)
	}
	return nil
}

// dataOf is the data of a message, or what it did instead.
func dataOf(f *wire.ServerFrame) string {
	switch {
	case f.Deleted:
		return "(deleted)"
	case f.Cleared:
		return "(cleared)"
	}
	return string(f.Data)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
