package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// TestDocumentChangesWhileAClientComesIn changes the document behind each reading of it, in the connect hook and
// after it, for clients by every way, and by every change that takes something from them. When all is quiet nobody
// is connected whom the newest document would not let in, and who it lets in has been left alone.
func TestDocumentChangesWhileAClientComesIn(t *testing.T) {
	t.Parallel()
	issued := func(key realtime.Key, user string) string {
		return longLived(t, &realtime.Tenant{ID: "acme", Auth: realtime.Auth{Keys: []realtime.Key{key}}}, user)
	}
	mine := realtime.Key{KID: "mine", Alg: "HS256", Secret: strings.Repeat("mine", 16)}
	other := realtime.Key{KID: "other", Alg: "HS256", Secret: strings.Repeat("other", 16)}
	token, second := issued(mine, "ann"), issued(other, "ann")
	const origin = "https://app.example.com"

	changes := map[string]func(*documents){
		"key withdrawn": func(d *documents) {
			d.replace("acme", func(t *realtime.Tenant) { t.Auth.Keys = []realtime.Key{other} })
		},
		"key of other material": func(d *documents) {
			d.replace("acme", func(t *realtime.Tenant) {
				t.Auth.Keys = []realtime.Key{other, {KID: "mine", Alg: "HS256", Secret: strings.Repeat("else", 16)}}
			})
		},
		"issuer":    func(d *documents) { d.replace("acme", func(t *realtime.Tenant) { t.Auth.Issuer = "https://issuer" }) },
		"audience":  func(d *documents) { d.replace("acme", func(t *realtime.Tenant) { t.Auth.Audience = []string{"x"} }) },
		"suspended": func(d *documents) { d.replace("acme", func(t *realtime.Tenant) { t.Suspended = true }) },
		"origins": func(d *documents) {
			d.replace("acme", func(t *realtime.Tenant) { t.Origins = []string{"https://other"} })
		},
		"no query": func(d *documents) { d.replace("acme", func(t *realtime.Tenant) { t.Auth.AllowQuery = false }) },
		"deleted":  func(d *documents) { d.gone["acme"] = true },
	}
	page := func(more ...string) http.Header {
		h := http.Header{"Origin": {origin}}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = []string{more[i+1]}
		}
		return h
	}
	socket := page("Sec-Websocket-Protocol", wire.Subprotocol)
	ways := map[string]func(*bubbleGateway) *bubbleClient{
		"subprotocol": func(b *bubbleGateway) *bubbleClient {
			return b.socket(page("Sec-Websocket-Protocol", wire.Subprotocol+", bearer."+token), "")
		},
		"query": func(b *bubbleGateway) *bubbleClient { return b.socket(socket, "?token="+token) },
		"first frame": func(b *bubbleGateway) *bubbleClient {
			return b.socket(socket, "", `{"type":"connect","token":"`+token+`"}`)
		},
		"events": func(b *bubbleGateway) *bubbleClient {
			return b.events(page("Authorization", "Bearer "+token), "?channel=a:1")
		},
		"refresh": func(b *bubbleGateway) *bubbleClient {
			return b.socket(page("Sec-Websocket-Protocol", wire.Subprotocol+", bearer."+second), "", `{"id":1,"type":"refresh","token":"`+token+`"}`)
		},
		"connect with a token again": func(b *bubbleGateway) *bubbleClient {
			return b.socket(page("Sec-Websocket-Protocol", wire.Subprotocol+", bearer."+second), "", `{"id":1,"type":"connect","token":"`+token+`"}`)
		},
	}
	for way, come := range ways {
		for what, change := range changes {
			for step := range 8 { // 0 is in the hook
				t.Run(fmt.Sprintf("%s/%s/%d", way, what, step), func(t *testing.T) {
					t.Parallel()
					docs := newDocuments(&realtime.Tenant{ID: "acme", Origins: []string{origin}, Auth: realtime.Auth{Keys: []realtime.Key{mine, other}, AllowQuery: true}})
					o := gateway.Options{Tenants: docs}
					if step%2 == 0 {
						o.Hooks = gateway.HookFuncs{OnConnect: func(_ context.Context, e *gateway.ConnectEvent) (gateway.ConnectResult, error) {
							time.Sleep(3 * time.Second) // some looks
							if step == 0 && e.Principal.User == "ann" {
								docs.mu.Lock()
								defer docs.mu.Unlock()
								change(docs)
							}
							return gateway.ConnectResult{}, nil
						}}
					}
					inBubble(t, o, func(b *bubbleGateway) {
						quiet := b.socket(page("Sec-Websocket-Protocol", wire.Subprotocol+", bearer."+issued(other, "bob")), "")
						time.Sleep(5 * time.Second)
						readings := 0
						docs.mu.Lock()
						docs.asked = func() {
							if readings++; readings == step {
								change(docs)
							}
						}
						docs.mu.Unlock()
						v := come(b)
						time.Sleep(20 * time.Second)
						synctest.Wait()
						checkAdmission(t, way, what, v, quiet)
					})
				})
			}
		}
	}
}

// checkAdmission compares who is connected with what the changed document says.
func checkAdmission(t *testing.T, way, what string, v, quiet *bubbleClient) {
	t.Helper()
	renews := way == "refresh" || strings.HasPrefix(way, "connect")
	open, _, code := v.state()
	stays := what == "no query" && way != "query"
	ofTheOtherKey := strings.HasPrefix(what, "key ")
	switch {
	case renews && ofTheOtherKey && open && code == realtime.CodeUnauthorized: // it was refused, and the first token is good
	case open != stays:
		t.Errorf("it is connected: %t, last told %q; want %t", open, code, stays)
	}
	if open, welcomed, code := quiet.state(); !welcomed || open != (ofTheOtherKey || what == "no query") {
		t.Errorf("a client of another key: connected %t, last told %q", open, code)
	}
}
