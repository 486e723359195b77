package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/gateway"
)

func TestConnectHook(t *testing.T) {
	t.Parallel()
	gone := make(chan string, 8)
	hooks := gateway.HookFuncs{
		OnConnect: func(_ context.Context, e *gateway.ConnectEvent) (gateway.ConnectResult, error) {
			for _, text := range []string{fmt.Sprint(e.Header), fmt.Sprint(e.Query)} {
				if strings.Contains(text, "eyJ") {
					t.Errorf("the event holds a token: %s", text)
				}
			}
			switch e.Principal.User {
			case "eve":
				return gateway.ConnectResult{}, realtime.Errorf(realtime.CodeForbidden, "not you")
			case "unlucky":
				return gateway.ConnectResult{}, errors.New("dial tcp 10.0.0.1: refused")
			case "careless":
				return gateway.ConnectResult{Grants: realtime.Grants{Subscribe: []realtime.Pattern{"a::b"}}}, nil
			}
			return gateway.ConnectResult{
				Groups: []string{"desk-fx"},
				Grants: realtime.Grants{Subscribe: []realtime.Pattern{"desk:{group}"}},
				Meta:   map[string]string{"plan": "gold"},
			}, nil
		},
		OnCall: func(_ context.Context, c *gateway.Client, _ string, _ json.RawMessage) (any, error) {
			return map[string]any{"user": c.Principal.User, "groups": c.Principal.Groups, "plan": c.Meta["plan"], "id": c.ID}, nil
		},
		OnDisconnect: func(_ context.Context, c *gateway.Client, code realtime.Code) {
			gone <- c.Principal.User + " " + string(code)
		},
	}
	s := start(t, gateway.Options{Hooks: hooks})
	nothing := func(c *auth.Claims) { c.Grants = realtime.Grants{} }

	for user, c := range map[string]struct {
		code int
		want string
	}{
		"eve":      {4403, `{"code":"forbidden","message":"not you"}`},
		"unlucky":  {1011, `{"code":"internal","message":"something went wrong"}`},
		"careless": {1011, `{"code":"internal"}`},
	} {
		p := s.dial(s.token("acme", user, nothing))
		if d := differs(p.closed(c.code), c.want); d != "" {
			t.Errorf("%s: %s", user, d)
		}
	}

	p := s.dial("")
	p.send(`{"type":"connect","token":"`+s.token("acme", "ann", nothing)+`","subscriptions":[{"channel":"desk:desk-fx"},{"channel":"desk:other"}]}`,
		`{"type":"call","id":1,"route":"who"}`)
	welcome := p.expect(`{"type":"welcome"}`)
	answers := p.take(3) // each when it is ready
	if d := differs(answers["desk:desk-fx"], `{"type":"ok"}`); d != "" {
		t.Error(d)
	}
	if d := differs(answers["desk:other"], `{"type":"error","code":"forbidden"}`); d != "" {
		t.Error(d)
	}
	answer := answers["1"]
	if want := `{"groups":["desk-fx"],"id":"` + welcome.Connection + `","plan":"gold","user":"ann"}`; string(answer.Data) != want {
		t.Errorf("the hook saw %s, want %s", answer.Data, want)
	}
	// A renewed token does not take away what the hook gave.
	p.send(`{"type":"refresh","id":2,"token":"` + s.token("acme", "ann", nothing) + `"}`)
	p.expect(`{"type":"ok","id":2}`)
	p.send(`{"type":"unsubscribe","id":3,"channel":"desk:desk-fx"}`)
	p.expect(`{"type":"ok","id":3}`)
	_ = p.ws.Close()
	select {
	case who := <-gone:
		if who != "ann " {
			t.Errorf("gone is %q, want ann alone, who left", who)
		}
	case <-time.After(patience):
		t.Error("the disconnect hook was not called")
	}
}

