package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// live is the heap in use, in bytes, after what can be collected is gone.
func live() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// settled waits until a figure has stopped to move much, and returns it.
func settled(figure func() int) int {
	last := figure()
	for range 50 {
		time.Sleep(100 * time.Millisecond)
		now := figure()
		if now >= last-last/20 && now <= last+last/20 {
			return now
		}
		last = now
	}
	return last
}

// waiting are hooks whose calls wait.
func waiting(until chan struct{}) gateway.Hooks {
	return gateway.HookFuncs{OnCall: func(context.Context, *gateway.Client, string, json.RawMessage) (any, error) {
		<-until
		return 1, nil
	}}
}

// What one client can make the server keep, as docs/security.md states it. The clients are in this process, too, so what
// they keep themselves counts in their favour: a bound that holds for both holds for the server.
// It measures the whole process, so it runs beside no other test.
func TestWhatAClientPins(t *testing.T) { //nolint:paralleltest // see above
	long := strings.Repeat("x", 20_000)
	for _, c := range []struct {
		name  string
		many  int
		limit int // bytes of each
		do    func(s *service) func()
	}{
		{"a silent socket without a token, with 20 KB of headers", 240, 40 << 10, func(s *service) func() {
			p := s.dialWith(http.Header{"X": {long}, "Sec-Websocket-Protocol": {"tidewire.v1.json"}}, "")
			return func() { _ = p.ws.Close() }
		}},
		{"half of a first frame of 60 KB", 240, 200 << 10, func(s *service) func() {
			p := s.dial("")
			if !p.write(append([]byte{0x01, 0xfe, 0xea, 0x60, 0, 0, 0, 0}, strings.Repeat(" ", 59_000)...)) {
				s.t.Error("not taken")
			}
			return func() { _ = p.ws.Close() }
		}},
		{"an idle socket with a token", 500, 40 << 10, func(s *service) func() {
			p := s.connect("acme", "ann")
			return func() { _ = p.ws.Close() }
		}},
		{"64 frames of 16 KB that wait for a hook", 20, 2*(1<<20) + 400<<10, func(s *service) func() {
			p := s.connect("acme", "ann")
			for i := range 66 {
				p.send(fmt.Sprintf(`{"type":"call","id":%d,"route":"wait","data":%q}`, i, long[:16_000]))
			}
			return func() { _ = p.ws.Close() }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			much := 1_000_000
			doc := tenant("acme")
			doc.Limits = realtime.Limits{Connections: much, ConnectionsPerUser: much, ConnectsPerSecond: much, FramesPerSecond: much, BytesPerSecond: 1 << 30}
			o := gateway.Options{FirstFrame: time.Minute}
			stuck := make(chan struct{})
			if strings.Contains(c.name, "hook") {
				o.HookTimeout = time.Minute
				o.Hooks = waiting(stuck)
			}
			s := start(t, o, doc)
			before := settled(live)
			var leave []func()
			for range c.many {
				leave = append(leave, c.do(s))
			}
			each := (settled(live) - before) / c.many
			t.Logf("%d bytes each, of which a part is the client's", each)
			if each > c.limit {
				t.Errorf("%d bytes each, want at most %d", each, c.limit)
			}
			close(stuck)
			for _, f := range leave {
				f()
			}
		})
	}
}
