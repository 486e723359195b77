package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// client is a client as docs/protocol.md wants it: it resumes by Position and asOf, comes back
// when it is told to, and moves without a break. All it is told it tells a checker.
type client struct {
	name     string
	tenant   string
	url      string
	token    string
	channels []realtime.Channel
	keeper   *resumetest.Client
	book     *book
	heard    func(p payload, at time.Time) // every new message; nil does nothing

	last map[string]*atomic.Int64 // number of the newest message, by channel

	events  chan func() // what the goroutine of run does next
	done    chan struct{}
	dials   context.Context // ends all connections
	reading sync.WaitGroup

	// What follows belongs to the goroutine of run.
	current  *link // the connection that is read
	next     *link // the one that it moves to
	dialing  bool
	attempts int // since a connection has last lived for five seconds
	refused  int // tokens in a row
}

// payload is the data of every event: what it is, so that one that strays is known.
type payload struct {
	Tenant  string `json:"tenant"`
	Channel string `json:"channel"`
	N       int64  `json:"n"`
	Sent    int64  `json:"sent"` // microseconds since 1970
	Pad     string `json:"pad,omitempty"`
}

func newClient(name, tenant, url, token string, b *book, channels ...realtime.Channel) *client {
	c := &client{
		name: name, tenant: tenant, url: url, token: token, channels: channels, book: b,
		keeper: resumetest.NewClient(name, b.checker), last: map[string]*atomic.Int64{},
		events: make(chan func(), 16), done: make(chan struct{}),
	}
	for _, ch := range channels {
		c.last[ch.Name()] = &atomic.Int64{}
	}
	return c
}

// run stays connected until ctx ends.
func (c *client) run(ctx context.Context) {
	dials, stop := context.WithCancel(ctx)
	defer c.reading.Wait()
	defer close(c.done)
	defer stop()
	c.dials = dials
	c.dial()
	for {
		select {
		case <-ctx.Done():
			for _, l := range []*link{c.current, c.next} {
				if l != nil {
					l.leave()
				}
			}
			return
		case f := <-c.events:
			f()
		}
	}
}

// do has the goroutine of run do something, unless it has ended.
func (c *client) do(f func()) {
	select {
	case c.events <- f:
	case <-c.done:
	}
}

func (c *client) after(d time.Duration, f func()) { time.AfterFunc(d, func() { c.do(f) }) }

// dial opens a connection, or a second one, unless that is under way.
func (c *client) dial() {
	if c.dialing || c.next != nil {
		return
	}
	c.dialing = true
	c.reading.Go(func() {
		conn, err := socket.Dial(c.dials, c.url, http.Header{}, wire.Subprotocol)
		select {
		case c.events <- func() { c.dialed(conn, err) }:
		case <-c.done:
			if err == nil {
				_ = conn.Close() // nobody reads it
			}
		}
	})
}

func (c *client) dialed(conn *socket.Client, err error) {
	c.dialing = false
	if err != nil {
		c.book.count("dial failed")
		c.after(c.backoff(), c.dial)
		return
	}
	l := &link{client: c, conn: conn, record: c.keeper.Open(), opened: time.Now(), silence: time.Minute, owed: map[string]bool{}}
	if c.current == nil {
		c.current = l
	} else {
		c.next = l
	}
	c.book.count("connects")
	c.reading.Go(l.read)
}

// answered says that a connection has answered for every channel.
func (c *client) answered(l *link) {
	c.refused = 0
	if l != c.next {
		return
	}
	old := c.current
	c.current, c.next = l, nil
	old.leave()
	c.book.count("moves")
}

// ended says that a connection has ended, and how.
func (c *client) ended(l *link, err error) {
	l.leave()
	if l != c.current && l != c.next {
		return // it was left before
	}
	c.book.count(ending(l, err))
	succeeded := l == c.current && c.next != nil
	if l == c.current {
		c.current = c.next
	}
	c.next = nil
	if c.current == nil {
		c.book.bare(c.name)
	}
	wait, again := c.again(l, err)
	switch {
	case !again:
		c.book.fault("%s is told to stop: %v, %v", c.name, err, l.reason())
	case !succeeded:
		c.after(wait, c.dial)
	}
}

