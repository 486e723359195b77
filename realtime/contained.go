package realtime

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// A Hub calls what it was given: Encoders, Metrics, a Tracer, a Broker, and a Transport for each
// connection, most of it under the lock of a topic. Where one of them panics, or the Hub itself, what ends is
// the smallest thing that the fault can have spoilt:
//
//	Encoder, of an event          that event: its channel's readers are told gap
//	Encoder, of a gap or answer   the connections that it was for
//	Transport                     its connection
//	Broker                        the call: it has failed, and is tried again as such
//	Metrics, Tracer               nothing: they miss something
//	what comes for a channel      the channel's record: readers are told gap; the second time the topic is followed anew
//	anything else of a topic      the stream: it is followed anew

// containedMetrics says once a minute that its Metrics panic.
type containedMetrics struct {
	inner Metrics
	log   *slog.Logger
	told  atomic.Int64 // when, in seconds since 1970
}

func (m *containedMetrics) contain() {
	fault := recover()
	if fault == nil {
		return
	}
	now, told := time.Now().Unix(), m.told.Load()
	if now-told >= 60 && m.told.CompareAndSwap(told, now) {
		report(m.log, m.inner, PanicReport, fault, nil)
	}
}

func (m *containedMetrics) Add(c Counter, tenant, reason string, n int) {
	defer m.contain()
	m.inner.Add(c, tenant, reason, n)
}

func (m *containedMetrics) Level(g Gauge, tenant string, value int) {
	defer m.contain()
	m.inner.Level(g, tenant, value)
}

func (m *containedMetrics) Took(t Timing, tenant string, d time.Duration) {
	defer m.contain()
	m.inner.Took(t, tenant, d)
}

// contain is deferred by what calls the transport: a panic ends the connection.
func (c *Connection) contain() {
	if fault := recover(); fault != nil {
		report(c.hub.log, c.hub.count, PanicConnection, fault, []any{KeyConnection, c})
		c.Close(wentWrong())
	}
}

func wentWrong() *Error { return Errorf(CodeInternal, "something went wrong") }

func (c *Connection) flush() {
	defer c.contain()
	c.transport.Flush()
}

func (c *Connection) beat(now time.Time) (alive bool) {
	defer c.contain()
	return c.transport.Beat(now)
}

// giveUp is deferred by what closes the connection: if that panics, nothing is left to be tried. The
// connection is given nothing more.
func (c *Connection) giveUp() {
	if fault := recover(); fault != nil {
		report(c.hub.log, c.hub.count, PanicConnection, fault, []any{KeyConnection, c})
	}
}

// caught is deferred by what concerns a topic: a panic becomes an error.
func (f *feed) caught(what string, err *error) {
	if fault := recover(); fault != nil {
		report(f.hub.log, f.hub.count, what, fault, []any{KeyTopic, f.topic})
		*err = wentWrong()
	}
}

// contain is deferred by what a timer does for a topic: it is done no further.
func (f *feed) contain() {
	if fault := recover(); fault != nil {
		report(f.hub.log, f.hub.count, PanicTopic, fault, []any{KeyTopic, f.topic})
	}
}

// payload is HubOptions.Payload. A panic is an error.
func (h *Hub) payload(data []byte) (out []byte, err error) {
	if h.o.Payload == nil {
		return data, nil
	}
	defer func() {
		if fault := recover(); fault != nil {
			report(h.log, h.count, PanicChannel, fault, nil)
			err = wentWrong()
		}
	}()
	return h.o.Payload(data)
}

// contain is deferred by what handles one message of the stream. f.mu is held.
func (g *generation) contain(m *Message) {
	fault := recover()
	if fault == nil {
		return
	}
	f := g.feed
	if m.Channel.IsZero() {
		report(f.hub.log, f.hub.count, PanicTopic, fault, []any{KeyTopic, f.topic})
		f.distrust(g)
		return
	}
	g.condemn(m.Channel, fault)
}

// condemn ends what a channel remembers, because handling something for it has panicked: nobody knows who was
// given what. Its readers are told gap. If even that fails, they are closed, to come again. f.mu is held.
func (g *generation) condemn(name Channel, fault any) {
	f := g.feed
	args := []any{KeyTopic, f.topic, KeyTenant, name.tenant, KeyChannel, name.name}
	report(f.hub.log, f.hub.count, PanicChannel, fault, args)
	worse := Contain(f.hub.log, f.hub.count, PanicChannel, func() {
		ch := g.channels[name]
		if ch == nil {
			return
		}
		if ch.faults++; ch.standing {
			f.hub.count.Add(CountGaps, name.tenant, "hole", 1)
			ch.lose(max(ch.newest, g.heard))
		}
		if ch.faults > 1 || !ch.standing {
			f.distrust(g)
		}
	}, args...)
	if worse == nil {
		return
	}
	f.distrust(g)
	_ = Contain(f.hub.log, f.hub.count, PanicChannel, func() { g.dismiss(name, worse) }, args...)
}

// dismiss closes all that read a channel, and takes their readers out of it without a look at what it holds.
func (g *generation) dismiss(name Channel, why *Error) {
	f, ch := g.feed, g.channels[name]
	if ch == nil {
		return
	}
	for _, c := range f.conns {
		if !slices.Contains(c.Channels(), name) {
			continue
		}
		f.closes = append(f.closes, closing{c, why})
		c.behind = slices.DeleteFunc(c.behind, func(r *reader) bool { return r.name == name })
		c.mu.Lock()
		for _, r := range c.readers {
			if r.name == name && r.ch == ch {
				r.ch = nil
			}
		}
		c.mu.Unlock()
	}
	ch.readers, ch.ahead, ch.behind = nil, 0, 0
	if ch.busyAt > 0 {
		ch.vacated()
	}
}

// containQuestion is deferred by what takes in a question: the connection is closed, and what its channel
// remembers is condemned. f.mu is held.
func (f *feed) containQuestion(r *reader) {
	fault := recover()
	if fault == nil {
		return
	}
	f.closes = append(f.closes, closing{r.conn, wentWrong()})
	for _, g := range f.generations() {
		g.condemn(r.name, fault)
	}
}

// distrust has the topic followed anew. f.mu is held.
func (f *feed) distrust(g *generation) {
	_ = Contain(f.hub.log, f.hub.count, PanicTopic, func() { f.replace(g, "panic") }, KeyTopic, f.topic)
}
