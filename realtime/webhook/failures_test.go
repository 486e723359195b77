package webhook_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/webhook"
)

// Whatever a hook does, a subscribe is refused as unavailable with a time, or allowed where the document says so; nothing of what the hook said is shown to the
// client, and after five failures it is left alone.
func TestFailures(t *testing.T) {
	t.Parallel()
	const code = `{"code":"forbidden"`
	for name, c := range map[string]struct {
		answer    http.HandlerFunc
		handshake http.HandlerFunc
		reason    realtime.Reason
	}{
		"slow":                     {answer: hangs, reason: realtime.ReasonTimeout},
		"drips":                    {answer: drips, reason: realtime.ReasonTimeout},
		"status 500":               {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "secret of the hook", 500) }},
		"status 403":               {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 403) }},
		"status 410":               {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 410) }},
		"accepted":                 {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }},
		"nothing":                  {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }},
		"no JSON":                  {answer: says("yes")},
		"null":                     {answer: says("null")},
		"a list":                   {answer: says("[]")},
		"two answers":              {answer: says("{}{}")},
		"a code that is none":      {answer: says(`{"code":"no"}`)},
		"a code of the server's":   {answer: says(`{"code":"internal"}`)},
		"a message without a code": {answer: says(`{"message":"no"}`)},
		"a message of many lines":  {answer: says(code + `,"message":"a\nb"}`)},
		"a refusal that adds":      {answer: says(code + `,"groups":["a"]}`)},
		"a field that is none":     {answer: says(`{"subscriptions":["a"]}`)},
		"a field of another event": {answer: says(`{"groups":["admin"]}`)},
		"a field twice":            {answer: says(code + `,"code":""}`)},
		"comes back in a year":     {answer: says(code + `,"retryAfterMs":31536000000}`)},
		"huge":                     {answer: says(`{"message":"` + strings.Repeat("x", 1<<20) + `"}`)},
		"endless":                  {answer: func(w http.ResponseWriter, r *http.Request) { endless(w, r) }},
		"a header without end": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			w.WriteHeader(204)
		}},
		"hangs up": {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"a redirect": {answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}},
		"a redirect to itself": {answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusPermanentRedirect)
		}},
		"a redirect to the inside": {answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}},
		"compressed": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b")
		}},
		"information without end": {answer: func(w http.ResponseWriter, r *http.Request) { informs(w, r) }},
		"no handshake":            {handshake: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }},
		"a handshake for another": {handshake: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WebHook-Allowed-Origin", "example.com") }},
		"a handshake that fails": {handshake: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WebHook-Allowed-Origin", "*")
			w.WriteHeader(500)
		}},
		"a handshake that hangs": {handshake: hangs, reason: realtime.ReasonTimeout},
		"a handshake that redirects": {handshake: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WebHook-Allowed-Origin", "*")
			http.Redirect(w, r, "/other", http.StatusFound)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.answer == nil {
				c.answer = yes
			}
			if c.reason == "" {
				c.reason = realtime.ReasonFailed
			}
			s := newSite(t, c.answer)
			s.handshake = c.handshake
			count := &counts{}
			hooks := newHooks(t, webhook.Options{Network: s.network(), Metrics: count})
			// What is only late would make a slow machine fail: the others have all the time they need.
			timeout := realtime.Duration(10 * time.Second)
			if c.reason == realtime.ReasonTimeout {
				timeout = realtime.Duration(100 * time.Millisecond)
			}
			doc := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"subscribe"}, Timeout: timeout})
			for range 8 {
				err := hooks.Subscribe(t.Context(), client(doc), channel(t, "board:7"))
				told, known := err.(*realtime.Error)
				if !known || told.Code != realtime.CodeUnavailable || told.RetryAfter < 5*time.Second || told.Message != "the hook h0 gives no answer" {
					t.Fatalf("got %v, want unavailable with a time", err)
				}
			}
			if n := s.count(); n > 10 || count.of(c.reason) != 5 || count.of(realtime.ReasonOpen) != 3 {
				// A request whose connection ends is sent once more, with the same ID.
				t.Errorf("asked %d times, counted %v; want 5 times %s, then open", n, count.all, c.reason)
			}
			allow := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"subscribe", "publish", "call:*"}, OnFailure: realtime.HookAllow, Timeout: timeout})
			if err := hooks.Subscribe(t.Context(), client(allow), channel(t, "board:7")); err != nil {
				t.Errorf("onFailure allow: %v", err)
			}
			if c.handshake == nil {
				return
			}
			if _, err := hooks.Call(t.Context(), client(allow), "x", nil); realtime.CodeOf(err) != realtime.CodeUnavailable {
				t.Errorf("a call was answered with %v", err)
			}
		})
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat(" ", 4096)); err != nil {
			return
		}
	}
}

