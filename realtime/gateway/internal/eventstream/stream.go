package eventstream

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/gateway/internal/session"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/sse"
)

const (
	// streamRetry is when a page comes back after a stream has ended for no reason given.
	streamRetry = 2 * time.Second
	// streamWrite is how long a client may take for one batch.
	streamWrite = 10 * time.Second
	// streamClose is how long it may take for the last, once the stream is to end.
	streamClose = 3 * time.Second
	// streamBatch is about how many bytes are written at once.
	streamBatch = 64 << 10
)

// stream is one answer of Server-Sent Events, and the outbox.Transport of its
// Outbox. The goroutine of its HTTP request is the writer.
type stream struct {
	server  *Server
	box     *outbox.Outbox
	client  *clients.Client // nil until admitted
	at      *sse.Stream     // the writer's alone; nil: its events are the frames of a socket
	posted  *session.Posted // nil but for such a stream
	refused []outbox.Frame  // of channels that it does not carry; the writer's alone
	wake    chan struct{}   // holds one: there is something to write
	yielded atomic.Int64    // what box had given to the writer when that was last let run, in bytes, and one

	mu      sync.Mutex               // guards all below
	control *http.ResponseController // nil until it runs
	why     *realtime.Error          // it was shut
	shut    chan struct{}            // closed then
}

var _ outbox.Transport = (*stream)(nil)

func (s *Server) newStream(e outbox.Encoder) *stream {
	return &stream{server: s, box: outbox.New(e, &s.Queue), wake: make(chan struct{}, 1), shut: make(chan struct{})}
}

// Flush lets the writer write. On a machine with much to do that may wait for its turn: before the queue is full, it has one. A client
// that takes nothing is waited for once.
func (s *stream) Flush() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if !s.box.Filling() {
		return
	}
	if taken := s.box.Taken() + 1; s.yielded.Swap(taken) != taken {
		for i := 0; i < 2 && s.box.Filling(); i++ { // now and then the runtime takes whoever has yielded before those who wait
			runtime.Gosched()
		}
	}
}

// Beat answers true: nothing comes from a reader of events, and one that is gone is found by writing.
func (s *stream) Beat(time.Time) bool { return true }

// Shut ends the stream after what waits in the control lane has been written.
func (s *stream) Shut(err *realtime.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = err
		close(s.shut)
		s.deadline() // for a write that is stuck
	}
}

// deadline bounds the writes from now on. s.mu is held.
func (s *stream) deadline() {
	if s.control == nil {
		return
	}
	within := streamWrite
	if s.why != nil {
		within = streamClose
	}
	// A writer that knows no deadlines is some middleware's; the server's own timeouts hold then.
	_ = s.control.SetWriteDeadline(time.Now().Add(within))
}

// Close tells the client why and ends the stream.
func (s *stream) Close(err *realtime.Error) {
	s.box.CloseFor(err)
	s.Shut(err)
}

// SetLimits has nothing to do: nothing is read from a stream.
func (s *stream) SetLimits(realtime.Limits) {}

// shutFor is why it was shut; nil if it was not: then the client left.
func (s *stream) shutFor() *realtime.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// reason is the code it was shut with; empty if the client left.
func (s *stream) reason() realtime.Code {
	if why := s.shutFor(); why != nil {
		return why.Code
	}
	return ""
}

// leave gives back what the client has here, and tells the program.
func (s *stream) leave() {
	if s.client != nil {
		defer s.client.Disconnected(s.reason())
		s.client.Leave(s.reason())
		if s.posted != nil {
			s.posted.End()
		}
	}
}

// run writes until the client leaves or the stream is shut.
func (s *stream) run(ctx context.Context, w http.ResponseWriter) {
	answer(w)
	var out bytes.Buffer
	out.WriteString("retry: " + strconv.FormatInt(streamRetry.Milliseconds(), 10) + "\n\n")
	s.at.Append(&out, sse.Encoder{}.Welcome(s.client.Welcome(s.client.Document().Limits.WithDefaults())).Bytes)
	for _, f := range s.refused {
		s.at.Append(&out, f.Bytes)
	}
	s.refused = nil
	s.pump(ctx, w, &out, nil)
}

// answer begins an answer of events.
func answer(w http.ResponseWriter) {
	h := w.Header()
	refusal.AllowPages(h)
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform") // a proxy that compresses would gather events
	h.Set("X-Accel-Buffering", "no")                 // and so would nginx and those that follow it
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
}

// pump writes out and what is queued, until the client leaves, the stream is shut, or done says that nothing more will be.
func (s *stream) pump(ctx context.Context, w http.ResponseWriter, out *bytes.Buffer, done <-chan struct{}) {
	s.mu.Lock()
	s.control = http.NewResponseController(w)
	// The server's deadline for a request's body would end a stream, whose request is over.
	_ = s.control.SetReadDeadline(time.Time{}) // a writer that knows none is some middleware's
	s.mu.Unlock()
	for over := false; s.write(w, out) && !over; {
		select {
		case <-ctx.Done():
			return
		case <-s.server.Life.Done():
			return
		case <-s.wake:
		case <-s.shut:
			over = true
		case <-done:
			over = true
		}
		over = s.collect(w, out) || over
	}
}

// collect moves what the Outbox holds into out, and writes each time a batch is full. It
// reports whether the stream is to end.
func (s *stream) collect(w http.ResponseWriter, out *bytes.Buffer) (ended bool) {
	if !s.box.Begin() {
		return false
	}
	var frames [][]byte
	for {
		frames = s.box.Next(frames[:0], streamBatch)
		if len(frames) == 0 {
			return false
		}
		for _, frame := range frames {
			if s.at == nil {
				appendFrame(out, frame)
			} else if s.at.Append(out, frame) {
				return true
			}
		}
		if out.Len() >= streamBatch && !s.write(w, out) {
			return true
		}
	}
}

// write writes out and empties it. It reports whether the client took it in time.
func (s *stream) write(w http.ResponseWriter, out *bytes.Buffer) bool {
	if out.Len() == 0 {
		return true
	}
	s.mu.Lock()
	s.deadline()
	s.mu.Unlock()
	_, err := out.WriteTo(w)
	if err == nil {
		err = s.control.Flush()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.Shut(&realtime.Error{Code: realtime.CodeTooSlow, Message: "the client did not take what was written in time", Err: err})
	}
	return err == nil
}
