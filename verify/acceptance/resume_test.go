package acceptance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// reader is a client that comes back whenever it is cut, and notes what it is given.
type reader struct {
	t       *testing.T
	addr    string
	token   string
	channel realtime.Channel
	client  *resumetest.Client // keeps its Position, and tells the checker

	got      []int // the data of all messages, in order
	last     atomic.Int64
	gaps     int
	answers  int
	midFrame int // connections that were cut within a frame
	early    int // and before the subscribe was answered
}

// visit connects once, resumes and reads until it is cut, or until wanted has come.
func (r *reader) visit(wanted func() bool) error {
	c, err := dial(r.t.Context(), r.addr, dialing{})
	if err != nil {
		r.early++
		return err
	}
	defer c.conn.Close()
	conn := r.client.Open()
	defer conn.Close()
	q := conn.Ask(r.channel)
	hello := fmt.Sprintf(`{"type":"connect","id":1,"token":%q,"asOf":%d,"subscriptions":[{"channel":%q`, r.token, q.AsOf.Time, r.channel.Name())
	if !q.Since.IsZero() {
		hello += `,"since":` + quote(q.Since.String())
	}
	if err := c.say(hello + `}]}`); err != nil {
		r.early++
		return err
	}
	for answered := false; !wanted(); {
		f, err := c.next()
		if err != nil {
			if errors.Is(err, errMidFrame) {
				r.midFrame++
			}
			if !answered {
				r.early++
			}
			return err
		}
		r.take(conn, f)
		answered = answered || f.Type == wire.TypeOK
	}
	return nil
}

// take is what a client does with a frame.
func (r *reader) take(conn *resumetest.ClientConnection, f wire.ServerFrame) {
	at := realtime.Position{}
	if f.Position != "" {
		var err error
		if at, err = realtime.ParsePosition(f.Position); err != nil {
			r.t.Error(err)
		}
	}
	switch f.Type {
	case wire.TypeOK:
		r.answers++
		if f.Gap {
			r.gaps++
		}
		conn.Answer(r.channel, f.Resumed, f.Gap, at)
	case wire.TypeMessage:
		n, err := strconv.Atoi(string(f.Data))
		if err != nil {
			r.t.Error(err)
		}
		if conn.Message(r.channel, at) {
			r.got = append(r.got, n)
			r.last.Store(int64(n))
		}
	case wire.TypeNotice:
		r.gaps++
		conn.Gap(r.channel, at)
	case wire.TypeError:
		r.t.Errorf("told %+v", f)
	}
}

func (s *service) reader(t *testing.T, k *resumetest.Checker, addr, channel string) *reader {
	t.Helper()
	ch, err := realtime.NewChannel("acme", channel)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, addr: addr, token: s.token("acme", "ann"), channel: ch, client: resumetest.NewClient("ann", k)}
	r.last.Store(-1)
	return r
}

// judge has the checker judge the end.
func judge(t *testing.T, k *resumetest.Checker) resumetest.Counts {
	t.Helper()
	k.Finish()
	if err := k.Err(); err != nil {
		t.Error(err)
	}
	return k.Counts()
}

