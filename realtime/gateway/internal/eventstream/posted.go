package eventstream

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// The bounds of a request's body, beside the messageBytes of each frame.
const (
	maxPostedBytes  = 256 << 10
	maxPostedFrames = 256
	// postedWithin is how long a client may take for it.
	postedWithin = 10 * time.Second
)

// ServeFrames answers POST: the body has frames of the socket protocol, one a line, and the events of the answer are the frames that a socket would have
// brought. If the first is connect, the stream goes on; else it ends with the last answer.
func (s *Server) ServeFrames(w http.ResponseWriter, r *http.Request) {
	if !flushes(w) {
		refusal.Write(w, s.Reporter.Report(r.Context(), "answering with events", errNoFlush))
		return
	}
	// A writer that knows no deadlines is some middleware's; the server's own timeouts hold then.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(postedWithin))
	s.serve(w, r, s.newStream(session.PostedProtocol()), func(st *stream) *realtime.Error { return st.beginFrames(w, r) }, (*stream).runFrames)
}

// beginFrames admits the client, and then reads what it asks for: whose body is awaited, and kept, counts as a connection.
func (s *stream) beginFrames(w http.ResponseWriter, r *http.Request) *realtime.Error {
	ctx, cancel := s.server.Admission.Context(r)
	defer cancel()
	p, refused := s.verify(ctx, r)
	if refused != nil {
		return refused
	}
	if refused := s.join(ctx, r, p); refused != nil {
		return refused
	}
	frames, refused := readFrames(w, r)
	if refused != nil {
		return refused
	}
	most := s.client.Document().Limits.WithDefaults().MessageBytes
	for _, frame := range frames {
		if len(frame) > most {
			return &realtime.Error{Code: realtime.CodeTooLarge, Limit: "messageBytes", Message: "body: each frame must have at most the bytes of limits.messageBytes"}
		}
	}
	s.posted = s.server.Sessions.Posted(s.client, frames)
	return nil
}

// readFrames reads a body.
func readFrames(w http.ResponseWriter, r *http.Request) ([][]byte, *realtime.Error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPostedBytes))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, realtime.Errorf(realtime.CodeTooLarge, "body: must have at most %d bytes", maxPostedBytes)
	}
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "body: could not be read within %v", postedWithin)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // as above
	var frames [][]byte
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			frames = append(frames, line)
		}
	}
	if len(frames) == 0 || len(frames) > maxPostedFrames {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "body: must be 1 to %d frames, one a line, got %d", maxPostedFrames, len(frames))
	}
	return frames, nil
}

// runFrames does what the frames ask for while it writes. The stream ends when they are answered, unless it is asked to go on.
func (s *stream) runFrames(ctx context.Context, w http.ResponseWriter) {
	answer(w)
	var out bytes.Buffer
	goesOn := s.posted.Continues()
	if goesOn {
		appendFrame(&out, session.PostedProtocol().Welcome("", s.client.Welcome(s.client.Document().Limits.WithDefaults())).Bytes)
	}
	ctx, cancel := context.WithCancel(ctx)
	handled := make(chan struct{})
	go func() {
		defer close(handled)
		var refused *realtime.Error
		bad := contain.Do(s.server.Logger, s.server.Metrics, contain.Connection, func() { refused = s.posted.Do(ctx) })
		if refused = cmp.Or(bad, refused); refused != nil {
			s.Close(refused)
		}
	}()
	defer func() {
		cancel()
		<-handled
	}()
	done := handled
	if goesOn {
		done = nil
	}
	s.pump(ctx, w, &out, done)
	if why := s.shutFor(); why != nil {
		out.Reset()
		appendClose(&out, why)
		s.write(w, &out)
	}
}

// appendFrame appends a frame of a socket as an event. It is of one line: package wire says so.
func appendFrame(out *bytes.Buffer, frame []byte) {
	out.WriteString("data: ")
	out.Write(outbox.Frame{Bytes: frame}.Payload())
	out.WriteString("\n\n")
}

// appendClose appends what a socket's close frame would say.
func appendClose(out *bytes.Buffer, why *realtime.Error) {
	said, err := json.Marshal(map[string]any{"code": why.Code.Meaning().Close, "reason": string(why.Code)})
	if err == nil {
		out.WriteString("event: close\ndata: ")
		out.Write(said)
		out.WriteString("\n\n")
	}
}