// again says when to connect again, if at all.
func (c *client) again(l *link, err error) (time.Duration, bool) {
	if time.Since(l.opened) > 5*time.Second {
		c.attempts = 0
	}
	why := l.reason()
	advice := advise(why, err)
	switch advice {
	case realtime.AdviceStop:
		return 0, false
	case realtime.AdviceNewToken:
		if c.refused++; c.refused == 3 {
			return 0, false
		}
	}
	wait := c.backoff()
	if advice == realtime.AdviceRetryLater {
		if why == nil {
			return wait + time.Second, true
		}
		return wait + why.RetryAfter, true
	}
	return wait, true
}

func (c *client) backoff() time.Duration {
	most := min(30*time.Second, 500*time.Millisecond<<min(c.attempts, 10))
	c.attempts++
	return rand.N(most)
}

// advise says what the end of a connection means.
func advise(why *realtime.Error, err error) realtime.Advice {
	if why != nil {
		return why.Code.Meaning().Advice
	}
	var closed *socket.CloseError
	if !errors.As(err, &closed) {
		return realtime.AdviceRetryNow // 1006
	}
	switch closed.Code {
	case 1002, 1003, 1007:
		return realtime.AdviceStop
	}
	for _, code := range []realtime.Code{
		realtime.CodeUnauthorized, realtime.CodeForbidden, realtime.CodeBadRequest, realtime.CodeTooLarge,
		realtime.CodeReplaced, realtime.CodeTimeout, realtime.CodeTooSlow,
	} {
		if m := code.Meaning(); m.Close == closed.Code {
			return m.Advice
		}
	}
	return realtime.AdviceRetryLater
}

// ending names the end of a connection for the counts.
func ending(l *link, err error) string {
	if why := l.reason(); why != nil {
		return "closed: " + string(why.Code)
	}
	if closed := (*socket.CloseError)(nil); errors.As(err, &closed) {
		return fmt.Sprintf("closed: %d", closed.Code)
	}
	return "closed: cut"
}

// link is one connection of a client. One goroutine reads.
type link struct {
	client *client
	conn   *socket.Client
	record *resumetest.ClientConnection
	opened time.Time

	silence  time.Duration // after which it is dead
	instance string

	mu   sync.Mutex      // guards what follows, and is held while a frame is written
	owed map[string]bool // channels that were asked for and not answered
	why  *realtime.Error // the last error of the connection itself
	left bool
}

// read says what the client wants and reads until the connection ends.
func (l *link) read() {
	err := l.hello()
	for err == nil {
		var message []byte
		if message, err = l.conn.Read(l.silence); err != nil {
			break
		}
		var f wire.ServerFrame
		if f, err = wire.DecodeServer(message); err == nil {
			l.take(&f)
		}
	}
	_ = l.conn.Close() // it may have ended, but not its file
	l.client.do(func() { l.client.ended(l, err) })
}