// A client is cut a hundred times, by resets at random moments and in the middle of frames,
// while 200 messages a second come in through ingest, or as many as the machine can; a
// slow one goes on until as many messages have been cut through.
func TestCutAHundredTimes(t *testing.T) {
	t.Parallel()
	const cuts, perSecond, messages = 100, 200, 1000
	checker := resumetest.NewChecker(resumetest.CheckerOptions{AnswerWithin: patience})
	s := start(t, setup{tenants: []*realtime.Tenant{tenant("acme")}, around: checker.Tap})
	s.connect(t, "acme", "keeper") // or the topic is let go while the only client is away
	p := newProxy(t, s.addr)
	r := s.reader(t, checker, p.addr, "prices:cut")

	var sent, final atomic.Int64 // messages; the data of the last, once it is about to be sent
	final.Store(-1)
	producer := s.token("acme", "producer")
	stop := make(chan struct{})
	flow := make(chan error, 1)
	go func() {
		tick := time.NewTicker(time.Second / perSecond)
		defer tick.Stop()
		for over := false; !over; <-tick.C {
			select {
			case <-stop:
				over = true
				final.Store(sent.Load())
			default:
			}
			a, err := s.post("acme", producer, event("prices:cut", int(sent.Load())))
			if err == nil && a.Status != 200 {
				err = fmt.Errorf("ingest: %d %s", a.Status, a.Body)
			}
			if err != nil {
				flow <- err
				return
			}
			sent.Add(1)
		}
		flow <- nil
	}()
	begun := time.Now()
	var visits atomic.Int64 // that were cut
	cutter := make(chan struct{})
	go func() {
		defer close(cutter)
		defer close(stop)
		for (visits.Load() < cuts || sent.Load() < messages) && t.Context().Err() == nil {
			<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond)
			p.cut(rand.IntN(2) * (1 + rand.IntN(400))) // at once, or after a few bytes more
		}
	}()
	everything := func() bool { return r.last.Load() == final.Load() && r.last.Load() >= 0 }
	for end := time.Now().Add(6 * patience); ; visits.Add(1) {
		if err := r.visit(everything); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it has %d of %d messages after %d visits", len(r.got), sent.Load(), visits.Load())
		}
	}
	<-cutter
	if err := <-flow; err != nil {
		t.Fatal(err)
	}
	rate := float64(sent.Load()) / time.Since(begun).Seconds()

	for i, n := range r.got { // it may have been answered after the first were sent
		if n != r.got[0]+i {
			t.Fatalf("%d came in the place of %d", n, r.got[0]+i)
		}
	}
	c := judge(t, checker)
	if r.gaps > 0 || c.FalseGaps > 0 || r.client.Repeated() > 0 {
		t.Errorf("%d gaps, %d messages came twice; none was to be", r.gaps, r.client.Repeated())
	}
	if r.midFrame < cuts/20 {
		t.Errorf("%d cuts within a frame: that proves little", r.midFrame)
	}
	t.Logf("%d messages at %.0f/s, %d visits cut, %d within a frame, %d before the answer, %d resumed", sent.Load(), rate, visits.Load(), r.midFrame, r.early, c.Resumed)
}

// Who comes back from beyond the window is told so, at once and in that place.
func TestOutsideTheWindow(t *testing.T) {
	t.Parallel()
	checker := resumetest.NewChecker(resumetest.CheckerOptions{AnswerWithin: patience})
	s := start(t, setup{around: checker.Tap, tenants: []*realtime.Tenant{tenant("acme", func(t *realtime.Tenant) {
		t.Namespaces = map[string]realtime.Namespace{"short": {Window: 10}}
	})}})
	s.connect(t, "acme", "keeper")
	producer := s.token("acme", "producer")
	sent := 0
	publish := func(n int) {
		t.Helper()
		for range n {
			if a, err := s.post("acme", producer, event("short:a", sent)); err != nil || a.Status != 200 {
				t.Fatalf("%v %+v", err, a)
			}
			sent++
		}
	}
	r := s.reader(t, checker, s.addr, "short:a")
	upTo := func(n int) func() bool { return func() bool { return r.last.Load() >= int64(n-1) } }
	visit := func(wanted func() bool) {
		t.Helper()
		if err := r.visit(wanted); err != nil {
			t.Fatal(err)
		}
	}
	visit(func() bool { return r.answers == 1 })
	publish(8)
	visit(upTo(8)) // within the window of 10
	if r.gaps != 0 || len(r.got) != 8 {
		t.Fatalf("inside the window: %d gaps, %v", r.gaps, r.got)
	}
	publish(30)
	visit(func() bool { return r.gaps > 0 })
	if r.gaps != 1 || len(r.got) != 8 {
		t.Fatalf("outside the window: %d gaps, %v", r.gaps, r.got)
	}
	publish(1)
	visit(upTo(sent)) // from where the gap was told
	if r.gaps != 1 || len(r.got) != 9 {
		t.Errorf("after the gap: %d gaps, %v", r.gaps, r.got)
	}
	if c := judge(t, checker); c.Gaps != 1 || c.FalseGaps != 0 {
		t.Errorf("%+v", c)
	}
}
