package yjs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/keeper"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// secret signs the tokens of the tests.
const secret = "ssssssssssssssssssssssssssssssss"

// fleet are gateways of one broker, each with a listener that stays while the gateway behind it is killed and replaced.
type fleet struct {
	t       *testing.T
	broker  *memory.Broker
	states  *memory.States
	tenants *memory.Tenants
	members []*member
}

// member is a gateway, and the connections to it.
type member struct {
	url string

	mu      sync.Mutex // guards what follows
	gateway *gateway.Gateway
	open    map[net.Conn]struct{}
	breaks  int // how many of the next handshakes are cut
}

func document() *realtime.Tenant {
	return &realtime.Tenant{
		ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: secret}}},
		Origins: []string{"*"},
		Namespaces: map[string]realtime.Namespace{
			"docs": {State: &realtime.State{}}, "docs-awareness": {State: &realtime.State{Transient: true}}, "plain": {},
		},
		Limits: realtime.Limits{ConnectsPerSecond: 10000, ConnectionsPerUser: 10000, PublishesPerSecond: 10000, FramesPerSecond: 10000, SubscribesPerSecond: 10000, BytesPerSecond: 64 << 20},
	}
}

func startFleet(t *testing.T, size int) *fleet {
	t.Helper()
	f := &fleet{t: t, broker: memory.NewBroker(memory.BrokerOptions{}), states: memory.NewStates()}
	var err error
	if f.tenants, err = memory.NewTenants(document()); err != nil {
		t.Fatal(err)
	}
	k := keeper.New(keeper.Options{Broker: f.broker, Reader: f.broker, States: f.states, Tenants: f.tenants})
	ctx, stop := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() {
		for ctx.Err() == nil {
			_, _ = k.Run(ctx) // the next one tries again
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	})
	for range size {
		m := &member{open: map[net.Conn]struct{}{}}
		m.gateway = f.gateway()
		server := httptest.NewUnstartedServer(m)
		server.Config.ConnState = m.seen
		server.Start()
		m.url = "ws" + strings.TrimPrefix(server.URL, "http")
		f.members = append(f.members, m)
		t.Cleanup(func() {
			m.kill(nil)
			server.Close()
		})
	}
	t.Cleanup(func() { stop(); keeping.Wait() })
	return f
}

func (f *fleet) gateway() *gateway.Gateway {
	g, err := gateway.New(gateway.Options{Broker: f.broker, Tenants: f.tenants, States: f.states, DrainSpread: time.Millisecond})
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	g, breaks := m.gateway, m.breaks > 0
	if breaks {
		m.breaks--
	}
	m.mu.Unlock()
	if breaks {
		cutHandshake(w)
		return
	}
	if g == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	g.ServeHTTP(w, r)
}

func (m *member) seen(c net.Conn, s http.ConnState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == http.StateClosed {
		delete(m.open, c)
	} else {
		m.open[c] = struct{}{}
	}
}

// cutHandshake ends a handshake within its answer.
func cutHandshake(w http.ResponseWriter) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: web")
	_ = rw.Flush()
	reset(c)
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// cut cuts all connections, as a network does: without a close frame.
func (m *member) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.open {
		reset(c)
		delete(m.open, c)
	}
}

// kill ends the gateway, whose clients hear nothing of it, and puts another in its place.
func (m *member) kill(next *gateway.Gateway) {
	m.mu.Lock()
	old := m.gateway
	m.gateway = next
	m.mu.Unlock()
	m.cut()
	if old != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		_ = old.Close(ctx) // it is cut off
	}
}

// control serves what the clients ask of the test.
func (f *fleet) control() *httptest.Server {
	m := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	m.HandleFunc("/gateways", func(w http.ResponseWriter, _ *http.Request) {
		var urls []string
		for _, member := range f.members {
			urls = append(urls, member.url)
		}
		answer(w, urls)
	})
	number := func(r *http.Request) *member {
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		return f.members[n%len(f.members)]
	}
	m.HandleFunc("/cut/{n}", func(w http.ResponseWriter, r *http.Request) { number(r).cut(); answer(w, true) })
	m.HandleFunc("/break/{n}", func(w http.ResponseWriter, r *http.Request) {
		m := number(r)
		m.mu.Lock()
		m.breaks++
		m.mu.Unlock()
		answer(w, true)
	})
	m.HandleFunc("/kill/{n}", func(w http.ResponseWriter, r *http.Request) { number(r).kill(f.gateway()); answer(w, true) })
	m.HandleFunc("/log", func(w http.ResponseWriter, r *http.Request) { answer(w, f.log(r.Context())) })
	s := httptest.NewServer(m)
	f.t.Cleanup(s.Close)
	return s
}

// log says what was published, for whoever has to find out why a world failed.
func (f *fleet) log(ctx context.Context) (lines []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stream, err := f.broker.Follow(ctx, realtime.OwnTopic(document()), realtime.Following{Instance: "log", Since: time.Now().Add(-time.Hour)})
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = stream.Close(context.Background()) }()
	for {
		batch, err := stream.Receive(ctx)
		if err != nil {
			return lines
		}
		for i := range batch {
			m := &batch[i]
			line := fmt.Sprintf("%s kind %v %s op %v %s", m.Time.Format("05.000"), m.Kind, m.Channel.Name(), m.Op, m.Key)
			if m.If != nil {
				line += fmt.Sprintf(" if %+v", m.If)
			}
			var text string
			if json.Unmarshal(m.Data, &text) == nil && !strings.Contains(m.Channel.Name(), "awareness") {
				raw, _ := base64.StdEncoding.DecodeString(text)
				if u, err := yjs.Parse(raw); err == nil {
					line += fmt.Sprintf(" edits %v deleted %v %s", u.Edits(), u.Deleted(), text)
				} else {
					line += " " + err.Error()
				}
			}
			lines = append(lines, line)
		}
	}
}

// token is one that may read documents, and change them if it publishes.
func token(t *testing.T, publishes bool) string {
	t.Helper()
	signer, err := auth.NewSigner(document())
	if err != nil {
		t.Fatal(err)
	}
	all := []realtime.Pattern{"docs:**", "docs-awareness:**", "plain:**"}
	grants := realtime.Grants{Subscribe: all}
	if publishes {
		grants.Publish = all
	}
	signed, err := signer.Sign(auth.Claims{User: "ann", Grants: grants, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func environment(name string, otherwise int) int {
	n := otherwise
	_, _ = fmt.Sscan(os.Getenv(name), &n)
	return n
}
