package gateway

import (
	"errors"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// maxRefusals is how many frames in a row may be refused for a limit before the
// client is taken for one that does not listen, and closed.
const maxRefusals = 100

// session speaks the socket protocol with one client:
//
//	handshake with token ------------------> connected
//	handshake without --> waiting --connect--> connected --> closed
//	                         \-- anything else, or too late --> closed
//
// Idle it is this struct and its guest, and nothing else: no goroutine, no timer, no map.
type session struct {
	g      *Gateway
	speaks *protocol
	box    *outbox.Outbox
	line   line

	// Of the goroutine that calls Message and Closed, and of serveSocket before there is one.
	guest    *guest        // nil until connected; then it stays
	visit    *visit        // while waiting for a connect frame
	ended    bool          // end was called
	spoken   bool          // a frame has come
	refusals int           // for a limit, in a row
	held     time.Time     // since when publishes have waited for their rate; zero: they do not
	code     realtime.Code // why it ended; empty if the client left

	refusing sync.Mutex // held while a refusal is numbered and sent: they are sent in the order of their numbers

	mu         sync.Mutex // guards sock until Start, and what follows
	sock       *socket.Conn
	early      *realtime.Error // closed before there was a sock
	turnedAway bool            // it counts among the refused
	over       bool            // what the client had here was given back
}

var _ socket.Leaver = (*session)(nil)

// close tells the client why and ends the connection. Only the first call counts.
func (s *session) close(err *realtime.Error) {
	s.mu.Lock()
	sock := s.sock
	if sock == nil {
		s.early = err
	}
	s.mu.Unlock()
	s.line.leave()
	if sock != nil {
		s.box.CloseFor(err)
		sock.Shut(err)
	}
}

// turnAway reports whether the client may be told at leisure why it is turned away.
func (s *session) turnAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.turnedAway || !s.g.pending.refuse() {
		return false
	}
	s.turnedAway = true
	return true
}

// evict ends the connection of a client that has waited longest for its own first frame.
func (s *session) evict() {
	s.g.o.Metrics.Add(realtime.CountRefusals, "", "waiting", 1)
	why := unavailable("too many clients are connecting without a token in their handshake")
	if s.turnAway() {
		s.close(why)
		return
	}
	s.mu.Lock()
	sock := s.sock
	s.mu.Unlock()
	if sock == nil {
		s.close(why) // before it has begun
		return
	}
	sock.Cut(why)
}

// obey puts the limits in force that the socket looks after.
func (s *session) obey(l realtime.Limits) { s.sock.SetReadLimit(int64(l.MessageBytes)) }

// session is what the guest is told when it is welcomed.
func (v *guest) session(limits realtime.Limits) wire.Session {
	p := v.conn.Principal()
	return wire.Session{
		Connection: v.conn.ID(), User: p.User, Tenant: p.Tenant, Instance: v.g.o.Instance,
		Expires: p.Expires, Limits: limits, Heartbeat: v.g.hub.Pace().Heartbeat,
	}
}

// send queues an answer in its place among the data. The client is connected.
func (s *session) send(f outbox.Frame) { s.guest.conn.Send(f) }

// control queues a frame that overtakes the data. The client is connected.
func (s *session) control(f outbox.Frame) { s.guest.conn.SendControl(f) }

// fail answers a frame with an error. name is the channel as the client wrote it.
func (s *session) fail(id wire.ID, name string, err *realtime.Error) {
	s.send(s.speaks.Error(id, shownName(name), err))
}

// shownName is the name of a channel in an answer; empty if it is longer than any can be.
func shownName(name string) string {
	if len(name) > realtime.MaxChannelBytes {
		return ""
	}
	return name
}

// Leaving gives everything back. The last client's request is held open until that is done elsewhere too.
func (s *session) Leaving(_ int, err error) {
	if why := (*realtime.Error)(nil); errors.As(err, &why) {
		s.code = why.Code
	}
	s.giveBack()
	if s.g.parts() {
		s.end()
		s.g.hold()
	}
}

// Closed does what is left to do; nobody waits for it.
func (s *session) Closed(int, error) { s.end() }

// end lets the worker finish, or does it itself.
func (s *session) end() {
	if !s.ended && s.line.close() {
		s.work()
	}
	s.ended = true
}

// giveBack ends what the client has here.
func (s *session) giveBack() {
	if s.visit != nil {
		s.g.pending.remove(s, s.visit.remote)
		s.visit = nil
	}
	s.mu.Lock()
	s.over = true
	turnedAway := s.turnedAway
	s.turnedAway = false
	s.mu.Unlock()
	if turnedAway {
		s.g.pending.refusalOver()
	}
	if s.guest != nil {
		s.guest.leave(s.code)
	}
}

// work handles the frames in line until there are none, and what is left to do
// if the connection has ended meanwhile. It has no owner who waits for it but the gateway, which
// waits for every session that has entered.
func (s *session) work() {
	for {
		frames, closed := s.line.next()
		switch {
		case frames == nil && closed:
			s.finish()
			return
		case frames == nil:
			return
		}
		if bad := contain.Do(s.g.o.Logger, s.g.o.Metrics, contain.Connection, func() { s.do(frames) }); bad != nil {
			s.close(bad)
		}
	}
}

func (s *session) do(frames []waitingFrame) {
	if frames[0].Type == wire.TypePublish {
		s.publish(frames)
		return
	}
	s.handle(&frames[0].ClientFrame)
}

// finish is the very end of the session.
func (s *session) finish() {
	defer s.g.exit(s)
	if s.guest != nil {
		s.guest.sayGoodbye(s.code)
	}
}
