package fleet

import (
	"net/http"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A logout ends the user's sockets and tokens on every instance within two seconds, and a restart of all of
// them does not bring the tokens back.
func TestLogout(t *testing.T) {
	f := startFleet(t, 3, tenant("acme"))
	old, other := f.token("acme", "ann"), f.token("acme", "bob")
	var anns, bobs []*visitor
	for _, g := range f.gateways {
		for range 2 {
			a, end := visit(t, g.addr, old)
			b, _ := visit(t, g.addr, other)
			if a == nil || b == nil {
				t.Fatalf("not let in: %+v", end)
			}
			anns, bobs = append(anns, a), append(bobs, b)
		}
	}
	// Sockets that read a channel say that the topic is followed.
	await(t, "all are listed", func() bool { return sum(f.listed("acme")) == len(anns)+len(bobs) })
	for time.Now().Nanosecond() > int(900*time.Millisecond) { // tokens count seconds: ann's new one is of another
		time.Sleep(10 * time.Millisecond)
	}

	begun := time.Now()
	f.call(http.MethodPost, "/v1/tenants/acme/users/ann/logout", nil)
	said := time.Now()
	for _, v := range anns {
		if end := v.end(wire.ServerFrame{}); end.code != realtime.CodeUnauthorized.Meaning().Close {
			t.Errorf("ann's socket ended with %+v", end)
		}
	}
	closed := time.Now()
	for _, g := range f.gateways {
		await(t, "the token is refused by "+g.name, func() bool {
			asked := time.Now()
			in := lets(t, g.addr, old)
			if in && asked.Sub(said) > 2*time.Second {
				t.Errorf("%s lets ann in %s after the logout", g.name, asked.Sub(said))
			}
			return !in
		})
	}
	f.book.did("the logout took %s, all sockets were closed %s after it, all gateways refused the token by %s after it",
		said.Sub(begun).Round(time.Millisecond), closed.Sub(said).Round(time.Millisecond), time.Since(said).Round(time.Millisecond))
	for _, v := range bobs {
		_ = v.conn.Close() // bob's are open until here, or the test would have failed at the close frame
	}

	for _, g := range f.gateways {
		f.terminate(g)
	}
	f.api.terminate()
	f.startAPI()
	g := f.addGateway(nil)
	refused(t, g.addr, old, realtime.CodeUnauthorized)
	time.Sleep(time.Until(said.Truncate(time.Second).Add(time.Second))) // a token of a later second
	if !lets(t, g.addr, f.token("acme", "ann")) {
		t.Error("ann is not let in with a new token")
	}
	if !lets(t, g.addr, other) {
		t.Error("bob is not let in")
	}
}
