package gateway

import (
	"errors"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// serveSocket answers GET /v1/socket. A client that is refused learns why from an
// error frame and the close code, because a page cannot see an HTTP status.
func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, g.sessions.New(g.protocol(r)), g.acceptor, g.handshake)
}

// serveDocument answers GET /v1/yjs/CHANNEL. A client that is refused learns why from the close code.
func (g *Gateway) serveDocument(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values("Sec-Websocket-Protocol")) > 0 && g.documents.Subprotocol(r) == "" {
		refusal.Write(w, realtime.Errorf(realtime.CodeBadRequest, "Sec-WebSocket-Protocol: must name %q beside the token, or browsers refuse the answer", yjs.Protocol))
		return
	}
	g.serve(w, r, g.sessions.NewDocument(), g.documents, g.open)
}

// open admits a client of a document. Its protocol knows no token, so that the request must hold it.
func (g *Gateway) open(s *session.Session, r *http.Request) *realtime.Error {
	ctx, cancel := g.admission.Context(r)
	defer cancel()
	p, err := g.admission.VerifyRequest(ctx, r)
	if err != nil {
		return g.reporter.Report(ctx, "verifying a token", err)
	}
	request := g.admission.Request(r)
	admitted, refused := g.admission.Admit(ctx, p, &request)
	if refused != nil {
		return refused
	}
	s.Admit(&admitted)
	return session.Edit(s, r.PathValue("channel"))
}

// serve opens a session, whose client admit admits.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, s *session.Session, acceptor *socket.Acceptor, admit func(*session.Session, *http.Request) *realtime.Error) {
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
	refused := admit(s, r)
	if refused != nil {
		if may, told := s.Refuse(refused); !may {
			refusal.Write(w, told)
			return
		}
	}
	sock, err := acceptor.Accept(w, r)
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
