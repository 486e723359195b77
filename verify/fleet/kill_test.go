package fleet

import (
	"fmt"
	"testing"
	"time"
)

// A gateway that is killed says nothing to anybody. Its connections are gone from the api's list once its
// lease has ended, although their documents are still there.
func TestKilledGateway(t *testing.T) {
	f := startFleet(t, 1, tenant("acme"))
	docs, messages := f.documents(), f.messages()
	ch := channel(t, "acme", "orders:a")
	const sockets = 8
	var clients []*client
	for i := range sockets {
		clients = append(clients, newClient(fmt.Sprint("ann-", i), "acme", f.socketURL(), f.token("acme", "ann"), f.book, ch))
	}
	traffic := f.begin(clients, nil)
	await(t, "all are listed", func() bool { return sum(f.listed("acme")) == sockets })
	f.kill(f.gateways[0])
	traffic.leave()
	was := f.left(docs, messages)
	if len(was.leases) != 1 || sum(was.connections) != sockets {
		t.Fatalf("after the kill there are %+v", was)
	}
	var until time.Time
	for _, until = range was.leases {
	}
	if time.Until(until) > 15*time.Second {
		t.Errorf("the lease lasts %s", time.Until(until))
	}
	await(t, "none is listed", func() bool {
		asked := time.Now()
		n := sum(f.listed("acme"))
		if n > 0 && asked.After(until) {
			t.Errorf("%d are listed %s after the lease has ended", n, asked.Sub(until))
		}
		return n == 0
	})
	f.book.did("none is listed any more, %s after the end of the lease", time.Since(until).Round(time.Millisecond))
	if now := f.left(docs, messages); sum(now.connections) != sockets {
		t.Errorf("documents were deleted meanwhile, so this shows nothing: %+v", now)
	}
}

func sum(all map[string]int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}
