package demo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
)

// A Watch connects; until it is told otherwise, everything is looked at, and nothing is known to be read.
func TestWatchConnects(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	w := Watch{Client: tidewire.Options{URL: server.URL, Token: func(context.Context) (string, error) { return "t", nil }}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	if path := <-asked; path != "/v1/socket" {
		t.Errorf("asks %s", path)
	}
	if !w.Wants("prices:equities", "K") || w.Read("crawl:site") {
		t.Error("something is known of who looks, though nobody has said it")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What nobody looks at is sent every Unseen, what somebody begins to look at from the next event on, and what is deleted always.
func TestUnwantedIsSentSeldom(t *testing.T) {
	t.Parallel()
	looked, before, n := false, sent{}, 0
	wants := func(channel, key string) bool { return looked && channel == "sensors:a" && key == "k" }
	now := time.Now()
	count := func(d time.Duration) int {
		n = 0
		for end := now.Add(d); now.Before(end); now = now.Add(200 * time.Millisecond) {
			if before.lets(&Event{Channel: "sensors:a", Key: "k"}, now, wants) {
				n++
			}
		}
		return n
	}
	if got := count(10 * Unseen); got != 10 {
		t.Errorf("nobody looks: %d events", got)
	}
	if looked = true; count(time.Second) != 5 {
		t.Errorf("somebody looks: %d events in a second", n)
	}
	if looked = false; count(time.Second) != 0 {
		t.Errorf("nobody looks any more: %d events", n)
	}
	if !before.lets(&Event{Channel: "sensors:a", Key: "k", Delete: true}, now, wants) || !before.lets(&Event{Channel: "sensors:a", Key: "k"}, now, wants) {
		t.Error("what was deleted, or is new, is held back")
	}
	everything := sent{}
	for range 2 {
		if !everything.lets(&Event{}, now, nil) {
			t.Error("held back, though nobody knows what is looked at")
		}
	}
}
