package tidewire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// watch counts the phases that a Client goes through.
type watch struct{ live, waiting, ended atomic.Int32 }

func (w *watch) see(o *Options) {
	o.OnState = func(s State) {
		switch s.Phase {
		case PhaseLive:
			w.live.Add(1)
		case PhaseWaiting:
			w.waiting.Add(1)
		case PhaseEnded:
			w.ended.Add(1)
		}
	}
}

// A token is renewed on the connection that there is, so that an hour on tokens of two minutes needs one.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		var w watch
		var tokens atomic.Int32
		sign := d.token("ann", 2*time.Minute)
		c := d.client("ann", w.see, func(o *Options) {
			o.Token = func(ctx context.Context) (string, error) {
				if tokens.Add(1)%5 == 0 {
					return "", errors.New("not now")
				}
				return sign(ctx)
			}
		})
		defer c.Close()
		time.Sleep(time.Hour)
		if w.live.Load() != 1 || w.waiting.Load() != 0 || tokens.Load() < 35 || tokens.Load() > 60 {
			t.Errorf("%d connections, %d tokens", w.live.Load(), tokens.Load())
		}
	})
}

// A Client that the server asks to move is never without a connection, and its readers notice nothing.
func TestMoves(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{Lifetime: 2 * time.Minute}, func(t *testing.T, d *deployment) {
		var w watch
		c := d.client("ann", w.see)
		defer c.Close() // behind the producer
		s, err := c.Subscribe("prices:fx", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next(t, s)
		var producer sync.WaitGroup
		defer producer.Wait()
		producer.Go(func() {
			for i := range 1200 {
				if _, err := c.Publish(t.Context(), Event{Channel: "prices:fx", Data: json.RawMessage(fmt.Sprint(i))}); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
		})
		for i := range 1200 {
			if u := next(t, s); u.Kind != KindMessage || string(u.Message.Data) != fmt.Sprint(i) {
				t.Fatalf("%+v came, and not %d", u, i)
			}
		}
		if w.live.Load() < 5 || w.waiting.Load() != 0 {
			t.Errorf("%d connections, %d losses", w.live.Load(), w.waiting.Load())
		}
	})
}

// A server that is away for a while, or refuses the token, is not the end; a person's decision is.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		frame string
		close int
		token bool // another can be had
		code  realtime.Code
	}{
		"forbidden":        {`{"type":"error","code":"forbidden","message":"no"}`, 4403, true, realtime.CodeForbidden},
		"suspended":        {`{"type":"error","code":"suspended","message":"no"}`, 4403, true, realtime.CodeSuspended},
		"replaced":         {``, 4409, true, realtime.CodeReplaced},
		"expired":          {`{"type":"error","code":"expired","message":"no"}`, 4401, false, realtime.CodeExpired},
		"expired, renewed": {`{"type":"error","code":"expired","message":"no"}`, 4401, true, ""},
		"draining":         {`{"type":"error","code":"draining","message":"no","retryAfterMs":1500}`, 1012, false, ""},
		"too slow":         {`{"type":"error","code":"too-slow","message":"no"}`, 4503, false, ""},
		"limited":          {`{"type":"error","code":"limited","message":"no"}`, 4429, false, ""},
		"bad frame":        {`{"type":"error","code":"bad-request","message":"no"}`, 4400, false, ""},
		"cut":              {``, 1006, false, ""},
		"unknown":          {``, 4999, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, c := fakeServer(t, func(o *Options) {
					if tt.token {
						o.Token = func(ctx context.Context) (string, error) { return fmt.Sprint("refused: ", Refused(ctx)), nil }
					}
				})
				defer c.Close()
				sub, err := c.Subscribe("prices:fx", SubscribeOptions{Since: "5-e5"})
				if err != nil {
					t.Fatal(err)
				}
				conn := s.newest()
				time.Sleep(10 * time.Second)
				if tt.frame != "" {
					conn.give(tt.frame)
				}
				conn.shut(tt.close)
				time.Sleep(10 * time.Second)
				if tt.code == "" {
					again := s.newest()
					hello := again.taken("connect")
					asked := append(again.taken("subscribe"), hello...)
					if again == conn || c.Err() != nil || len(hello) != 1 || hello[0].Token != map[bool]string{true: "refused: true", false: "t"}[tt.token] || len(asked) < 1 {
						t.Errorf("it has not come back as it should: %v, %+v", c.Err(), asked)
					}
					return
				}
				if _, err := sub.Next(t.Context()); realtime.CodeOf(err) != tt.code || realtime.CodeOf(c.Err()) != tt.code || s.count() != 1 {
					t.Errorf("the reader is told %v, the client ends with %v", err, c.Err())
				}
				<-c.Done()
			})
		})
	}
}

// It waits as the server says, and longer each time when nobody answers.
func TestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		conn := s.newest()
		conn.give(`{"type":"error","code":"draining","message":"no","retryAfterMs":60000}`)
		conn.shut(1012)
		time.Sleep(59 * time.Second)
		if s.count() != 1 {
			t.Error("it came back before it was told to")
		}
		time.Sleep(2 * time.Second)
		if s.count() != 2 {
			t.Errorf("%d connections", s.count())
		}
		s.mu.Lock()
		s.refuse = errors.New("nobody listens")
		s.mu.Unlock()
		s.newest().shut(1006)
		time.Sleep(time.Hour)
		if tries := c.State().Tries; tries < 100 || tries > 500 { // 15 s each, on average
			t.Errorf("%d tries in an hour", tries)
		}
	})
}

// A server that has everybody move at once, again and again, is not hammered.
func TestNoStorm(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"move":         `{"type":"move","afterMs":0}`,
		"unauthorized": `{"type":"error","code":"unauthorized"}`,
		"gibberish":    `x`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, c := fakeServer(t, func(o *Options) { o.Token = func(context.Context) (string, error) { return "t", nil } })
			defer c.Close()
			until := time.Now().Add(10 * time.Minute)
			for told := 0; time.Now().Before(until); {
				if n := s.count(); n > told {
					told = n
					s.newest().give(says)
					if name == "unauthorized" {
						s.newest().shut(4401)
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
			if n := s.count(); n < 10 || n > 100 {
				t.Errorf("%s: %d connections in ten minutes", name, n)
			}
		})
	}
}

// A connection on which nothing comes is dead after 2.5 heartbeats.
func TestSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		time.Sleep(62 * time.Second)
		if s.count() != 1 {
			t.Error("it was given up too early")
		}
		time.Sleep(2 * time.Second)
		if s.count() != 2 {
			t.Errorf("%d connections", s.count())
		}
	})
}

// Connect says why it could not, and leaves nothing behind.
func TestConnectFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fake{t: t, refuse: errors.New("nobody listens")}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Connect(ctx, s.options()); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, s.refuse) {
			t.Errorf("nobody listens: %v", err)
		}
		s.refuse = nil
		go func() {
			s.newest().give(`{"type":"error","code":"unauthorized","message":"no"}`)
			s.newest().shut(4401)
		}()
		if _, err := Connect(t.Context(), s.options()); realtime.CodeOf(err) != realtime.CodeUnauthorized {
			t.Errorf("a bad token: %v", err)
		}
		for field, o := range map[string]Options{
			"URL": {Token: StaticToken("t")}, "Token": {URL: "http://a"}, "URL: must have no query": {URL: "http://a?token=x", Token: StaticToken("t")},
		} {
			if _, err := New(o); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}
