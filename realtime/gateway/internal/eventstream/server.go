package eventstream

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/gateway/internal/lifecycle"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/sse"
)

// Server is an http.Handler that answers with streams. All of its fields are required. It is safe for concurrent use.
type Server struct {
	Life      context.Context // of the gateway
	Tracker   *lifecycle.Tracker
	Admission *admission.Gate
	Clients   *clients.Set
	Sessions  *session.Config
	Queue     outbox.Limits // of a client that has not joined
	Reporter  refusal.Reporter
	Logger    *slog.Logger
	Metrics   realtime.Metrics
}

// Preflight answers what a browser asks before it sends a token in a header (the
// Fetch standard's CORS preflight). The tenant is not known then.
func Preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	refusal.AllowPages(h)
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Cache-Control, Content-Type, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}

// errNoFlush is told instead of a stream whose events would not arrive, with which a page would open another
// one again and again.
var errNoFlush = &realtime.Error{
	Code:    realtime.CodeInternal,
	Message: "events cannot be sent: a middleware of this server hides Flush of its http.ResponseWriter; let it implement http.Flusher, or Unwrap",
}

// ServeHTTP answers GET. What can be refused is, by a status, before the stream begins.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD, which GET's route takes in
		w.Header().Set("Allow", http.MethodGet)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "request a stream of events with GET")).Write(w)
		return
	}
	if r.Header.Get("Last-Event-ID") == sse.StoppedID {
		refusal.AllowPages(w.Header())
		w.WriteHeader(http.StatusNoContent) // the HTML standard, section 9.2.3: an EventSource does not come back
		return
	}
	if !flushes(w) {
		refusal.Write(w, s.Reporter.Report(r.Context(), "answering with events", errNoFlush))
		return
	}
	s.serve(w, r, s.newStream(sse.Encoder{}), func(st *stream) *realtime.Error { return st.begin(r) }, (*stream).run)
}

// serve answers with a stream that begin begins and run writes.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, st *stream, begin func(*stream) *realtime.Error, run func(*stream, context.Context, http.ResponseWriter)) {
	if err := s.Tracker.Enter(st); err != nil {
		refusal.Write(w, err)
		return
	}
	defer func() {
		if s.Tracker.RequestEnds() {
			s.Tracker.Hold()
		}
	}()
	defer s.Tracker.Exit(st)
	defer st.leave()
	if refused := begin(st); refused != nil {
		st.Shut(refused)
		refusal.Write(w, st.shutFor()) // which the gateway may have said before
		return
	}
	if bad := contain.Do(s.Logger, s.Metrics, contain.Request, func() { run(st, r.Context(), w) }); bad != nil {
		st.Shut(bad) // no status can be given any more; the page comes back
	}
}

// flushes reports whether what is written to w can be sent at once, as http.ResponseController.Flush would.
func flushes(w http.ResponseWriter) bool {
	for {
		switch inner := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return false
		}
	}
}
