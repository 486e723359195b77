package gateway

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/sse"
)

// allowPages lets any page read what is answered. Which pages may have a stream is
// asked of the tenant; nothing here depends on cookies, so a page that may not learns only that.
func allowPages(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// preflight answers what a browser asks before it sends a token in a header (the
// Fetch standard's CORS preflight). The tenant is not known then.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	allowPages(h)
	h.Set("Access-Control-Allow-Methods", "GET")
	h.Set("Access-Control-Allow-Headers", "Authorization, Cache-Control, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}

func refuseRequest(w http.ResponseWriter, err error) {
	allowPages(w.Header())
	problem.Write(w, err)
}

// errNoFlush is told instead of a stream whose events would not arrive, with which a page would open another
// one again and again.
var errNoFlush = &realtime.Error{
	Code:    realtime.CodeInternal,
	Message: "events cannot be sent: a middleware of this server hides Flush of its http.ResponseWriter; let it implement http.Flusher, or Unwrap",
}

// serveEvents answers GET /v1/events: the messages of some channels as
// Server-Sent Events (the HTML standard, section 9.2). What can be refused is, by a status, before
// the stream begins.
func (g *Gateway) serveEvents(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD, which GET's route takes in
		w.Header().Set("Allow", http.MethodGet)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "request a stream of events with GET")).Write(w)
		return
	}
	if r.Header.Get("Last-Event-ID") == sse.StoppedID {
		allowPages(w.Header())
		w.WriteHeader(http.StatusNoContent) // the HTML standard, section 9.2.3: an EventSource does not come back
		return
	}
	if !flushes(w) {
		refuseRequest(w, g.shown(r.Context(), "answering with events", errNoFlush))
		return
	}
	s := newStream(g)
	if err := g.enter(s); err != nil {
		refuseRequest(w, err)
		return
	}
	defer func() {
		if g.parts() {
			g.hold()
		}
	}()
	defer g.exit(s)
	defer s.leave()
	if refused := s.begin(r); refused != nil {
		s.Shut(refused)
		refuseRequest(w, s.shutFor()) // which the gateway may have said before
		return
	}
	if bad := contain.Do(g.o.Logger, g.o.Metrics, contain.Request, func() { s.run(r.Context(), w) }); bad != nil {
		s.Shut(bad) // no status can be given any more; the page comes back
	}
}

// begin admits the client and subscribes to its channels.
func (s *stream) begin(r *http.Request) *realtime.Error {
	ctx, cancel := s.g.arrival(r)
	defer cancel()
	p, err := s.g.verifyRequest(ctx, r)
	if errors.Is(err, auth.ErrNoToken) {
		return realtime.Errorf(realtime.CodeUnauthorized, "no token; send it as Authorization: Bearer, or as ?token= where the tenant allows that")
	}
	if err != nil {
		return s.g.shown(ctx, "verifying a token", err)
	}
	channels, refused := s.channelsOf(p.Tenant, r.URL.Query()["channel"])
	if refused != nil {
		return refused
	}
	s.at = sse.NewStream(channels)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		s.at.Resume(id, time.Now())
	}
	v, refused := s.g.admit(ctx, p, &visit{request: r, remote: s.g.o.Remote(r)})
	if refused != nil {
		return refused
	}
	s.guest = v
	if refused := v.join(s.box, s, s, "events"); refused != nil {
		return refused
	}
	return s.subscribe(channels)
}

// subscribe reads the channels. One that may not be read does not disturb the others; if none may, the request is refused.
func (s *stream) subscribe(channels []realtime.Channel) *realtime.Error {
	if limited := s.guest.seat.Subscribe(); limited != nil {
		return limited
	}
	asOf := s.at.AsOf()
	var first *realtime.Error
	reads := false
	for i, ch := range channels {
		err := s.guest.subscribe("", ch, s.at.Since(i), asOf)
		if err == nil {
			reads = true
			continue
		}
		told := s.g.shown(s.g.life, "subscribing", err)
		if told.Code != realtime.CodeForbidden {
			return told
		}
		first = cmp.Or(first, told)
		s.refuse(ch.Name(), told)
	}
	if !reads {
		return first
	}
	return nil
}

// refuse tells the client of a channel that its stream does not carry, once there is a stream.
func (s *stream) refuse(name string, why *realtime.Error) {
	if len(name) > realtime.MaxChannelBytes {
		name = ""
	}
	s.refused = append(s.refused, sse.Encoder{}.NotCarried(name, why))
}

// channelsOf returns the channels that a request names. One that is named badly, or twice, does not disturb the others.
func (s *stream) channelsOf(tenant string, names []string) ([]realtime.Channel, *realtime.Error) {
	if len(names) == 0 || len(names) > sse.MaxChannels {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "channel: must be 1 to %d channels, got %d", sse.MaxChannels, len(names))
	}
	channels := make([]realtime.Channel, 0, len(names))
	var first *realtime.Error
	for _, name := range names {
		ch, err := realtime.NewChannel(tenant, name)
		if err == nil && slices.Contains(channels, ch) {
			err = realtime.Errorf(realtime.CodeConflict, "channel: %q appears twice", name)
		}
		if err == nil {
			channels = append(channels, ch)
			continue
		}
		told := s.g.shown(s.g.life, "naming channels", err)
		first = cmp.Or(first, told)
		s.refuse(name, told)
	}
	if len(channels) == 0 {
		return nil, first
	}
	return channels, nil
}
