package wire

import (
	"strconv"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Session is what a welcome frame says of a connection.
type Session struct {
	Connection string
	User       string
	Tenant     string
	Instance   string
	Expires    time.Time       // when the connection's token ends
	Limits     realtime.Limits // of which a client is told those it can keep to
	Heartbeat  time.Duration   // how often one comes
	Version    string          // of the server; empty is not told
}

// Welcome answers a good token, and the connect frame if there was one.
func (Answers) Welcome(id ID, s Session) outbox.Frame {
	o := answer(384, TypeWelcome, id)
	o.text("connection", s.Connection)
	o.text("user", s.User)
	o.text("tenant", s.Tenant)
	o.text("instance", s.Instance)
	o.int("expiresAt", s.Expires.UnixMilli())
	o.limits(s.Limits)
	o.int("heartbeatMs", s.Heartbeat.Milliseconds())
	if s.Version != "" {
		o.text("version", s.Version)
	}
	return o.frame()
}

func (o *object) limits(l realtime.Limits) {
	o.name("limits")
	o.b = append(o.b, `{"framesPerSecond":`...)
	o.b = strconv.AppendInt(o.b, int64(l.FramesPerSecond), 10)
	o.int("publishesPerSecond", int64(l.PublishesPerSecond))
	o.int("subscriptionsPerConnection", int64(l.SubscriptionsPerConnection))
	o.int("messageBytes", int64(l.MessageBytes))
	o.b = append(o.b, '}')
}

// UnsubscribeOK answers an unsubscribe frame: nothing of the channel follows.
func (Answers) UnsubscribeOK(id ID, c realtime.Channel) outbox.Frame {
	o := answer(128, TypeOK, id)
	o.text("channel", c.Name())
	return o.frame()
}

// PublishOK answers a publish frame with the ID of the event, once the broker has it.
func (Answers) PublishOK(id ID, event string) outbox.Frame {
	o := answer(128, TypeOK, id)
	o.text("event", event)
	return o.frame()
}

// PublishDecided answers a publish frame with a condition, once it is decided. at is where the key's value was published; zero if it has none.
func (Answers) PublishDecided(id ID, event string, applied bool, at realtime.Position) outbox.Frame {
	o := answer(160, TypeOK, id)
	o.text("event", event)
	o.bool("applied", applied)
	if !at.IsZero() {
		o.position("position", at)
	}
	return o.frame()
}

// CallOK answers a call frame. data is one JSON value, as Compact returns it; none is written as null.
func (Answers) CallOK(id ID, data []byte) outbox.Frame {
	o := answer(64+len(data), TypeOK, id)
	o.data("data", data)
	return o.frame()
}

// PresenceOK answers a presence frame with who is on the channel now.
func (Answers) PresenceOK(id ID, c realtime.Channel, p *outbox.Presence) outbox.Frame {
	o := answer(256, TypeOK, id)
	o.text("channel", c.Name())
	o.members("members", p.Members)
	o.int("count", int64(p.Count))
	if p.Truncated {
		o.bool("truncated", true)
	}
	return o.frame()
}

// EnterOK answers a presence frame that said something of its sender.
func (Answers) EnterOK(id ID, c realtime.Channel) outbox.Frame {
	o := answer(128, TypeOK, id)
	o.text("channel", c.Name())
	return o.frame()
}

// Tuned is how a client is given a channel from now on.
type Tuned struct {
	Filter       string
	Fields, Keys []string
	MaxRate      float64
	Paused       bool
}

// PatternOK answers a subscribe to a pattern. From the Position on the channels are read in which the client did not stand.
func (Answers) PatternOK(id ID, pattern string, at realtime.Position) outbox.Frame {
	o := answer(256, TypeOK, id)
	o.text("channel", pattern)
	o.bool("pattern", true)
	o.position("position", at)
	return o.frame()
}

// PatternLost answers as PatternOK does a client that has had something of the pattern, when nobody can tell what: it has a gap in every channel, or, with
// state, is to forget what it has of their states.
func (Answers) PatternLost(pattern string, at realtime.Position, state bool) outbox.Frame {
	o := answer(256, TypeOK, "")
	o.text("channel", pattern)
	o.bool("pattern", true)
	if state {
		o.bool("reset", true)
	} else {
		o.bool("gap", true)
	}
	o.position("position", at)
	return o.frame()
}

// PatternComplete returns a notice that the states of all channels of a pattern have been sent for the first time.
func (Answers) PatternComplete(pattern string) outbox.Frame {
	o := newObject(128, TypeNotice)
	o.text("code", NoticeComplete)
	o.text("channel", pattern)
	return o.frame()
}

// PatternTuneOK answers a tune of a pattern with what is applied to each of its channels.
func (Answers) PatternTuneOK(id ID, pattern string, t Tuned) outbox.Frame {
	return tuneOK(id, pattern, t)
}

// UnsubscribePatternOK answers an unsubscribe of a pattern.
func (Answers) UnsubscribePatternOK(id ID, pattern string) outbox.Frame {
	o := answer(64, TypeOK, id)
	o.text("channel", pattern)
	return o.frame()
}

// TuneOK answers a tune frame with what is applied.
func (Answers) TuneOK(id ID, c realtime.Channel, t Tuned) outbox.Frame {
	return tuneOK(id, c.Name(), t)
}

func tuneOK(id ID, channel string, t Tuned) outbox.Frame {
	o := answer(256, TypeOK, id)
	o.text("channel", channel)
	if t.Filter != "" {
		o.text("filter", t.Filter)
	}
	if t.Fields != nil {
		o.list("fields", t.Fields)
	}
	if t.Keys != nil {
		o.list("keys", t.Keys)
	}
	if t.MaxRate > 0 {
		o.float("maxRate", t.MaxRate)
	}
	o.bool("paused", t.Paused)
	return o.frame()
}

// ConnectionTuneOK answers a tune of the connection with what is applied.
func (Answers) ConnectionTuneOK(id ID, maxBytesPerSecond int64) outbox.Frame {
	o := answer(64, TypeOK, id)
	o.int("maxBytesPerSecond", maxBytesPerSecond)
	return o.frame()
}

// RefreshOK answers a refresh frame with the end of the new token.
func (Answers) RefreshOK(id ID, expires time.Time) outbox.Frame {
	o := answer(64, TypeOK, id)
	o.int("expiresAt", expires.UnixMilli())
	return o.frame()
}

// Error refuses a client frame. channel is the name the client used, if the refusal is about
// one; both may be empty. The cause of err is not shown. RetryAfter is rounded up to whole milliseconds.
func (Answers) Error(id ID, channel string, err *realtime.Error) outbox.Frame {
	o := refusal(id, channel, err)
	return o.frame()
}

// PublishRefused is Error of a publish that can be sent again, for a client that counts refusals. number is how many
// there have been on the connection, this one included. The server takes no publish that was sent before the
// client knew of it and could overtake this one: its Refusals is lower.
func (Answers) PublishRefused(id ID, channel string, err *realtime.Error, number int64) outbox.Frame {
	o := refusal(id, channel, err)
	o.int("refusals", number)
	return o.frame()
}

func refusal(id ID, channel string, err *realtime.Error) object {
	o := answer(144+len(err.Message), TypeError, id)
	o.text("code", string(err.Code))
	o.text("message", err.Message)
	if channel != "" {
		o.text("channel", channel)
	}
	if err.Limit != "" {
		o.text("limit", err.Limit)
	}
	if err.RetryAfter > 0 {
		o.int("retryAfterMs", int64((err.RetryAfter+time.Millisecond-1)/time.Millisecond))
	}
	return o
}

// Pong answers a ping.
func (Answers) Pong(id ID) outbox.Frame {
	o := answer(32, TypePong, id)
	return o.frame()
}
