package tidewire

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// The reason for a close frame says nothing about the channels that the connect frame has asked for: they are asked for again. An error that no
// close follows is their answer.
func TestFirstFrameIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		frame string
		close int
		code  realtime.Code // that ends the Subscription
	}{
		"expired":             {`{"type":"error","code":"expired","message":"no"}`, 4401, ""},
		"bad frame":           {`{"type":"error","code":"bad-request","message":"no"}`, 4400, ""},
		"draining":            {`{"type":"error","code":"draining","message":"no"}`, 1012, ""},
		"too many":            {`{"type":"error","code":"limited","message":"no","limit":"subscriptionsPerConnection"}`, 0, realtime.CodeLimited},
		"none can be":         {`{"type":"error","code":"bad-request","message":"subscriptions: must be an array of objects"}`, 0, realtime.CodeBadRequest},
		"too many at present": {`{"type":"error","code":"limited","message":"no","retryAfterMs":100}`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &fake{t: t, greeted: true}
				c, err := New(s.options(func(o *Options) { o.Token = func(context.Context) (string, error) { return "t", nil } }))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				sub, err := c.Subscribe("prices:fx", SubscribeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				conn := s.newest()
				conn.give(tt.frame)
				if tt.close != 0 {
					conn.shut(tt.close)
				}
				time.Sleep(time.Minute)
				if tt.code != "" {
					if _, err := sub.Next(t.Context()); realtime.CodeOf(err) != tt.code {
						t.Errorf("it ended with %v", err)
					}
					return
				}
				again := s.newest()
				if asked := append(again.taken("subscribe"), again.taken("connect")...); len(asked) == 0 || sub.queue.err != nil {
					t.Errorf("asked %d times, ended with %v", len(asked), sub.queue.err)
				}
			})
		})
	}
}
