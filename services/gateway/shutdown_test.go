package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/services/cloudrun"
	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
	"github.com/tidewire/tidewire/services/cloudrun/storage"
)

// asHanging tells a process of this test to be a gateway on a backend that hangs.
const asHanging = "TIDEWIRE_TEST_HANGS"

// slowTenant is the one whose document never comes then.
const slowTenant = "slow"

// service is main, or a gateway whose backend hangs.
func service() {
	if os.Getenv(asHanging) == "" {
		main()
	}
	os.Exit(cloudrun.Run(func(ctx context.Context, lookup environment.Lookup, out io.Writer) error {
		c := readConfig(environment.New(lookup))
		return c.Serve(ctx, out, func(ctx context.Context, p *cloudrun.Parts) (http.Handler, error) {
			_, h, err := hanging(ctx, &c, p)
			return h, err
		})
	}))
}

func hanging(ctx context.Context, c *config, p *cloudrun.Parts) (release func(), h http.Handler, err error) {
	b, err := storage.Open(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	release = cloudruntest.Hang(p, b, slowTenant)
	h, err = c.handler(p, b)
	return release, h, err
}

// stuck is a client that takes what comes and answers nothing.
type stuck struct {
	t    *testing.T
	conn net.Conn
	all  chan string // what has come when the server ended it
	told time.Time   // when it was told that the instance drains; settled with all
}

// take reads until the end, and calls seen when it has seen until.
func (s *stuck) take(until string, seen func()) {
	var text strings.Builder
	for r := bufio.NewReader(s.conn); ; {
		b, err := r.ReadByte()
		if err != nil {
			seen()
			s.all <- text.String()
			return
		}
		text.WriteByte(b)
		if strings.HasSuffix(text.String(), until) {
			seen()
		}
		if strings.HasSuffix(text.String(), `"code":"draining"`) {
			s.told = time.Now()
		}
	}
}

// ask opens a connection that sends one request and reads what comes until the end, or until it has seen until.
func ask(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), address, request, until string) *stuck {
	t.Helper()
	conn, err := dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s := &stuck{t: t, conn: conn, all: make(chan string, 1)}
	begun := make(chan struct{})
	go s.take(until, sync.OnceFunc(func() { close(begun) }))
	if until != "" {
		<-begun
	}
	return s
}

const upgrade = "GET /v1/socket HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"

// clients are one of each kind, all of which hang.
func clients(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), address string) (told map[string]*stuck, open func()) {
	t.Helper()
	good, slow := token(t), tokenOf(t, slowTenant)
	told = map[string]*stuck{
		"a socket":                  ask(t, dial, address, upgrade+"Sec-WebSocket-Protocol: tidewire.v1.json, bearer."+good, `"type":"welcome"`),
		"one that does not say who": ask(t, dial, address, upgrade+"Sec-WebSocket-Protocol: tidewire.v1.json", "\r\n\r\n"),
		"a stream of events":        ask(t, dial, address, "GET /v1/events?channel=a:1 HTTP/1.1\nHost: x\nAuthorization: Bearer "+good, `event: ok`),
		"one whose token is judged": ask(t, dial, address, upgrade+"Sec-WebSocket-Protocol: tidewire.v1.json, bearer."+slow, ""),
		"events, token is judged":   ask(t, dial, address, "GET /v1/events?channel=a:1 HTTP/1.1\nHost: x\nAuthorization: Bearer "+slow, ""),
	}
	return told, func() { // one that sends a connect frame for which the store hangs
		ws, res, err := (&websocket.Dialer{NetDialContext: dial}).DialContext(t.Context(), "ws://"+address+"/v1/socket", http.Header{"Sec-Websocket-Protocol": {"tidewire.v1.json"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		t.Cleanup(func() { _ = ws.Close() })
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connect","token":"`+slow+`"}`)); err != nil {
			t.Fatal(err)
		}
		s := &stuck{t: t, conn: ws.NetConn(), all: make(chan string, 1)}
		told["a connect frame"] = s
		go s.take("", func() {})
	}
}

// wereTold checks that each was told that the instance drains, and when to come back. They hang, so they are let go after that.
func wereTold(t *testing.T, told map[string]*stuck) {
	t.Helper()
	for name, s := range told {
		text := <-s.all
		if !strings.Contains(text, `"code":"draining"`) || !strings.Contains(text, `"retryAfterMs":`) {
			t.Errorf("%s was told %q", name, text)
		}
	}
}

// When backend, telemetry and clients all hang, each client is told and the process ends by itself.
func TestEverythingHangs(t *testing.T) {
	t.Parallel()
	collector, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = collector.Close() })
	p := cloudruntest.Start(t, asHanging+"=1", "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+file(t), "TIDEWIRE_TRACES=1",
		"TIDEWIRE_TELEMETRY=otlp:"+collector.Addr().String())
	if p.URL == "" {
		t.Fatalf("it ended: %v\n%s", p.Wait(), p.Log())
	}
	told, open := clients(t, (&net.Dialer{}).DialContext, strings.TrimPrefix(p.URL, "http://"))
	open()
	p.Terminate()
	wereTold(t, told)
	if err := p.Wait(); err == nil { // it ends, though nothing that hangs does; when, TestEverythingHangsByTheClock says
		t.Error("it ended well")
	}
	if !strings.Contains(p.Log(), "the service ended") || !strings.Contains(p.Log(), shutdown.ErrLate.Error()) {
		t.Errorf("it logged\n%s", p.Log())
	}
}

// The same by the clock: clients are told at once, and all is over when the time is.
func TestEverythingHangsByTheClock(t *testing.T) {
	t.Parallel()
	name := file(t)
	synctest.Test(t, func(t *testing.T) {
		c := readConfig(environment.New(func(variable string) (string, bool) {
			v, ok := map[string]string{"TIDEWIRE_BACKEND": "memory", "TIDEWIRE_TENANTS": name}[variable]
			return v, ok
		}))
		l := cloudruntest.NewListener()
		c.Listener = l
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		served := make(chan error, 1)
		var release func()
		go func() {
			served <- c.Serve(ctx, io.Discard, func(ctx context.Context, p *cloudrun.Parts) (h http.Handler, err error) {
				release, h, err = hanging(ctx, &c, p)
				return h, err
			})
		}()
		synctest.Wait()
		told, open := clients(t, l.Dial, "gateway")
		open()
		synctest.Wait()
		begun := time.Now()
		stop()
		wereTold(t, told)
		for name, s := range told {
			if after := s.told.Sub(begun); after > time.Second {
				t.Errorf("%s was told after %s", name, after)
			}
		}
		err := <-served
		if took := time.Since(begun); err == nil || took > 9*time.Second || took < shutdown.Within/2 {
			t.Errorf("it took %s and ended with %v", took, err)
		}
		release()
	})
}