// A program that decides about channels is asked about patterns as such, and is not passed by if it cannot be.
func TestPatternHooks(t *testing.T) {
	t.Parallel()
	decides := func(context.Context, *gateway.Client, realtime.Channel) error { return nil }
	for _, c := range []struct {
		name  string
		hooks gateway.Hooks
		want  string
	}{
		{"it decides about nothing", gateway.HookFuncs{}, `{"type":"ok","id":1,"pattern":true}`},
		{"it decides about channels alone", gateway.HookFuncs{OnSubscribe: decides}, `{"type":"error","id":1,"code":"bad-request","channel":"board:*"}`},
		{"its hooks know of no patterns", struct{ gateway.Hooks }{gateway.HookFuncs{}}, `{"type":"error","id":1,"code":"bad-request","channel":"board:*"}`},
		{"it decides about both", gateway.HookFuncs{OnSubscribe: decides, OnSubscribePattern: func(_ context.Context, c *gateway.Client, p realtime.Pattern) error {
			return realtime.Errorf(realtime.CodeForbidden, "%s may not read %s", c.Principal.User, p)
		}}, `{"type":"error","id":1,"code":"forbidden","message":"ann may not read board:*"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, gateway.Options{Hooks: c.hooks}).connect("acme", "ann")
			p.send(`{"type":"subscribe","id":1,"channel":"board:*"}`)
			p.expect(c.want)
		})
	}
}

func TestSubscribeAndPublishHooks(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Hooks: gateway.HookFuncs{
		OnSubscribe: func(_ context.Context, _ *gateway.Client, ch realtime.Channel) error {
			if ch.Name() == "board:secret" {
				return realtime.Errorf(realtime.CodeForbidden, "the board is closed")
			}
			return nil
		},
		OnPublish: func(_ context.Context, c *gateway.Client, p *realtime.Publication) error {
			switch p.Key {
			case "no":
				return &realtime.Error{Code: realtime.CodeLimited, Message: "not so fast", RetryAfter: time.Second}
			case "broken":
				p.Data = []byte(`{`)
			case "huge":
				p.Data = []byte(`"` + strings.Repeat("x", 70_000) + `"`)
			default:
				p.Tags = map[string]string{"by": c.Principal.User}
				p.Data = []byte(`{ "checked": true }`)
			}
			return nil
		},
	}})
	p := s.connect("acme", "ann")
	p.send(`{"type":"subscribe","id":1,"channel":"board:secret"}`, `{"type":"subscribe","id":2,"channel":"board:7"}`)
	p.expect(`{"type":"error","id":1,"code":"forbidden","message":"the board is closed"}`, `{"type":"ok","id":2}`)
	for key, want := range map[string]string{
		"no":     `{"type":"error","id":3,"code":"limited","retryAfterMs":1000}`,
		"broken": `{"type":"error","id":3,"code":"internal"}`,
		"huge":   `{"type":"error","id":3,"code":"internal"}`,
	} {
		p.send(`{"type":"publish","id":3,"channel":"board:` + key + `","key":"` + key + `","data":1}`) // "no" holds its channel up
		p.expect(want)
	}
	p.send(`{"type":"publish","id":4,"channel":"board:7","data":1}`)
	for range 2 {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == "message" && (f.Tags["by"] != "ann" || string(f.Data) != `{"checked":true}`) {
			t.Errorf("published %+v", f)
		}
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	s := start(t, gateway.Options{HookTimeout: 200 * time.Millisecond, Hooks: gateway.HookFuncs{
		OnCall: func(ctx context.Context, _ *gateway.Client, route string, data json.RawMessage) (any, error) {
			mu.Lock()
			order = append(order, route)
			mu.Unlock()
			switch route {
			case "echo":
				return data, nil
			case "nothing":
				return nil, nil
			case "panic":
				panic("as planned")
			case "slow":
				<-ctx.Done()
				return nil, ctx.Err()
			case "unwritable":
				return func() {}, nil
			case "refuse":
				return nil, realtime.Errorf(realtime.CodeConflict, "there is one already")
			}
			return nil, realtime.Errorf(realtime.CodeNotFound, "route: there is no %q", route)
		},
	}})
	p := s.connect("acme", "ann")
	var want []string
	for i, c := range []struct{ route, data, want string }{
		{"echo", `,"data":{ "a" : [1, 2] }`, `{"type":"ok"}`},
		{"nothing", ``, `{"type":"ok"}`},
		{"panic", ``, `{"type":"error","code":"internal","message":"something went wrong"}`},
		{"slow", ``, `{"type":"error","code":"timeout"}`},
		{"unwritable", ``, `{"type":"error","code":"internal"}`},
		{"refuse", ``, `{"type":"error","code":"conflict","message":"there is one already"}`},
		{"unheard", ``, `{"type":"error","code":"not-found"}`},
	} {
		p.send(fmt.Sprintf(`{"type":"call","id":%d,"route":%q%s}`, i, c.route, c.data))
		f := p.expect(fmt.Sprintf(`{"id":%d}`, i))
		if d := differs(f, c.want); d != "" {
			t.Errorf("%s: want %s: %s", c.route, c.want, d)
		}
		if c.route == "echo" && string(f.Data) != `{"a":[1,2]}` {
			t.Errorf("echoed %s", f.Data)
		}
		want = append(want, c.route)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(order) != fmt.Sprint(want) {
		t.Errorf("the calls came as %v", order)
	}
}

// A call that takes its time holds up what comes behind it on its own
// connection, and nothing else.
func TestSlowCallHoldsUpItsOwnConnectionOnly(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, gateway.Options{Hooks: gateway.HookFuncs{
		OnCall: func(_ context.Context, _ *gateway.Client, route string, _ json.RawMessage) (any, error) {
			if route == "wait" {
				<-release
			}
			return route, nil
		},
	}})
	slow, other := s.connect("acme", "slow"), s.connect("acme", "other")
	slow.send(`{"type":"call","id":1,"route":"wait"}`, `{"type":"call","id":2,"route":"next"}`,
		`{"type":"subscribe","id":3,"channel":"a:1"}`, `{"type":"ping","id":4}`)
	slow.expect(`{"type":"pong","id":4}`)
	other.send(`{"type":"call","id":1,"route":"quick"}`)
	other.expect(`{"type":"ok","id":1}`)
	// The line has an end.
	for i := range 70 {
		slow.send(fmt.Sprintf(`{"type":"call","id":%d,"route":"next"}`, 100+i))
	}
	slow.expect(`{"type":"error","code":"limited"}`)
	close(release)
	last := 0
	for range 72 {
		f, err := slow.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != "ok" || f.Channel != "" { // refused, or the subscription, which the Hub answers
			continue
		}
		id, err := strconv.Atoi(string(f.ID))
		if err != nil || id <= last {
			t.Errorf("call %s is answered after %d (%v)", f.ID, last, err)
		}
		last = id
	}
	if last < 100 {
		t.Errorf("the last answer is that of %d", last)
	}
}

// The Disconnect hook of a client that leaves during a call is called after it.
func TestDisconnectHookComesLast(t *testing.T) {
	t.Parallel()
	entered, release, events := make(chan struct{}), make(chan struct{}), make(chan string, 4)
	s := start(t, gateway.Options{Hooks: gateway.HookFuncs{
		OnCall: func(context.Context, *gateway.Client, string, json.RawMessage) (any, error) {
			close(entered)
			<-release
			events <- "call"
			return nil, nil
		},
		OnDisconnect: func(context.Context, *gateway.Client, realtime.Code) { events <- "disconnect" },
	}})
	p := s.connect("acme", "ann")
	p.send(`{"type":"call","id":1,"route":"r"}`)
	<-entered
	_ = p.ws.Close()
	s.counts.await(realtime.CountDisconnects, "client") // the Hub has let it go meanwhile
	close(release)
	if first, second := <-events, <-events; first != "call" || second != "disconnect" {
		t.Errorf("%s came before %s", first, second)
	}
}