func informs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X", strings.Repeat("x", 1024))
	for i := 0; r.Context().Err() == nil && i < 10_000; i++ {
		w.WriteHeader(http.StatusEarlyHints)
	}
	w.WriteHeader(204)
}

// No name leads to an address that is not public, whenever and however it is resolved.
func TestAddressesOfHooks(t *testing.T) {
	t.Parallel()
	s := newSite(t, yes)
	_, port, _ := strings.Cut(s.Listener.Addr().String(), ":")
	for name, addresses := range map[string][]string{
		"loopback":          {"127.0.0.1"},
		"mapped into IPv6":  {"::ffff:127.0.0.1"},
		"loopback of IPv6":  {"::1"},
		"private":           {"10.0.0.1"},
		"unique local":      {"fd00::1"},
		"the metadata":      {"169.254.169.254"},
		"NAT64 of metadata": {"64:ff9b::a9fe:a9fe"},
		"one of several":    {"10.0.0.1", "127.0.0.1", "::1"},
		"nothing":           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := s.network()
			network.Allowed = nil
			network.Resolve = func(context.Context, string) (all []netip.Addr, err error) {
				for _, a := range addresses {
					all = append(all, netip.MustParseAddr(a))
				}
				return all, nil
			}
			hooks := newHooks(t, webhook.Options{Network: network})
			doc := tenantOf(t, realtime.Hook{URL: "https://" + host + ":" + port + "/", On: []string{"subscribe"}})
			if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a")); realtime.CodeOf(err) != realtime.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, url := range []string{"https://127.0.0.1:" + port, "https://[::1]:" + port, "https://[::ffff:127.0.0.1]:" + port, "https://2130706433:" + port, "https://0x7f.1:" + port, "https://localhost:" + port, "http://127.0.0.1:" + port} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			hooks := newHooks(t, webhook.Options{Network: webhook.Network{TLS: &tls.Config{InsecureSkipVerify: true}}}) //nolint:gosec // it is to get as far as it can
			doc := tenantOf(t, realtime.Hook{URL: url, On: []string{"subscribe"}})
			if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a")); realtime.CodeOf(err) != realtime.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if n := s.count() + s.shakes; n > 0 {
			t.Errorf("%d requests came through", n)
		}
	})
}

// A name that leads to the inside once it has been found good (DNS rebinding) is refused at the next connect.
func TestRebinding(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(204)
	})
	network := s.network()
	var inside atomic.Bool
	network.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		if inside.Load() {
			return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil // any that is not allowed
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	network.TLS.NextProtos = []string{"http/1.1"} // a connection for each request
	hooks := newHooks(t, webhook.Options{Network: network})
	doc := tenantOf(t, realtime.Hook{URL: s.url(), On: []string{"subscribe"}})
	if err := hooks.Subscribe(t.Context(), client(doc), channel(t, "a")); err != nil {
		t.Fatal(err)
	}
	inside.Store(true)
	for i := range 3 {
		if err := hooks.Subscribe(t.Context(), client(doc), channel(t, fmt.Sprintf("a:%d", i))); realtime.CodeOf(err) != realtime.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	}
}
