package gateway

import (
	"errors"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
)

// serveSocket answers GET /v1/socket. A client that is refused learns why from an
// error frame and the close code, because a page cannot see an HTTP status.
func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request) {
	s := g.sessions.New(g.protocol(r))
	if err := g.tracker.Enter(s); err != nil {
		refusal.Write(w, err)
		return
	}
	started := false
	defer func() {
		if !started { // refused with a status, or a panic
			s.Abandon()
		}
	}()
	refused := g.handshake(s, r)
	if refused != nil {
		if may, told := s.Refuse(refused); !may {
			refusal.Write(w, told)
			return
		}
	}
	sock, err := g.acceptor.Accept(w, r)
	if err != nil { // it has been answered
		return
	}
	s.Open(sock, refused)
	started = true
	s.Start()
}

// handshake verifies the token of the request and admits its owner, or lets the
// client wait for a connect frame if there is none.
func (g *Gateway) handshake(s *session.Session, r *http.Request) *realtime.Error {
	ctx, cancel := g.admission.Context(r)
	defer cancel()
	p, err := g.admission.VerifyRequest(ctx, r)
	request := g.admission.Request(r)
	switch {
	case errors.Is(err, auth.ErrNoToken):
		s.Await(&request)
		return nil
	case err != nil:
		return g.reporter.Report(ctx, "verifying a token", err)
	}
	admitted, refused := g.admission.Admit(ctx, p, &request)
	if refused != nil {
		return refused
	}
	s.Admit(&admitted)
	return nil
}

// protocol returns the one that a handshake names, or that of clients that name none.
func (g *Gateway) protocol(r *http.Request) *session.Protocol {
	name := g.acceptor.Subprotocol(r)
	for _, p := range g.protocols {
		if p.Name() == name {
			return p
		}
	}
	return g.protocols[0]
}

// names returns the names of protocols.
func names(all []*session.Protocol) []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name()
	}
	return names
}
