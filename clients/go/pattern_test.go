package tidewire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/clients/go/internal/cursor"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// absence is a network that takes one client away.
type absence struct {
	mu   sync.Mutex // guards what follows
	away bool
	conn link.Conn
}

func (a *absence) use(o *Options) {
	dial := o.dial
	o.dial = func(ctx context.Context, url string, header http.Header) (link.Conn, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.away {
			return nil, errors.New("away")
		}
		conn, err := dial(ctx, url, header)
		a.conn = conn
		return conn, err
	}
}

func (a *absence) is(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away = away; away {
		_ = a.conn.Close()
	}
}

// Who comes back, however late, is told of each channel that nothing is missing, or that something is: also of those that he has never heard of.
func TestPatternAfterAnAbsence(t *testing.T) {
	t.Parallel()
	for _, long := range []time.Duration{time.Minute, 20 * time.Minute, 3 * time.Hour} {
		t.Run(long.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
				var a absence
				c, producer := d.client("ann", a.use, func(o *Options) { o.Token = d.token("ann", 24*time.Hour) }), d.client("producer", func(o *Options) { o.Token = d.token("producer", 24*time.Hour) })
				defer c.Close()
				defer producer.Close()
				sub, err := c.Subscribe("prices:*", SubscribeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				next(t, sub)
				publish := func(channel string) {
					t.Helper()
					if _, err := producer.Publish(t.Context(), Event{Channel: channel, Data: json.RawMessage("1")}); err != nil {
						t.Fatal(err)
					}
				}
				publish("prices:had")
				publish("prices:quiet")
				next(t, sub)
				next(t, sub)
				time.Sleep(5 * time.Minute)
				a.is(true)
				time.Sleep(10 * time.Second)
				publish("prices:had")
				publish("prices:new") // of which nobody knows any more when he is back
				publish("board:7")
				time.Sleep(long)
				a.is(false)
				time.Sleep(5 * time.Minute)
				publish("prices:had")
				publish("prices:newest")
				told := map[string][]string{}
				for told["prices:newest"] == nil {
					u := next(t, sub)
					say := string(u.Kind)
					if u.Kind == KindLive {
						say = fmt.Sprint("live ", u.Resumed)
					}
					told[u.Channel] = append(told[u.Channel], say)
				}
				want := map[string][]string{
					"prices:*": {"live true"}, "prices:had": {"live true", "message", "message"}, "prices:new": {"message"},
					"prices:newest": {"message"}, "prices:quiet": {"live true"},
				}
				if long > 10*time.Minute { // what a record keeps
					want["prices:*"] = []string{"live true", "gap"}
					want["prices:had"], want["prices:quiet"] = []string{"gap", "message"}, []string{"gap"}
					delete(want, "prices:new")
				}
				if diff := cmp.Diff(want, told); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Positions go with each question, newest first, and no more than the server takes; a program that begins where another has ended has what that has not had.
func TestBookmarkOfAPattern(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		sub, err := c.Subscribe("prices:*", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next(t, sub)
		time.Sleep(5 * time.Minute) // an asOf of before the server began vouches for less
		publish := func(channel, data string) {
			t.Helper()
			if _, err := c.Publish(t.Context(), Event{Channel: channel, Data: json.RawMessage(data)}); err != nil {
				t.Fatal(err)
			}
		}
		publish("prices:a", "1")
		publish("prices:b", "2")
		next(t, sub)
		next(t, sub)
		publish("prices:a", "3")
		at := sub.Bookmark()
		if len(at.Positions) != 2 || at.AsOf == 0 || at.Position != "" {
			t.Fatalf("%+v", at)
		}
		sub.Close()
		publish("prices:c", "4")
		time.Sleep(time.Minute)
		again, err := c.Subscribe("prices:*", SubscribeOptions{Positions: at.Positions, AsOf: at.AsOf})
		if err != nil {
			t.Fatal(err)
		}
		var had []string
		for len(had) < 2 {
			switch u := next(t, again); u.Kind {
			case KindMessage:
				had = append(had, u.Channel+" "+string(u.Message.Data))
			case KindGap:
				t.Errorf("%+v", u)
			}
		}
		if diff := cmp.Diff(map[string]bool{"prices:a 3": true, "prices:c 4": true}, map[string]bool{had[0]: true, had[1]: true}); diff != "" {
			t.Error(diff)
		}
	})
}

// A channel that is read several times comes once for each, and what ends one ends no other.
func TestOverlaps(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		read := func(name string, o SubscribeOptions) *Subscription {
			t.Helper()
			s, err := c.Subscribe(name, o)
			if err != nil {
				t.Fatal(err)
			}
			if u := next(t, s); u.Kind != KindLive || u.Channel != name {
				t.Fatalf("%+v", u)
			}
			return s
		}
		all := []*Subscription{
			read("prices:fx", SubscribeOptions{}), read("prices:fx", SubscribeOptions{Fields: []string{"bid"}}), read("prices:*", SubscribeOptions{}),
			read("**", SubscribeOptions{Keys: []string{"EURUSD"}}), read("prices:*", SubscribeOptions{}),
		}
		publish := func() {
			if _, err := c.Publish(t.Context(), Event{Channel: "prices:fx", Key: "EURUSD", Data: json.RawMessage(`{"ask":2,"bid":1}`)}); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{`{"ask":2,"bid":1}`, `{"bid":1}`, `{"ask":2,"bid":1}`, `{"ask":2,"bid":1}`, `{"ask":2,"bid":1}`}
		publish()
		for i, s := range all {
			if u := next(t, s); u.Kind != KindMessage || u.Channel != "prices:fx" || string(u.Message.Data) != want[i] {
				t.Errorf("%d: %+v", i, u)
			}
		}
		all[0].Close()
		all[2].Close()
		d.cut()
		publish()
		for i, s := range all {
			for u := (Update{}); u.Kind != KindMessage && i != 0 && i != 2; {
				if u = next(t, s); u.Kind == KindGap || u.Kind == KindMessage && string(u.Message.Data) != want[i] {
					t.Errorf("%d: %+v", i, u)
				}
			}
		}
	})
}

// What cannot be asked for is refused with the name of the field, and what the server refuses ends the Subscription.
func TestPatternIsRefused(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann", func(o *Options) {
			o.Token = d.token("ann", time.Hour)
		})
		defer c.Close()
		for name, o := range map[string]SubscribeOptions{
			"prices:**:a": {}, "a*": {}, "{user}:*": {}, "prices:fx": {Positions: map[string]string{}}, "state:*": {State: true, Positions: map[string]string{}}, "asOf:*": {State: true, AsOf: 5}, "since:*": {Since: "1-a"},
			"positions:*": {Positions: map[string]string{"prices:fx": "1-a"}}, "names:*": {Positions: map[string]string{"": "1-a"}},
		} {
			if _, err := c.Subscribe(name, o); realtime.CodeOf(err) != realtime.CodeBadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	for name, tt := range map[string]struct {
		says string
		ends realtime.Code
	}{
		"forbidden":    {`"code":"forbidden"`, realtime.CodeForbidden},
		"too many":     {`"code":"limited","limit":"patternsPerConnection"`, realtime.CodeLimited},
		"too wide":     {`"code":"limited","limit":"channelsPerPattern"`, realtime.CodeLimited},
		"not now":      {`"code":"limited","retryAfterMs":10`, ""},
		"not served":   {`"code":"bad-request"`, realtime.CodeBadRequest},
		"already had":  {`"code":"conflict"`, ""},
		"cannot be it": {`"code":"unavailable"`, ""},
	} {
		for _, begun := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, c := fakeServer(t)
					defer c.Close()
					sub, err := c.Subscribe("prices:*", SubscribeOptions{})
					if err != nil {
						t.Fatal(err)
					}
					conn := s.newest()
					asked := conn.taken("subscribe")
					if begun {
						conn.give(fmt.Sprintf(`{"type":"ok","sub":"1","id":%s,"channel":"prices:*","pattern":true,"position":"1-"}`, asked[0].ID))
						conn.give(`{"type":"error","sub":"1","channel":"prices:*","message":"no",` + tt.says + `}`)
						next(t, sub)
					} else {
						conn.give(fmt.Sprintf(`{"type":"error","sub":"1","id":%s,"channel":"prices:*","message":"no",%s}`, asked[0].ID, tt.says))
					}
					time.Sleep(time.Minute)
					if again := len(conn.taken("subscribe")); (again == 0) != (tt.ends != "") {
						t.Errorf("asked again %d times", again)
					}
					if tt.ends == "" {
						return
					}
					if _, err := sub.Next(t.Context()); realtime.CodeOf(err) != tt.ends {
						t.Errorf("ended with %v", err)
					}
				})
			})
		}
	}
}

