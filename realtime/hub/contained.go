package hub

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// A Hub calls what it was given: Encoders, Metrics, a Tracer, a Broker, and a Transport for each
// connection, most of it under the lock of a topic. Where one of them panics, or the Hub itself, what ends is
// the smallest thing that the fault can have spoilt:
//
//	Encoder, of an event          that event: its readers by this protocol are told gap in its place
//	Encoder, of a gap or answer   the connections that it was for
//	Transport                     its connection
//	Broker                        the call: it has failed, and is tried again as such
//	Metrics, Tracer               nothing: they miss something
//	Filter                        the connections that it is for
//	what comes for a channel      the channel's record: readers are told gap; the second time the topic is followed anew
//	anything else of a topic      the stream: it is followed anew

// contain is deferred by what calls the transport: a panic ends the connection.
func (c *Connection) contain() {
	if fault := recover(); fault != nil {
		contain.Report(c.hub.log, c.hub.count, contain.Connection, fault, []any{realtime.KeyConnection, c})
		c.Close(wentWrong())
	}
}

func wentWrong() *realtime.Error {
	return realtime.Errorf(realtime.CodeInternal, "something went wrong")
}

func (c *Connection) flush() {
	defer c.contain()
	c.transport.Flush()
}

// flusher is a Connection as its scheduler sees it.
type flusher Connection

func (c *flusher) Flush()         { (*Connection)(c).flush() }
func (c *flusher) Written() int64 { return c.client.Box.Taken() }

func (c *Connection) beat(now time.Time) (alive bool) {
	defer c.contain()
	return c.transport.Beat(now)
}

// giveUp is deferred by what closes the connection: if that panics, nothing is left to be tried. The
// connection is given nothing more.
func (c *Connection) giveUp() {
	if fault := recover(); fault != nil {
		contain.Report(c.hub.log, c.hub.count, contain.Connection, fault, []any{realtime.KeyConnection, c})
	}
}

// caught is deferred by what concerns a topic: a panic becomes an error.
func (f *feed) caught(what realtime.Reason, err *error) {
	if fault := recover(); fault != nil {
		contain.Report(f.hub.log, f.hub.count, what, fault, []any{realtime.KeyTopic, f.topic})
		*err = wentWrong()
	}
}

// payload is Options.Payload. A panic is an error.
func (h *Hub) payload(data []byte) (out []byte, err error) {
	if h.o.Payload == nil {
		return data, nil
	}
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(h.log, h.count, contain.Channel, fault, nil)
			err = wentWrong()
		}
	}()
	return h.o.Payload(data)
}

// contain is deferred by what handles one message of the stream. f.mu is held.
func (g *generation) contain(m *realtime.Message) {
	fault := recover()
	if fault == nil {
		return
	}
	if m.Channel.IsZero() {
		f := g.feed
		contain.Report(f.hub.log, f.hub.count, contain.Topic, fault, []any{realtime.KeyTopic, f.topic})
		g.distrust()
		return
	}
	g.condemn(m.Channel, fault)
}

// containChannel is deferred by what concerns a channel. f.mu is held.
func (g *generation) containChannel(c realtime.Channel) {
	if fault := recover(); fault != nil {
		g.condemn(c, fault)
	}
}

// condemn ends what a channel remembers, because handling something for it has panicked: nobody knows who was
// given what. Its readers are told gap. If even that fails, they are closed, to come again. f.mu is held.
func (g *generation) condemn(name realtime.Channel, fault any) {
	f := g.feed
	args := []any{realtime.KeyTopic, f.topic, realtime.KeyTenant, name.Tenant(), realtime.KeyChannel, name.Name()}
	contain.Report(f.hub.log, f.hub.count, contain.Channel, fault, args)
	worse := contain.Do(f.hub.log, f.hub.count, contain.Channel, func() {
		if g.channels.Condemn(name, g.heard) {
			g.distrust()
		}
	}, args...)
	if worse == nil {
		return
	}
	g.distrust()
	_ = contain.Do(f.hub.log, f.hub.count, contain.Channel, func() { g.dismiss(name, worse) }, args...)
}

// dismiss closes all that read a channel, and takes their readers out of it without a look at what it holds.
func (g *generation) dismiss(name realtime.Channel, why *realtime.Error) {
	f := g.feed
	if g.channels.Get(name) == nil {
		return
	}
	for _, c := range f.conns {
		c.mu.Lock()
		for _, r := range c.readers {
			if r.Channel() == name {
				f.fx.Close(&c.client, why)
				if r.On() {
					left(r)
				}
				r.Abandon()
			}
		}
		c.mu.Unlock()
	}
	g.channels.Dismiss(name)
}

// distrust has the topic followed anew. f.mu is held.
func (g *generation) distrust() {
	f := g.feed
	_ = contain.Do(f.hub.log, f.hub.count, contain.Topic, func() { f.replace(g, realtime.ReasonPanic) }, realtime.KeyTopic, f.topic)
}
