package session

import (
	"errors"
	"sync"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// Session is the connection of one client:
//
//	handshake with token ------------------> connected
//	handshake without --> pending --connect--> connected --> closed
//	                         \-- anything else, or too late --> closed
//
// Idle it is this struct and its client, and nothing else: no goroutine, no timer, no map.
type Session struct {
	c     *Config
	box   *outbox.Outbox
	queue frameQueue
	door  *yjs.Door // nil: the client speaks a protocol of frames

	// Of the goroutine that calls Message and Closed, and of the handshake's before there is one.
	handler handler            // its client is nil until connected; then it stays
	pending *admission.Request // while waiting for a connect frame
	rate    rate
	begun   bool          // a frame has come
	held    bool          // pause was called, and goOn not yet
	ended   bool          // end was called
	code    realtime.Code // why it ended; empty if the client left

	mu       sync.Mutex // guards sock until Start, and what follows
	sock     *socket.Conn
	early    *realtime.Error // closed before there was a sock
	refused  bool            // it has a slot among the refused
	released bool            // what the client had here was given back
}

var _ socket.Leaver = (*Session)(nil)

// Close tells the client why and ends the connection. Only the first call counts.
func (s *Session) Close(err *realtime.Error) {
	s.mu.Lock()
	sock := s.sock
	if sock == nil {
		s.early = err
	}
	s.mu.Unlock()
	s.queue.refuse()
	if sock != nil {
		s.box.CloseFor(err)
		sock.Shut(err)
	}
}

// Evict ends the connection of a client that has waited longest for its own first frame.
func (s *Session) Evict() {
	s.c.Metrics.Add(realtime.CountRefusals, "", realtime.ReasonWaiting, 1)
	s.reject(refusal.Unavailable("too many clients are connecting without a token in their handshake"))
}

// SetLimits puts the limits in force that the socket looks after.
func (s *Session) SetLimits(l realtime.Limits) {
	if s.door != nil {
		s.sock.SetReadLimit(yjs.MaxMessage) // what is in it becomes several publishes
		return
	}
	s.sock.SetReadLimit(int64(l.MessageBytes))
}

// Leaving gives everything back. The last client's request is held open until that is done elsewhere too.
func (s *Session) Leaving(_ int, err error) {
	if why := (*realtime.Error)(nil); errors.As(err, &why) {
		s.code = why.Code
	}
	s.release()
	if s.c.Tracker.RequestEnds() {
		s.end()
		s.c.Tracker.Hold()
	}
}

// Closed does what is left to do; nobody waits for it.
func (s *Session) Closed(int, error) { s.end() }

// end lets the worker finish, or does it itself.
func (s *Session) end() {
	if !s.ended && s.queue.close() {
		s.work()
	}
	s.ended = true
}

// release ends what the client has here.
func (s *Session) release() {
	if s.pending != nil {
		s.c.Admission.Pending.Remove(s, s.pending)
		s.pending = nil
	}
	s.mu.Lock()
	s.released = true
	refused := s.refused
	s.refused = false
	s.mu.Unlock()
	if refused {
		s.c.Admission.Refused.Free()
	}
	if client := s.handler.client; client != nil {
		client.Leave(s.code)
	}
}

// work handles the frames in the queue until there are none, and what is left to do
// if the connection has ended meanwhile. It has no owner who waits for it but the gateway, which
// waits for every session that has entered.
func (s *Session) work() {
	for {
		last := s.handler.refused.last()
		frames, closed := s.queue.next()
		switch {
		case frames == nil && closed:
			s.finish()
			return
		case frames == nil:
			s.handler.refused.reach(last)
			return
		}
		if bad := contain.Do(s.c.Logger, s.c.Metrics, contain.Connection, func() { s.do(frames) }); bad != nil {
			s.Close(bad)
		}
	}
}

func (s *Session) do(frames []queuedFrame) {
	if frames[0].Type == wire.TypePublish {
		s.handler.publish(frames)
		return
	}
	s.handler.handle(&frames[0].ClientFrame)
}

// finish is the very end of the session.
func (s *Session) finish() {
	defer s.c.Tracker.Exit(s)
	if s.door != nil {
		s.door.Leave()
	}
	if client := s.handler.client; client != nil {
		s.handler.unassign()
		client.Disconnected(s.code)
	}
}
