package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// serveSocket answers GET /v1/socket. A client that is refused learns why from an
// error frame and the close code, because a page cannot see an HTTP status.
func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request) {
	s := &session{g: g, speaks: g.speaks(r)}
	s.box = outbox.New(s.speaks, &beforeConnect)
	if err := g.enter(s); err != nil {
		refuseRequest(w, err)
		return
	}
	started := false
	defer func() {
		if !started { // refused with a status, or a panic
			s.giveBack()
			s.finish()
			if g.parts() {
				g.hold()
			}
		}
	}()
	refused := s.handshake(r)
	if refused != nil && s.guest == nil {
		if !s.turnAway() { // enough are being told at leisure
			refuseRequest(w, cmp.Or(s.closedBefore(), refused))
			return
		}
	}
	sock, err := g.acceptor.Accept(w, r)
	if err != nil { // it has been answered
		return
	}
	sock.SetMeter(&allowance{g, unknownFrames})
	if early := s.open(sock); early != nil {
		refused = early
	}
	if refused == nil && s.guest != nil {
		refused = s.welcome("")
	}
	if refused != nil {
		s.close(refused)
	} else if s.visit != nil {
		sock.FirstWithin(g.o.FirstFrame)
	}
	started = true
	sock.Start(g.life, s.box, s)
}

// beforeConnect bounds what is queued for a client that has not said who it is.
var beforeConnect = outbox.Limits{Messages: 16, Bytes: 64 << 10}

// unknownFrames is how many frames such a client may send beside its first message: pings, and fragments of it.
const unknownFrames = 128

// allowance is the socket.Meter of a client that has not said who it is.
type allowance struct {
	g      *Gateway
	frames int
}

// Input takes frames off the allowance. What they hold is bounded by their number.
func (a *allowance) Input(frames, _ int, _ time.Duration) (time.Duration, *realtime.Error) {
	if a.frames -= frames; a.frames < 0 {
		a.g.o.Metrics.Add(realtime.CountRefusals, "", "unknownFrames", 1)
		return 0, &realtime.Error{
			Code: realtime.CodeLimited, Limit: "unknownFrames", RetryAfter: jitter(retryLater),
			Message: fmt.Sprintf("more than %d frames arrived before or within the first message", unknownFrames),
		}
	}
	return 0, nil
}

// handshake judges the token of the request and admits its owner, or lets the
// client wait for a connect frame if there is none.
func (s *session) handshake(r *http.Request) *realtime.Error {
	ctx, cancel := s.g.arrival(r)
	defer cancel()
	p, err := s.g.verifyRequest(ctx, r)
	v := &visit{request: r, remote: s.g.o.Remote(r)}
	switch {
	case errors.Is(err, auth.ErrNoToken):
		s.visit = v.kept(s.g.o.Hooks != nil)
		if evicted := s.g.pending.add(s, v.remote); evicted != nil {
			evicted.evict()
		}
		return nil
	case err != nil:
		return s.g.shown(ctx, "verifying a token", err)
	}
	var refused *realtime.Error
	s.guest, refused = s.g.admit(ctx, p, v)
	return refused
}

// open gives the session its socket. It returns why the session was closed already, if it was.
func (s *session) open(sock *socket.Conn) *realtime.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sock = sock
	return s.early
}

// closedBefore returns why the session was closed before it had a socket, if it was.
func (s *session) closedBefore() *realtime.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.early
}

// welcome makes the admitted guest a connection of the Hub. Its answer goes before all else.
func (s *session) welcome(id wire.ID) *realtime.Error {
	v := s.guest
	if err := v.join(s.box, s.sock, s, "socket"); err != nil {
		return err
	}
	limits := v.doc().Limits.WithDefaults()
	s.obey(limits)
	s.sock.SetMeter(v.seat)
	s.control(s.speaks.Welcome(id, v.session(limits)))
	return nil
}
