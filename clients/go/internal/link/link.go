// Package link is one WebSocket to a gateway: frames that it brings, frames that are sent, and which answers which.
package link

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/loop"
	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// ErrLost is in the chain of the error of a question whose Link was lost before the answer.
var ErrLost = errors.New("the connection was lost before the answer")

// Conn is one WebSocket. *socket.Client is one. Read is called by one goroutine and Write by one; Close by any.
type Conn interface {
	Read(within time.Duration) ([]byte, error)
	Write(message []byte) error
	Close() error
}

// Owner is told what becomes of a Link, in the loop.
type Owner interface {
	// Take is given each frame, with its JSON, until the end.
	Take(l *Link, f *wire.ServerFrame, raw []byte)
	// Lost is the end of a Link that was not dropped.
	Lost(l *Link, why *realtime.Error)
}

// outgoing is how many frames may wait to be written: more than a client ever has under way. When there are more, the link is stuck.
const outgoing = 1024

// Link is one WebSocket, as the loop has it, which alone calls its methods.
type Link struct {
	// Welcome is the first frame of the server; it is set by Open, like Opened.
	Welcome wire.ServerFrame
	Opened  time.Time
	// Token is what the connect frame has.
	Token string
	// Number orders the links of a client.
	Number int
	// Asked is how many subscriptions are not answered, those of First among them.
	Asked int
	// First are the questions of the connect frame that are not answered, by what they are about.
	First map[any]*Question

	owner  Owner
	loop   *loop.Loop
	conn   Conn
	out    chan []byte
	closed chan struct{}   // by Drop
	told   *realtime.Error // the newest error about neither a frame nor a channel
	next   int64           // id of a frame
	hello  wire.ID         // of the connect frame, which the welcome answers
	open   map[wire.ID]*Question
	timer  *time.Timer // until the welcome
	over   bool
}

// Question is a frame that waits for its answer.
type Question struct {
	Frame *wire.ClientFrame
	Done  func(f *wire.ServerFrame, err error) // f is an ok
}

// Start begins to read and write, in goroutines that end with Drop.
func Start(number int, conn Conn, on *loop.Loop, owner Owner) *Link {
	l := &Link{
		Number: number, First: map[any]*Question{}, owner: owner, loop: on, conn: conn, out: make(chan []byte, outgoing), closed: make(chan struct{}),
		open: map[wire.ID]*Question{},
	}
	on.Begin(l.read)
	on.Begin(l.write)
	return l
}

// silenceBefore is how long the welcome may take to come; a client waits for less.
const silenceBefore = time.Minute

// read gives what comes to the loop.
func (l *Link) read() {
	within := silenceBefore
	for {
		raw, err := l.conn.Read(within)
		if err != nil {
			l.loop.Do(func() { l.Fail(err) })
			return
		}
		f, err := wire.DecodeServer(raw)
		if err != nil {
			l.loop.Do(func() {
				l.Fail(&realtime.Error{Code: realtime.CodeInternal, Message: "the server sent something that is not a frame", Err: err})
			})
			return
		}
		if f.Type == wire.TypeWelcome && f.HeartbeatMs > 0 {
			within = time.Duration(verdict.Bounded(f.HeartbeatMs, 1000, 600_000)) * time.Millisecond * 5 / 2
		}
		if !l.loop.Do(func() { l.take(&f, raw) }) {
			return
		}
	}
}

func (l *Link) take(f *wire.ServerFrame, raw []byte) {
	if !l.over {
		l.owner.Take(l, f, raw)
	}
}

// write writes what the loop has to say.
func (l *Link) write() {
	for {
		select {
		case frame := <-l.out:
			if err := l.conn.Write(frame); err != nil {
				l.loop.Do(func() { l.Fail(err) })
				return
			}
		case <-l.closed:
			return
		}
	}
}