// hello sends connect, with the channels that one asOf vouches for, and subscribes to the others.
func (l *link) hello() error {
	c := l.client
	f := wire.ClientFrame{Type: wire.TypeConnect, Token: c.token}
	var others [][]byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, ch := range c.channels {
		q := l.record.Ask(ch)
		l.owed[ch.Name()] = true
		if i == 0 {
			f.AsOf = q.AsOf.Time
		}
		if q.AsOf.Time == f.AsOf {
			f.Subscriptions = append(f.Subscriptions, wire.Subscription{Channel: ch.Name(), Since: q.Since})
		} else {
			others = append(others, subscribe(q))
		}
	}
	for _, frame := range append([][]byte{f.AppendJSON(nil)}, others...) {
		if err := l.conn.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

func subscribe(q resumetest.Question) []byte {
	name := q.Channel.Name()
	id, _ := json.Marshal(name) // strings never fail
	f := wire.ClientFrame{Type: wire.TypeSubscribe, ID: wire.ID(id), Channel: name, Since: q.Since, AsOf: q.AsOf.Time}
	return f.AppendJSON(nil)
}

// ask asks again for a channel that was refused for the time being.
func (l *link) ask(ch realtime.Channel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.left {
		_ = l.conn.Write(subscribe(l.record.Ask(ch))) // reading tells if it fails
	}
}

// leave closes a connection that is not needed any more.
func (l *link) leave() {
	l.mu.Lock()
	l.left = true
	l.mu.Unlock()
	l.record.Close()
	_ = l.conn.Close()
}

func (l *link) reason() *realtime.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// take is what a client does with a frame.
func (l *link) take(f *wire.ServerFrame) {
	c := l.client
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		c.book.fault("%s: %v", c.name, err)
	}
	switch f.Type {
	case wire.TypeWelcome:
		l.silence, l.instance = time.Duration(f.HeartbeatMs)*time.Millisecond*5/2, f.Instance
	case wire.TypeOK:
		l.answer(f, at)
	case wire.TypeMessage:
		l.message(f, at)
	case wire.TypeNotice:
		if f.Code != wire.NoticeGap {
			c.book.fault("%s: notice %s on %s", c.name, f.Code, f.Channel)
			return
		}
		l.record.Gap(c.channel(f.Channel), at)
		c.book.gap(l, f, "notice")
	case wire.TypeHeartbeat:
		if f.AsOf > 0 {
			l.record.Heartbeat(realtime.Position{Time: f.AsOf})
		}
	case wire.TypeMove:
		c.book.count("asked to move")
		c.after(time.Duration(f.AfterMs)*time.Millisecond, c.dial)
	case wire.TypeError:
		l.refusal(f)
	}
}

func (l *link) answer(f *wire.ServerFrame, at realtime.Position) {
	c := l.client
	l.record.Answer(c.channel(f.Channel), f.Resumed, f.Gap, at)
	if f.Gap {
		c.book.gap(l, f, "answer")
	}
	l.mu.Lock()
	delete(l.owed, f.Channel)
	all := len(l.owed) == 0
	l.mu.Unlock()
	if all {
		c.do(func() { c.answered(l) })
	}
}

func (l *link) message(f *wire.ServerFrame, at realtime.Position) {
	c, now := l.client, time.Now()
	var p payload
	if err := json.Unmarshal(f.Data, &p); err != nil {
		c.book.fault("%s: %v in %s", c.name, err, f.Data)
	}
	if p.Tenant != c.tenant || p.Channel != f.Channel {
		c.book.foreign(l, f, p)
	}
	if !l.record.Message(c.channel(f.Channel), at) {
		return
	}
	if last := c.last[f.Channel]; last != nil {
		c.book.after(c.name, c.tenant+"/"+f.Channel, last.Swap(p.N), p.N)
	}
	if c.heard != nil {
		c.heard(p, now)
	}
}

// refusal is an error frame: of a channel, which is asked for again, or of the connection.
func (l *link) refusal(f *wire.ServerFrame) {
	c := l.client
	wait := time.Duration(f.RetryAfterMs) * time.Millisecond
	if f.Channel == "" {
		l.mu.Lock()
		l.why = &realtime.Error{Code: f.Code, Message: f.Message, RetryAfter: wait}
		l.mu.Unlock()
		return
	}
	ch := c.channel(f.Channel)
	l.record.Refused(ch)
	c.book.count("refused subscribe: " + string(f.Code))
	if f.Code != realtime.CodeUnavailable && f.Code != realtime.CodeLimited {
		c.book.fault("%s: %s on %s: %s", c.name, f.Code, f.Channel, f.Message)
		return
	}
	c.after(wait, func() { l.ask(ch) })
}

// channel returns the channel of a name. One that the client never asked for is made, for the checker to
// judge.
func (c *client) channel(name string) realtime.Channel {
	for _, ch := range c.channels {
		if ch.Name() == name {
			return ch
		}
	}
	ch, err := realtime.NewChannel(c.tenant, name)
	if err != nil {
		c.book.fault("%s: %v", c.name, err)
	}
	return ch
}
