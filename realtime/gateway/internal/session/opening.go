package session

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

const (
	// MaxUnknownFrame is how long the first frame of a client may be that has not said who it is.
	MaxUnknownFrame = 64 << 10
	// unknownFrames is how many frames such a client may send beside its first message: pings, and fragments of it.
	unknownFrames = 128
)

// New returns the session of a client that is about to connect. It ends with Abandon, or after Start by itself.
func (c *Config) New(p *Protocol) *Session {
	box := outbox.New(p, &c.Queue)
	return &Session{c: c, box: box, handler: handler{c: c, protocol: p}}
}

// Await lets the client wait for a connect frame: its handshake held no token.
func (s *Session) Await(r *admission.Request) {
	s.pending = s.c.Admission.Await(r)
	s.c.Admission.Pending.Add(s, s.pending)
}

// Admit gives the session its client.
func (s *Session) Admit(a *admission.Admitted) { s.handler.client = s.c.Clients.New(a) }

// Refuse reports whether the refused client may be told over a socket why: a page cannot see an HTTP status. If enough are
// being told, told is what to answer the handshake with.
func (s *Session) Refuse(why *realtime.Error) (may bool, told *realtime.Error) {
	if s.takeSlot() {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return false, cmp.Or(s.early, why) // the gateway may have closed it before
}

// takeSlot takes a slot for a socket that is kept to tell its client why it was refused. It reports false if there is none.
func (s *Session) takeSlot() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released || s.refused || !s.c.Admission.Refused.Take() {
		return false
	}
	s.refused = true
	return true
}

// reject ends the connection of a client that is pending, with a word if there is a slot for it.
func (s *Session) reject(why *realtime.Error) {
	if s.takeSlot() {
		s.Close(why)
		return
	}
	s.mu.Lock()
	sock := s.sock
	s.mu.Unlock()
	if sock == nil {
		s.Close(why) // before it has begun
		return
	}
	sock.Cut(why)
}

// Open gives the session its socket, and welcomes the client if it was admitted. refused is why it was not, if so.
func (s *Session) Open(sock *socket.Conn, refused *realtime.Error) {
	sock.SetMeter(&allowance{s.c.Metrics, unknownFrames})
	if s.door != nil {
		sock.Adapt(s.door)
	}
	s.mu.Lock()
	s.sock = sock
	early := s.early
	s.mu.Unlock()
	if early != nil {
		refused = early
	}
	if refused == nil && s.handler.client != nil {
		refused = s.welcome("")
	}
	if refused != nil {
		s.Close(refused)
	} else if s.pending != nil {
		sock.FirstWithin(s.c.FirstFrame)
	}
}

// Start lets the socket read. The session ends by itself.
func (s *Session) Start() {
	if s.door != nil {
		s.sock.Start(s.c.Life, s.box, document{s})
		return
	}
	s.sock.Start(s.c.Life, s.box, s)
}

// Abandon ends a session that is not started.
func (s *Session) Abandon() {
	s.release()
	s.finish()
	if s.c.Tracker.RequestEnds() {
		s.c.Tracker.Hold()
	}
}

// welcome makes the admitted client a connection of the Hub. Its answer goes before all else.
func (s *Session) welcome(id wire.ID) *realtime.Error {
	client := s.handler.client
	if err := client.Join(s.box, s.sock, s, realtime.ReasonSocket); err != nil {
		return err
	}
	limits := client.Document().Limits.WithDefaults()
	s.SetLimits(limits)
	s.sock.SetMeter(client.Seat)
	s.handler.control(s.handler.protocol.Welcome(id, client.Welcome(limits)))
	return nil
}

// allowance is the socket.Meter of a client that has not said who it is.
type allowance struct {
	metrics realtime.Metrics
	frames  int
}

// Input takes frames off the allowance. What they hold is bounded by their number.
func (a *allowance) Input(frames, _ int, _ time.Duration) (time.Duration, *realtime.Error) {
	if a.frames -= frames; a.frames < 0 {
		a.metrics.Add(realtime.CountRefusals, "", realtime.ReasonUnknownFrames, 1)
		return 0, &realtime.Error{
			Code: realtime.CodeLimited, Limit: string(realtime.ReasonUnknownFrames), RetryAfter: refusal.Jitter(refusal.RetryLater),
			Message: fmt.Sprintf("more than %d frames arrived before or within the first message", unknownFrames),
		}
	}
	return 0, nil
}