// Hello sends the connect frame. The link is lost if the welcome does not come within a time.
func (l *Link) Hello(f *wire.ClientFrame, within time.Duration) {
	l.Token = f.Token
	l.timer = l.loop.After(within, func() {
		if !l.IsOpen() {
			l.Fail(context.DeadlineExceeded)
		}
	})
	l.Request(f, func(_ *wire.ServerFrame, err error) {
		var about *realtime.Error
		if errors.As(err, &about) && !l.over { // the close frame follows
			l.told = about
		}
	})
	l.hello = f.ID
}

// Open notes the welcome, and reports whether it is the first.
func (l *Link) Open(welcome *wire.ServerFrame) bool {
	if l.IsOpen() {
		return false
	}
	l.timer.Stop()
	l.Opened, l.Welcome = time.Now(), *welcome
	delete(l.open, l.hello)
	return true
}

// IsOpen reports whether the welcome has come.
func (l *Link) IsOpen() bool { return !l.Opened.IsZero() }

// Over reports whether the link has ended.
func (l *Link) Over() bool { return l.over }

// Owes reports whether questions are not answered.
func (l *Link) Owes() bool { return len(l.open) > 0 }

// send queues a frame. When there is no room, the link is lost.
func (l *Link) send(f *wire.ClientFrame) {
	if l.over {
		return
	}
	select {
	case l.out <- f.AppendJSON(nil):
	default:
		l.Fail(errors.New("the server takes nothing"))
	}
}

// Request sends a frame that is answered. done is called in the loop, also if the link is lost before.
func (l *Link) Request(f *wire.ClientFrame, done func(*wire.ServerFrame, error)) {
	l.next++
	f.ID = wire.ID(strconv.FormatInt(l.next, 10))
	l.open[f.ID] = &Question{f, done}
	l.send(f)
}

// TooLarge reports whether a frame would cost the connection. It gets an id yet.
func (l *Link) TooLarge(f *wire.ClientFrame) bool {
	const id = 30
	most := l.Welcome.Limits.MessageBytes
	return most > 0 && len(f.AppendJSON(nil)) > most-id
}

// ErrTooLarge is the error of a frame that is.
func ErrTooLarge(what string) error {
	return &realtime.Error{Code: realtime.CodeTooLarge, Limit: "messageBytes", Message: "the " + what + " is larger than the limits.messageBytes of its tenant"}
}

// Answered settles the question that a frame answers, and reports whether there is one.
func (l *Link) Answered(f *wire.ServerFrame) bool {
	q := l.open[f.ID]
	if q == nil {
		return false
	}
	delete(l.open, f.ID)
	if f.Type == wire.TypeError {
		q.Done(f, verdict.Refusal(f))
	} else {
		q.Done(f, nil)
	}
	return true
}

// AnsweredFirst settles a question of the connect frame, and reports whether there was one.
func (l *Link) AnsweredFirst(about any, f *wire.ServerFrame, err error) bool {
	q := l.First[about]
	if q != nil {
		delete(l.First, about)
		q.Done(f, err)
	}
	return q != nil
}

// RefuseFirst answers all that is left of them.
func (l *Link) RefuseFirst(why error) {
	for _, q := range l.First {
		q.Done(nil, why)
	}
	clear(l.First)
}

// Tell notes an error that is about neither a frame nor a channel: it says why the link ends, if it does.
func (l *Link) Tell(why *realtime.Error) { l.told = why }

// Drop lets a link go: nothing comes from it any more, and what waits for an answer fails.
func (l *Link) Drop(why error) {
	if l.over {
		return
	}
	l.over = true
	close(l.closed)
	conn := l.conn
	l.loop.Begin(func() { _ = conn.Close() }) // it may wait for the network; what it says changes nothing
	open := l.open
	l.open = map[wire.ID]*Question{}
	for _, q := range open {
		q.Done(nil, why)
	}
	l.RefuseFirst(why)
}

// Fail is the end of a link that the client has not made.
func (l *Link) Fail(err error) {
	if l.over {
		return
	}
	why := verdict.Ended(err, l.told)
	l.Drop(errors.Join(ErrLost, why))
	l.owner.Lost(l, why)
}
