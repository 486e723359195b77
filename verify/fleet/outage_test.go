package fleet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// publish sends one event to ingest.
func (f *fleet) publish(tenant, token, channel string) (status int, header http.Header, p problem) {
	f.t.Helper()
	status, header, said, err := request(http.MethodPost, "http://"+f.ingest.addr+"/v1/tenants/"+tenant+"/events", token, event{Channel: channel, Key: "k"})
	if err != nil {
		f.t.Fatal(err)
	}
	_ = json.Unmarshal(said, &p) // an answer of 200 is none
	return status, header, p
}

// problem is what is looked at of a problem document.
type problem struct {
	Code   realtime.Code
	Detail string
}

// Who may not is told so at both doors: an expired, an unknown (which is missing at first) and a suspended tenant's; one that has no topic.
func TestTenantsThatMayNot(t *testing.T) {
	f := startFleet(t, 1, tenant("acme"), tenant("closed", func(t *realtime.Tenant) { t.Suspended = true }), tenant("bare"))
	f.tenants["nobody"] = tenant("nobody") // signs, but was never put
	if err := f.messages().TopicAdminClient.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: "projects/" + f.project + "/topics/tw-bare"}); err != nil {
		t.Fatal(err)
	}
	gateway := f.gateways[0].addr
	tests := []struct {
		name, tenant, token string
		code                realtime.Code // at the gateway
		status              int           // of ingest
	}{
		{"expired", "acme", f.tokenUntil("acme", "ann", time.Now().Add(-time.Minute)), realtime.CodeExpired, 401},
		{"unknown", "nobody", f.token("nobody", "ann"), realtime.CodeUnavailable, 503}, // for two minutes
		{"suspended", "closed", f.token("closed", "ann"), realtime.CodeSuspended, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, gateway, tt.token, tt.code)
			if status, _, p := f.publish(tt.tenant, tt.token, "orders:a"); status != tt.status || p.Code != tt.code {
				t.Errorf("ingest: %d %+v", status, p)
			}
		})
	}
	t.Run("without a topic", func(t *testing.T) {
		token := f.token("bare", "ann")
		if status, _, p := f.publish("bare", token, "orders:a"); status != 500 || p.Code != realtime.CodeInternal {
			t.Errorf("ingest: %d %+v", status, p)
		}
		v, end := visit(t, gateway, token)
		if v == nil {
			t.Fatalf("not let in: %+v", end)
		}
		v.say(wire.ClientFrame{Type: wire.TypeSubscribe, ID: "1", Channel: "orders:a"})
		frame, gone := v.next()
		if gone != nil || frame.Type != wire.TypeError || frame.Code != realtime.CodeUnavailable || frame.RetryAfterMs == 0 {
			t.Errorf("subscribing is answered with %+v, %+v", frame, gone)
		}
	})
	t.Run("suspended while connected", func(t *testing.T) {
		v, end := visit(t, gateway, f.token("acme", "ann"))
		if v == nil {
			t.Fatalf("not let in: %+v", end)
		}
		f.call(http.MethodPost, "/v1/tenants/acme/suspend", nil)
		begun := time.Now()
		if end := v.end(wire.ServerFrame{}); end.why.Code != realtime.CodeSuspended {
			t.Errorf("ended with %+v", end)
		}
		t.Logf("closed %s after the suspension", time.Since(begun).Round(time.Millisecond))
	})
}

// Firestore is down when a gateway starts, and later: who is connected stays and reads on, who comes is told to
// come back, and it recovers.
func TestFirestoreDown(t *testing.T) {
	f := startFleet(t, 0, tenant("acme"), tenant("globex"))
	f.firestoreLine.setDown(true)
	f.book.did("Firestore is down for gateways")
	g := f.addGateway(nil)
	token := f.token("acme", "ann")
	if end := refused(t, g.addr, token, realtime.CodeUnavailable); end.why.RetryAfterMs == 0 {
		t.Errorf("no delay: %+v", end)
	}
	f.firestoreLine.setDown(false)
	f.book.did("Firestore is back")
	var clients []*client
	ch := channel(t, "acme", "orders:a")
	for i := range 5 {
		clients = append(clients, newClient(fmt.Sprint("c", i), "acme", f.socketURL(), token, f.book, ch))
	}
	writer := f.token("acme", "producer")
	p := newProducer("http://"+f.ingest.addr, func(string) string { return writer }, f.book, 50*time.Millisecond, 2, ch)
	traffic := f.begin(clients, []*producer{p})
	traffic.reach("the start, without a restart")
	await(t, "all are listed", func() bool { return sum(f.listed("acme")) == len(clients) })

	f.book.setCalm(true)
	f.firestoreLine.setDown(true)
	f.book.did("Firestore is down for gateways")
	if end := refused(t, g.addr, f.token("globex", "bob"), realtime.CodeUnavailable); end.why.RetryAfterMs == 0 {
		t.Errorf("no delay: %+v", end)
	}
	// A tenant that is known is let in as long as the lease may be good.
	await(t, "nobody is let in any more", func() bool {
		v, end := visit(t, g.addr, token)
		if v != nil {
			_ = v.conn.Close()
			return false
		}
		if end.code != 1013 || end.why.RetryAfterMs == 0 {
			t.Errorf("refused with %+v", end)
		}
		return true
	})
	traffic.reach("while Firestore is down")
	f.firestoreLine.setDown(false)
	f.book.did("Firestore is back")
	await(t, "who comes is let in again", func() bool { return lets(t, g.addr, token) })
	await(t, "a tenant that was not known is let in", func() bool { return lets(t, g.addr, f.token("globex", "bob")) })
	await(t, "all are listed again", func() bool { return sum(f.listed("acme")) == len(clients) })
	traffic.quiesce()
	f.book.setCalm(false)
	traffic.leave()
	if c := f.book.judge(); c.Gaps > 0 {
		t.Errorf("%d gaps", c.Gaps)
	}
}

// Pub/Sub is down for the functions: producers are told to come back, and nothing that was acknowledged is lost.
func TestPubSubDownForProducers(t *testing.T) {
	f := startFleet(t, 1, tenant("acme"))
	ch := channel(t, "acme", "orders:a")
	writer := f.token("acme", "producer")
	p := newProducer("http://"+f.ingest.addr, func(string) string { return writer }, f.book, 20*time.Millisecond, 3, ch)
	traffic := f.begin([]*client{newClient("c", "acme", f.socketURL(), f.token("acme", "ann"), f.book, ch)}, []*producer{p})
	traffic.reach("the start")
	f.pubsubIntake.setDown(true)
	f.book.did("Pub/Sub is down for functions")
	await(t, "the producer is told to come back", func() bool { return f.book.counted("publish: status 503") > 0 })
	status, header, problem := f.publish("acme", writer, "orders:b")
	if after, err := strconv.Atoi(header.Get("Retry-After")); status != 503 || problem.Code != realtime.CodeUnavailable || err != nil || after < 1 {
		t.Errorf("%d %+v, Retry-After %q", status, problem, header.Get("Retry-After"))
	}
	f.pubsubIntake.setDown(false)
	f.book.did("Pub/Sub is back")
	traffic.reach("after it came back")
	traffic.quiesce()
	traffic.leave()
	if n := f.book.counted("publish: no Retry-After with 503"); n > 0 {
		t.Errorf("%d answers of 503 say not when to come back", n)
	}
	if c := f.book.judge(); c.Gaps > 0 {
		t.Errorf("%d gaps", c.Gaps)
		f.show()
	}
}