// However many channels there are, those that are remembered are bounded, and so is what the server is told of them; what is forgotten
// and may have been had comes as a gap, never twice.
func TestManyChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := fakeServer(t)
		defer c.Close()
		sub, err := c.Subscribe("prices:*", SubscribeOptions{Buffer: 10000})
		if err != nil {
			t.Fatal(err)
		}
		conn := s.newest()
		conn.give(fmt.Sprintf(`{"type":"ok","sub":"1","id":%s,"channel":"prices:*","pattern":true,"position":"1000-"}`, conn.taken("subscribe")[0].ID))
		for i := range 1500 {
			conn.give(fmt.Sprintf(`{"type":"message","sub":"1","channel":"prices:%d","position":"%d-e%d","time":%d,"data":1}`, i, 2000+i, i, 2000+i))
		}
		conn.give(`{"type":"message","sub":"1","channel":"board:7","position":"2000-x","data":1}`) // not one of its channels
		for range 1501 {
			next(t, sub)
		}
		if n := len(sub.Bookmark().Positions); n != cursor.Max {
			t.Errorf("%d positions in the bookmark", n)
		}
		conn.shut(1006)
		time.Sleep(time.Minute)
		conn = s.newest()
		hello := conn.taken("connect")[0].Subscriptions
		if len(hello) != 1 || len(hello[0].Since.Positions) < 400 || hello[0].Since.Positions["prices:1499"] != "3499-e1499" {
			t.Fatalf("%d subscriptions, %d positions", len(hello), len(hello[0].Since.Positions))
		}
		conn.give(`{"type":"ok","sub":"1","channel":"prices:*","pattern":true,"position":"9000-"}`)
		for i := range 1500 { // what is not in since is sent from asOf on
			if hello[0].Since.Positions[fmt.Sprint("prices:", i)] == "" {
				conn.give(fmt.Sprintf(`{"type":"message","sub":"1","channel":"prices:%d","position":"%d-e%d","time":%d,"data":1}`, i, 2000+i, i, 2000+i))
			}
			conn.give(fmt.Sprintf(`{"type":"message","sub":"1","channel":"prices:%d","position":"%d-f%d","time":%d,"data":1}`, i, 9000+i, i, 9000+i))
		}
		next(t, sub) // live
		for i := range 1500 {
			u := next(t, sub)
			named := hello[0].Since.Positions[fmt.Sprint("prices:", i)] != ""
			if gap := u.Kind == KindGap && u.Channel == fmt.Sprint("prices:", i); named && gap || !gap && i < 1500-cursor.Max {
				t.Fatalf("%d: %+v", i, u)
			} else if gap { // it was forgotten by the time
				u = next(t, sub)
			}
			if u.Kind != KindMessage || !strings.HasSuffix(u.Position, fmt.Sprint("-f", i)) {
				t.Fatalf("%d: %+v", i, u)
			}
		}
	})
}
