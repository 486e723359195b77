package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// lines is a protocol of lines of text, such as "prices:fx e1 1". It is all that it takes to add one.
type lines struct{ wire.Encoder }

func line(words ...any) outbox.Frame {
	return socket.NewFrame(socket.Text, fmt.Append(nil, strings.TrimSuffix(fmt.Sprintln(words...), "\n")))
}

func (lines) Name() string { return "lines.v1" }

// decode reads a verb, an id, a channel, and the rest of the line.
func (lines) decode(payload []byte) (wire.ClientFrame, error) {
	words := strings.SplitN(string(payload), " ", 4)
	f := wire.ClientFrame{Type: wire.Type(words[0])}
	switch n := len(words); {
	case f.Type == wire.TypePing:
	case n < 3:
		return f, &wire.DecodeError{Err: realtime.Errorf(realtime.CodeBadRequest, "line: has %d words", n)}
	case n == 4:
		f.Data = []byte(words[3])
		fallthrough
	default:
		f.ID, f.Channel = wire.ID(words[1]), words[2]
	}
	return f, nil
}

func (lines) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return line(p.Channel.Name(), p.ID, string(p.Data)), nil
}

func (lines) Subscribed(id string, c realtime.Channel, _ outbox.Answer) outbox.Frame {
	return line("ok", id, c.Name())
}

func (lines) Refused(id string, _ realtime.Channel, err *realtime.Error) outbox.Frame {
	return line("error", id, err.Code)
}
func (lines) Direct(p *realtime.Publication) outbox.Frame               { return line("direct", p.ID) }
func (lines) Gap(c realtime.Channel, at realtime.Position) outbox.Frame { return line("gap", c, at) }
func (lines) Dropped(c realtime.Channel, n int) outbox.Frame            { return line("dropped", c, n) }
func (lines) Ended(r realtime.Right, _ *realtime.Error) outbox.Frame    { return line("ended", r) }
func (lines) Heartbeat(realtime.Position) outbox.Frame                  { return line("beat") }
func (lines) Closing(err *realtime.Error) outbox.Frame                  { return line("closing", err.Code) }
func (lines) Move(ms int64) outbox.Frame                                { return line("move", ms) }
func (lines) Welcome(_ wire.ID, s wire.Session) outbox.Frame            { return line("welcome", s.User) }
func (lines) UnsubscribeOK(id wire.ID, _ realtime.Channel) outbox.Frame { return line("ok", id) }
func (lines) PublishOK(id wire.ID, event string) outbox.Frame           { return line("ok", id, event) }
func (lines) CallOK(id wire.ID, data []byte) outbox.Frame               { return line("ok", id, string(data)) }
func (lines) RefreshOK(id wire.ID, _ time.Time) outbox.Frame            { return line("ok", id) }
func (lines) Error(id wire.ID, _ string, err *realtime.Error) outbox.Frame {
	return line("error", id, err.Code)
}
func (lines) Pong(wire.ID) outbox.Frame                           { return line("pong") }
func (lines) EnterOK(id wire.ID, _ realtime.Channel) outbox.Frame { return line("ok", id) }

func (lines) Occupancy(c realtime.Channel, connections, users int) outbox.Frame {
	return line("occupied", c, connections, users)
}

func (lines) Presence(c realtime.Channel, p *outbox.Presence) outbox.Frame {
	n := p.Count
	return line("present", c.Name(), n)
}

func (lines) PublishRefused(id wire.ID, _ string, err *realtime.Error, _ int64) outbox.Frame {
	return line("error", id, err.Code)
}

func (lines) PresenceOK(id wire.ID, _ realtime.Channel, p *outbox.Presence) outbox.Frame {
	n := p.Count
	return line("ok", id, n)
}

// Clients of two protocols and a stream of events share a gateway: each is spoken to in its own, and reads what the
// others publish.
func TestProtocolOfEachSocket(t *testing.T) {
	t.Parallel()
	tenants, err := memory.NewTenants(tenant("acme"))
	if err != nil {
		t.Fatal(err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	s := &service{t: t, tenants: tenants}
	if s.gateway, err = gateway.NewWith(gateway.Options{Broker: broker, Tenants: tenants}, lines{}, lines{}.decode); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.gateway)
	s.url = server.URL
	t.Cleanup(func() {
		if err := s.gateway.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	text := s.dialWith(http.Header{"Sec-Websocket-Protocol": {"lines.v1, bearer." + s.token("acme", "ann")}}, "")
	wants := func(want string) {
		t.Helper()
		if err := text.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		kind, payload, err := text.ws.ReadMessage()
		if err != nil || kind != websocket.TextMessage || string(payload) != want {
			t.Fatalf("got %q, %v, want %q", payload, err, want)
		}
	}
	if got := text.ws.Subprotocol(); got != "lines.v1" {
		t.Errorf("the handshake agreed on %q", got)
	}
	wants("welcome ann")
	text.send("ping", "subscribe 1 prices:fx")
	wants("pong")
	wants("ok 1 prices:fx")
	text.send("subscribe 2 prices:fx", "nonsense")
	wants("error 2 conflict")
	wants("error  bad-request")
	json := s.connect("acme", "bob")
	json.send(`{"type":"subscribe","id":1,"channel":"prices:fx"}`)
	json.expect(`{"type":"ok","id":1}`)
	events := s.open(s.token("acme", "eve"), "", "prices:fx")
	_, _ = events.next()
	events.expect("welcome", `{"user":"eve"}`)
	events.expect("ok", `{"channel":"prices:fx"}`)

	json.send(`{"type":"publish","id":2,"channel":"prices:fx","event":"e1","data":{"bid":1}}`)
	json.take(2)
	wants(`prices:fx e1 {"bid":1}`)
	events.expect("", `{"channel":"prices:fx","data":{"bid":1}}`)
	text.send(`publish 3 prices:fx {"bid": 2}`)
	json.expect(`{"type":"message","channel":"prices:fx","data":{"bid":2}}`)
	events.expect("", `{"channel":"prices:fx","data":{"bid":2}}`)
	events.leave()
}
