package probe_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Frames of a gateway that is not quite one.
const (
	welcome    = `{"type":"welcome","connection":"c","user":"probe","tenant":"probe"}`
	subscribed = `{"type":"ok","id":2,"channel":"probe:delivery","position":"1-"}`
	draining   = `{"type":"error","code":"draining","message":"this instance is going away"}`
	refused    = `{"type":"error","id":2,"code":"unavailable","message":"the topic cannot be followed"}`
)

// says is a server of sockets that answers the handshake with its first frames, lines of one string, and every frame of the
// client with the next ones, and then says nothing more until the client goes.
func says(t *testing.T, frames ...string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for _, f := range frames {
			for line := range strings.Lines(f) {
				if err := c.WriteMessage(websocket.TextMessage, []byte(line)); err != nil {
					return
				}
			}
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
		for err == nil { // until the end
			_, _, err = c.ReadMessage()
		}
	})
}

func accepts(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"accepted":1,"results":[{"id":"x"}]}`)
}

// changed publishes what comes with other data.
func (d *deployment) changed(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var all []struct{ ID, Channel, Key string }
		if err := json.NewDecoder(r.Body).Decode(&all); err != nil || len(all) != 1 {
			t.Error(all, err)
			return
		}
		e := all[0]
		doc, err := d.tenants.Tenant(r.Context(), "probe")
		if err != nil {
			t.Error(err)
		}
		ch, err := realtime.NewChannel("probe", e.Channel)
		if err != nil {
			t.Error(err)
		}
		if err := d.publisher.Publish(r.Context(), doc, []realtime.Publication{{Channel: ch, ID: e.ID, Key: e.Key, Data: []byte(`{"probe":"another"}`)}}); err != nil {
			t.Error(err)
		}
		accepts(w, r)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	// For what never comes.
	silent := func(o *probe.Options) { o.MaxTime = 300 * time.Millisecond }
	// Its gateway and ingest know other keys than the probe.
	stranger := func(t *testing.T) *deployment {
		return deploy(t, &realtime.Tenant{ID: "probe", Auth: realtime.Auth{Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: strings.Repeat("other", 8)}}}})
	}
	for name, c := range map[string]struct {
		deploy func(*testing.T) *deployment
		change func(*testing.T, *deployment, *probe.Options)
		stage  probe.Stage
		says   string // within the error
	}{
		"no such tenant": {
			change: func(_ *testing.T, _ *deployment, o *probe.Options) { o.Tenant = "nobody" },
			stage:  probe.StageToken, says: "tenant: is unknown",
		},
		"the tenant is suspended": {
			change: func(_ *testing.T, _ *deployment, o *probe.Options) { o.Tenant = "closed" },
			stage:  probe.StageToken, says: "suspended",
		},
		"the tenant has no key that signs": {
			change: func(_ *testing.T, _ *deployment, o *probe.Options) { o.Tenant = "keyless" },
			stage:  probe.StageToken, says: "add a secret or a private key",
		},
		"nobody listens": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) {
				s := httptest.NewServer(nil)
				o.Gateway = s.URL
				s.Close()
			},
			stage: probe.StageConnect, says: "refused",
		},
		"no gateway": {
			change: func(_ *testing.T, d *deployment, o *probe.Options) { o.Gateway = d.ingest },
			stage:  probe.StageConnect, says: "status 404",
		},
		"the token is not good": {
			deploy: stranger, change: func(*testing.T, *deployment, *probe.Options) {},
			stage: probe.StageConnect, says: "token",
		},
		"no welcome": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) { o.Gateway = says(t); silent(o) },
			stage:  probe.StageConnect, says: "the run took longer than 300ms",
		},
		"no answer": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) { o.Gateway = says(t, welcome); silent(o) },
			stage:  probe.StageSubscribe, says: "the run took longer than 300ms",
		},
		"refused": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) { o.Gateway = says(t, welcome, "", refused) },
			stage:  probe.StageSubscribe, says: "the topic cannot be followed",
		},
		"no frame": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) { o.Gateway = says(t, welcome, "", "hello") },
			stage:  probe.StageSubscribe, says: "server frame",
		},
		"ingest is not there": {
			change: func(_ *testing.T, d *deployment, o *probe.Options) { o.Ingest = d.gateway },
			stage:  probe.StagePublish, says: "404",
		},
		"ingest has another answer": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) {
				o.Ingest = serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no instance", http.StatusTooManyRequests) })
			},
			stage: probe.StagePublish, says: "429",
		},
		"ingest hangs": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) {
				o.Ingest = serve(t, func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client goes
					<-r.Context().Done()
				})
				silent(o)
			},
			stage: probe.StagePublish, says: "the run took longer than 300ms",
		},
		"nothing is delivered": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) { o.Ingest = serve(t, accepts); silent(o) },
			stage:  probe.StageDelivery, says: "the run took longer than 300ms",
		},
		"the socket is closed meanwhile": {
			change: func(t *testing.T, _ *deployment, o *probe.Options) {
				o.Gateway, o.Ingest = says(t, welcome, "", subscribed+"\n"+draining), serve(t, accepts)
			},
			stage: probe.StageDelivery, says: "going away",
		},
		"another thing is delivered": {
			change: func(t *testing.T, d *deployment, o *probe.Options) { o.Ingest = serve(t, d.changed(t)) },
			stage:  probe.StageDelivery, says: "differs from the event published",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.deploy == nil {
				c.deploy = func(t *testing.T) *deployment { return deploy(t) }
			}
			d := c.deploy(t)
			p, log := d.open(t, func(o *probe.Options) { c.change(t, d, o) })
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			var doc problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusServiceUnavailable || doc.Code != realtime.CodeUnavailable || !strings.HasPrefix(doc.Detail, string(c.stage)+": ") || !strings.Contains(doc.Detail, c.says) {
				t.Errorf("answered %d %s, want the stage %s and %q", w.Code, w.Body, c.stage, c.says)
			}
			line := log.only(t)
			if line["msg"] != "the probe failed" || line["level"] != "ERROR" || line["stage"] != string(c.stage) || !strings.Contains(fmt.Sprint(line[realtime.KeyError]), c.says) {
				t.Errorf("logged %v", line)
			}
		})
	}
}

func TestTheCallerGoes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := deploy(t)
	p, _ := d.open(t, func(o *probe.Options) {
		o.Ingest = serve(t, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			accepts(w, r)
		})
	})
	_, err := p.Run(ctx)
	var failed *probe.Failed
	if !errors.As(err, &failed) || !errors.Is(err, context.Canceled) || realtime.CodeOf(err) != realtime.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}
