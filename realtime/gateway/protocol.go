package gateway

import (
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// protocol is one that sockets speak, by the name of its encoder in the handshake (RFC 6455 section 1.9). All of a
// connection's frames are of one: what the Hub sends by the outbox.Encoder, what the gateway answers by the others.
type protocol struct {
	encoder
	// decode reads a frame of a client. An error is a *wire.DecodeError. Of the frame Data alone may be a part of payload; it
	// is valid JSON, and nobody checks it again.
	decode func(payload []byte) (wire.ClientFrame, error)
}

// encoder makes the frames that servers send. Where it takes an ID, the answer carries it; package wire
// says of each answer what it means.
type encoder interface {
	outbox.Encoder
	Welcome(id wire.ID, s wire.Session) outbox.Frame
	UnsubscribeOK(id wire.ID, c realtime.Channel) outbox.Frame
	PublishOK(id wire.ID, event string) outbox.Frame
	PublishRefused(id wire.ID, channel string, err *realtime.Error, number int64) outbox.Frame
	CallOK(id wire.ID, data []byte) outbox.Frame
	PresenceOK(id wire.ID, c realtime.Channel, members []realtime.Member, count int) outbox.Frame
	RefreshOK(id wire.ID, expires time.Time) outbox.Frame
	Error(id wire.ID, channel string, err *realtime.Error) outbox.Frame
	Pong(id wire.ID) outbox.Frame
}

// protocols returns those that every gateway speaks. The first is also that of clients that name none.
func protocols() []*protocol {
	return []*protocol{{wire.Encoder{}, wire.Decode}}
}

// speaks returns the protocol of a handshake.
func (g *Gateway) speaks(r *http.Request) *protocol {
	name := g.acceptor.Subprotocol(r)
	for _, p := range g.protocols {
		if p.Name() == name {
			return p
		}
	}
	return g.protocols[0]
}

// names returns the names of protocols.
func names(all []*protocol) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name()
	}
	return names
}
