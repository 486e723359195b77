package tidewire

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/verdict"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// outgoing is how many frames may wait to be written to a link: more than a Client ever has under way. When there are more, the link is stuck.
const outgoing = 1024

// link is one WebSocket, as the loop has it.
type link struct {
	c      *Client
	number int // of the links of the Client, in the order in which they were opened
	conn   conn
	out    chan []byte
	closed chan struct{} // by drop

	opened  time.Time // zero until the welcome
	welcome wire.ServerFrame
	told    *realtime.Error // the newest error about neither a frame nor a channel
	next    int64           // id of a frame
	hello   wire.ID         // of the connect frame, which the welcome answers
	open    map[wire.ID]*question
	first   map[*feed]*question // those of the connect frame that are not answered
	asked   int                 // subscriptions that are not answered, those of first among them
	over    bool

	welcomed func() // set by greet
}

// question is a frame that waits for its answer.
type question struct {
	frame *wire.ClientFrame
	done  func(f *wire.ServerFrame, err error) // f is an ok
}

// start begins to read and write, in goroutines that end with drop.
func (c *Client) start(conn conn) *link {
	c.links.count++
	l := &link{
		c: c, number: c.links.count, conn: conn, out: make(chan []byte, outgoing), closed: make(chan struct{}),
		open: map[wire.ID]*question{}, first: map[*feed]*question{},
	}
	c.begin(l.read)
	c.begin(l.write)
	return l
}

// silenceBefore is how long the welcome may take to come; ConnectTimeout is less.
const silenceBefore = time.Minute

// read gives what comes to the loop.
func (l *link) read() {
	within := silenceBefore
	for {
		raw, err := l.conn.Read(within)
		if err != nil {
			l.c.do(func() { l.lost(err) })
			return
		}
		f, err := wire.DecodeServer(raw)
		if err != nil {
			l.c.do(func() {
				l.lost(&realtime.Error{Code: realtime.CodeInternal, Message: "the server sent something that is not a frame", Err: err})
			})
			return
		}
		if f.Type == wire.TypeWelcome && f.HeartbeatMs > 0 {
			within = time.Duration(verdict.Bounded(f.HeartbeatMs, 1000, 600_000)) * time.Millisecond * 5 / 2
		}
		if !l.c.do(func() { l.c.take(l, &f, raw) }) {
			return
		}
	}
}

// write writes what the loop has to say.
func (l *link) write() {
	for {
		select {
		case frame := <-l.out:
			if err := l.conn.Write(frame); err != nil {
				l.c.do(func() { l.lost(err) })
				return
			}
		case <-l.closed:
			return
		}
	}
}

// send queues a frame, and reports whether there is room.
func (l *link) send(f *wire.ClientFrame) bool {
	if l.over {
		return false
	}
	select {
	case l.out <- f.AppendJSON(nil):
		return true
	default:
		l.lost(errors.New("the server takes nothing"))
		return false
	}
}

// request sends a frame that is answered. done is called in the loop, also if the link is lost before.
func (l *link) request(f *wire.ClientFrame, done func(*wire.ServerFrame, error)) {
	l.next++
	f.ID = wire.ID(strconv.FormatInt(l.next, 10))
	l.open[f.ID] = &question{f, done}
	l.send(f)
}

// tooLarge reports whether a frame would cost the connection. It gets an id yet.
func (l *link) tooLarge(f *wire.ClientFrame) bool {
	const id = 30
	most := l.welcome.Limits.MessageBytes
	return most > 0 && len(f.AppendJSON(nil)) > most-id
}

func errTooLarge(what string) error {
	return &realtime.Error{Code: realtime.CodeTooLarge, Limit: "messageBytes", Message: "the " + what + " is larger than the limits.messageBytes of its tenant"}
}

// answered settles the question that a frame answers, and reports whether there is one.
func (l *link) answered(f *wire.ServerFrame) bool {
	q := l.open[f.ID]
	if q == nil {
		return false
	}
	delete(l.open, f.ID)
	if f.Type == wire.TypeError {
		q.done(f, verdict.Refusal(f))
	} else {
		q.done(f, nil)
	}
	return true
}

// drop lets a link go: nothing comes from it any more, and what waits for an answer fails.
func (l *link) drop(why error) {
	if l.over {
		return
	}
	l.over = true
	close(l.closed)
	conn := l.conn
	l.c.begin(func() { _ = conn.Close() }) // it may wait for the network; what it says changes nothing
	open := l.open
	l.open = map[wire.ID]*question{}
	for _, q := range open {
		q.done(nil, why)
	}
	for _, a := range l.first {
		a.done(nil, why)
	}
	clear(l.first)
}

// lost is the end of a link that the Client has not made.
func (l *link) lost(err error) {
	if l.over {
		return
	}
	why := verdict.Ended(err, l.told)
	l.drop(errors.Join(ErrLost, why))
	l.c.lost(l, why)
}

// dialed is what came of a try to connect.
type dialed struct {
	conn  conn
	token string
	err   *realtime.Error
	stop  bool // there is no other token
}

// dial has a token and opens a WebSocket, beside the loop.
func (c *Client) dial(done func(dialed)) {
	have, refusedBefore := c.tokens.have, c.tokens.refused
	c.begin(func() {
		ctx, cancel := context.WithTimeout(c.life, c.o.ConnectTimeout)
		defer cancel()
		token, err := c.token(ctx, have, refusedBefore)
		if err != nil {
			stop := errors.Is(err, ErrNoToken)
			c.do(func() {
				done(dialed{err: &realtime.Error{Code: realtime.CodeUnauthorized, Message: "no token can be had", Err: err}, stop: stop})
			})
			return
		}
		conn, err := c.open(ctx)
		if err != nil {
			c.do(func() { done(dialed{err: verdict.Unreached(err)}) })
			return
		}
		if !c.do(func() { done(dialed{conn: conn, token: token}) }) {
			_ = conn.Close() // nobody has used it
		}
	})
}

// open opens a WebSocket that outlives the context, which bounds the handshake.
func (c *Client) open(ctx context.Context) (conn, error) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx)) // not that of the Client, whose end would cut the close frame off
	detach := context.AfterFunc(ctx, cancel)
	conn, err := c.o.dial(own, c.url, c.o.Header)
	if err != nil || !detach() {
		cancel()
		if conn != nil {
			_ = conn.Close() // it came too late
		}
		return nil, errors.Join(err, context.Cause(ctx))
	}
	return &detached{conn, cancel}, nil
}

// detached is a conn with a context of its own.
type detached struct {
	conn
	cancel context.CancelFunc
}

// Close ends both.
func (d *detached) Close() error {
	err := d.conn.Close()
	d.cancel()
	return err
}
