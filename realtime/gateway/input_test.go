package gateway_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/hub"
)

// raw makes a client's frame with a mask of zeros, of less than 126 bytes.
func raw(first byte, payload string) []byte {
	return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// write writes bytes as they are, and reports whether they were taken.
func (p *peer) write(b []byte) bool {
	_, err := p.ws.NetConn().Write(b)
	return err == nil
}

// What is no message is counted to the frame, before a token was shown and after: who sends it without end is closed.
func TestFramesThatAreNoMessages(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{})
	for name, c := range map[string]struct{ begin, again []byte }{
		"empty fragments": {raw(0x01, ""), raw(0x00, "")},
		"tiny fragments":  {raw(0x01, "{"), raw(0x00, " ")},
		"pings":           {nil, raw(0x89, "")},
		"long pings":      {nil, raw(0x89, strings.Repeat("x", 125))},
		"pongs":           {nil, raw(0x8a, "")},
	} {
		for _, known := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p, limit := s.dial(""), "unknownFrames"
				if known {
					p, limit = s.connect("acme", "ann"), "framesPerSecond"
				}
				chunk := bytes.Repeat(c.again, 4096)
				var wrote sync.WaitGroup
				wrote.Go(func() {
					for ok := p.write(c.begin); ok; ok = p.write(chunk) {
					}
				})
				if last := p.closed(4429); last.Code != realtime.CodeLimited || last.Limit != limit || last.RetryAfterMs == 0 {
					t.Errorf("the last frame is %+v", last)
				}
				wrote.Wait()
			})
		}
	}
	// Those who do it a little faster than they may are slowed down, and go on.
	p := s.connect("acme", "bea")
	for range 120 {
		p.write(raw(0x8a, ""))
	}
	p.send(`{"type":"ping","id":1}`)
	if f := p.expect(`{"id":1}`); f.Type != "pong" && f.Code != realtime.CodeLimited {
		t.Errorf("%+v", f)
	}
	// A first frame in pieces is nothing unusual.
	p = s.dial("")
	frame := `{"type":"connect","token":"` + s.token("acme", "cid") + `"}`
	for i := 0; i < len(frame); i += 10 {
		first := byte(0)
		if i == 0 {
			first = 1
		}
		if i+10 >= len(frame) {
			first |= 0x80
		}
		p.write(raw(first, frame[i:min(i+10, len(frame))]))
	}
	p.expect(`{"type":"welcome","user":"cid"}`)
}

// One connection's flood of pings does not close the others of its user, whose pongs are counted in the same place.
func TestPingsOfOneConnectionDoNotEndAnother(t *testing.T) {
	t.Parallel()
	doc := tenant("acme")
	doc.Limits = realtime.Limits{FramesPerSecond: 20, UserShare: 1, TenantShare: 1}
	s := start(t, gateway.Options{}, doc)
	honest, flooder := s.connect("acme", "ann"), s.connect("acme", "ann")
	var wrote sync.WaitGroup
	wrote.Go(func() {
		for range 60 {
			flooder.write(raw(0x89, ""))
			time.Sleep(10 * time.Millisecond)
		}
	})
	for range 5 {
		honest.write(raw(0x8a, ""))
	}
	wrote.Wait()
	time.Sleep(time.Second)
	honest.send(`{"type":"ping","id":1}`)
	honest.expect(`{"type":"pong","id":1}`)
	_ = flooder.ws.Close()
}

// A message that comes byte by byte and never ends ends with its client, also behind a token.
func TestMessageWithoutEnd(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{Pace: hub.Pace{Heartbeat: 200 * time.Millisecond}})
	p := s.connect("acme", "ann")
	p.ws.SetPingHandler(func(string) error { return nil }) // pongs would be signs of life; bytes are none
	var wrote sync.WaitGroup
	wrote.Go(func() {
		for ok := p.write(raw(0x01, "{")); ok; ok = p.write(raw(0x00, " ")) {
			time.Sleep(50 * time.Millisecond)
		}
	})
	if last := p.closed(4408); last.Code != realtime.CodeTimeout {
		t.Errorf("the last frame is %+v", last)
	}
	wrote.Wait()
}
