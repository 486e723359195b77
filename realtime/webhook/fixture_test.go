package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/webhook"
	"github.com/tidewire/tidewire/realtime/webhook/document"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is the name that tests call their hooks by. It leads to this machine.
const host = "hook.example"

// secretOf makes a secret of a byte.
func secretOf(b string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(b, 32)))
}

// site is a program that answers hooks, and what it was asked.
type site struct {
	*httptest.Server
	handshake http.HandlerFunc // nil agrees

	mu     sync.Mutex // guards all below
	shakes int
	asked  []*http.Request
	bodies [][]byte
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			s.mu.Lock()
			s.shakes++
			shake := s.handshake
			s.mu.Unlock()
			if shake == nil {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				return
			}
			shake(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked, s.bodies = append(s.asked, r), append(s.bodies, body)
		s.mu.Unlock()
		answer(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// url is that of the site by its name.
func (s *site) url() string {
	_, port, _ := strings.Cut(s.Listener.Addr().String(), ":")
	return "https://" + host + ":" + port + "/hook"
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// network reaches the site, whose certificate is for example.com.
func (s *site) network() webhook.Network {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return webhook.Network{
		Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
		TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"},
	}
}

// counts has what was counted.
type counts struct {
	realtime.NoMetrics
	mu  sync.Mutex // guards all
	all map[realtime.Reason]int
}

func (c *counts) Add(_ realtime.Counter, _ string, reason realtime.Reason, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[realtime.Reason]int{}
	}
	c.all[reason] += n
}

func (c *counts) of(r realtime.Reason) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[r]
}

func newHooks(t *testing.T, o webhook.Options) *webhook.Hooks {
	t.Helper()
	h := webhook.New(o)
	t.Cleanup(h.Close)
	return h
}

// tenantOf is a tenant with hooks.
func tenantOf(t *testing.T, hooks ...realtime.Hook) *realtime.Tenant {
	t.Helper()
	for i := range hooks {
		if hooks[i].Auth == "" && hooks[i].Secrets == nil {
			hooks[i].Secrets = []string{secretOf("a")}
		}
		if hooks[i].Name == "" {
			hooks[i].Name = "h" + string(rune('0'+i))
		}
	}
	doc := &realtime.Tenant{ID: "acme", Hooks: hooks}
	if err := errors.Join(doc.Check(), document.Check(doc)); err != nil {
		t.Fatal(err)
	}
	return doc
}

func client(doc *realtime.Tenant) *hook.Client {
	return &hook.Client{ID: "c-1", Tenant: doc, Principal: &realtime.Principal{Tenant: doc.ID, User: "ann", Groups: []string{"desk"}}, Meta: map[string]string{"plan": "gold"}}
}

func channel(t *testing.T, name string) realtime.Channel {
	t.Helper()
	ch, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// says answers with JSON.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

func yes(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// drips writes a byte now and then for as long as it is read.
func drips(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func decoded(t *testing.T, text []byte) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
