package hook

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// unwritable is an answer that cannot be written as JSON.
type unwritable struct{}

func (unwritable) MarshalJSON() ([]byte, error) { return nil, errors.New("not today") }

// Whatever a hook does, its caller comes back in time with an answer or an error for the client.
func TestCaller(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(ctx context.Context) (any, error)
		code realtime.Code
		data string
		took time.Duration
	}{
		"an answer":          {func(context.Context) (any, error) { return map[string]int{"a": 1}, nil }, "", `{"a":1}`, 0},
		"no data":            {func(context.Context) (any, error) { return nil, nil }, "", "", 0},
		"data that is wrong": {func(context.Context) (any, error) { return unwritable{}, nil }, realtime.CodeInternal, "", 0},
		"a refusal":          {func(context.Context) (any, error) { return nil, realtime.Errorf(realtime.CodeConflict, "no") }, realtime.CodeConflict, "", 0},
		"another error":      {func(context.Context) (any, error) { return nil, errors.New("no") }, realtime.CodeInternal, "", 0},
		"a panic":            {func(context.Context) (any, error) { panic("no") }, realtime.CodeInternal, "", 0},
		"too late":           {func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, ctx.Err() }, realtime.CodeTimeout, "", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &Caller{
					Hooks: Funcs{OnCall: func(ctx context.Context, _ *Client, _ string, _ json.RawMessage) (any, error) { return test.call(ctx) }},
					Life:  t.Context(), Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler), Metrics: realtime.NoMetrics{},
				}
				began := time.Now()
				data, refused := c.Call(&Client{}, "route", nil)
				code := realtime.Code("")
				if refused != nil {
					code = refused.Code
				}
				if code != test.code || string(data) != test.data || time.Since(began) != test.took {
					t.Errorf("after %v: %s, %v", time.Since(began), data, refused)
				}
			})
		})
	}
}

// Functions that are not set leave everything as it is, and a Caller adds only what a hook has added.
func TestFuncsOfNothing(t *testing.T) {
	t.Parallel()
	c := &Caller{Hooks: Funcs{}, Life: t.Context(), Timeout: time.Minute, Logger: slog.New(slog.DiscardHandler), Metrics: realtime.NoMetrics{}}
	added, refused := c.Connect(&ConnectEvent{})
	if added != nil || refused != nil {
		t.Errorf("connect: %v, %v", added, refused)
	}
	p := &realtime.Principal{User: "ann"}
	if added.Extend(p) != p {
		t.Error("nothing was added, and the principal is another")
	}
	if refused := c.Subscribe(&Client{}, realtime.Channel{}); refused != nil {
		t.Error(refused)
	}
	if refused := c.Publish(&Client{}, &realtime.Publication{}, func() error { return nil }); refused != nil {
		t.Error(refused)
	}
	if _, refused := c.Call(&Client{}, "nowhere", nil); refused == nil || refused.Code != realtime.CodeNotFound {
		t.Errorf("call: %v", refused)
	}
	c.Disconnect(&Client{}, "")
}
