package session

import (
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Protocol is one that sockets speak, by the name of its encoder in the handshake (RFC 6455 section 1.9). All of a
// connection's frames are of one: what the Hub sends by the outbox.Encoder, what the gateway answers by the others.
type Protocol struct {
	Encoder
	// Decode reads a frame of a client. An error is a *wire.DecodeError. Of the frame Data alone may be a part of payload; it
	// is valid JSON, and nobody checks it again.
	Decode func(payload []byte) (wire.ClientFrame, error)
}

// read reads a frame. Of one that is refused the ID alone is there, if it could be read.
func (p *Protocol) read(payload []byte) (wire.ClientFrame, *wire.DecodeError) {
	f, err := p.Decode(payload)
	if bad := (*wire.DecodeError)(nil); errors.As(err, &bad) {
		return wire.ClientFrame{ID: bad.ID}, bad
	}
	return f, nil
}

// Encoder makes the frames that servers send. Where it takes an ID, the answer carries it; package wire
// says of each answer what it means.
type Encoder interface {
	outbox.Encoder
	Welcome(id wire.ID, s wire.Session) outbox.Frame
	UnsubscribeOK(id wire.ID, c realtime.Channel) outbox.Frame
	PublishOK(id wire.ID, event string) outbox.Frame
	PublishDecided(id wire.ID, event string, applied bool, at realtime.Position) outbox.Frame
	PublishRefused(id wire.ID, channel string, err *realtime.Error, number int64) outbox.Frame
	CallOK(id wire.ID, data []byte) outbox.Frame
	PresenceOK(id wire.ID, c realtime.Channel, p *outbox.Presence) outbox.Frame
	EnterOK(id wire.ID, c realtime.Channel) outbox.Frame
	PatternOK(id wire.ID, pattern string, at realtime.Position) outbox.Frame
	PatternComplete(pattern string) outbox.Frame
	PatternTuneOK(id wire.ID, pattern string, t wire.Tuned) outbox.Frame
	UnsubscribePatternOK(id wire.ID, pattern string) outbox.Frame
	TuneOK(id wire.ID, c realtime.Channel, t wire.Tuned) outbox.Frame
	HistoryOK(id wire.ID, c realtime.Channel, p *wire.HistoryPage) outbox.Frame
	ConnectionTuneOK(id wire.ID, maxBytesPerSecond int64) outbox.Frame
	RefreshOK(id wire.ID, expires time.Time) outbox.Frame
	Error(id wire.ID, channel string, err *realtime.Error) outbox.Frame
	Pong(id wire.ID) outbox.Frame
}

// Protocols returns those that every gateway speaks. The first is also that of clients that name none.
func Protocols() []*Protocol {
	return []*Protocol{{wire.Encoder{}, wire.Decode}}
}
