package fleet

import (
	"bytes"
	"net/http"
	"testing"
	"time"
)

// Every fault in one run: each client has every message of its channels once and in order, or was told gap
// at that very place; nobody sees another tenant's; nothing is left behind.
func TestFaults(t *testing.T) {
	l, full := loadOf(t)
	f := startFleet(t, 4, tenant("acme"), tenant("globex", pooled), tenant("initech", pooled))
	clients, producers := f.crowd(l)
	traffic := f.begin(clients, producers)
	traffic.reach("the start")

	killed := f.instance(f.gateways[0])
	f.kill(f.gateways[0])
	traffic.reach("after the kill")
	f.addGateway(nil)
	f.book.did("a gateway was added")
	f.terminate(f.gateways[1])
	traffic.reach("after the end of a gateway")

	f.pubsubLine.cut()
	f.book.did("the gateways' connections to Pub/Sub were cut")
	traffic.reach("after the cut")
	f.pubsubLine.stall(true)
	f.book.did("the gateways' connections to Pub/Sub stall")
	time.Sleep(3 * time.Second)
	f.pubsubLine.stall(false)
	traffic.reach("after the stall")
	f.pubsubIntake.cut()
	f.book.did("the functions' connections to Pub/Sub were cut")
	traffic.reach("after the functions' cut")
	f.paused(f.pubsub, "Pub/Sub", 5*time.Second)
	traffic.reach("after the pause of Pub/Sub")
	f.paused(f.firestore, "Firestore", 5*time.Second)
	traffic.reach("after the pause of Firestore")

	traffic.quiesce()
	f.show()
	docs, messages := f.documents(), f.messages()
	if full { // an instance has to be dead for a minute before the janitor looks at it
		f.sweeps("while others live", func() bool { return f.onlyLiving(f.left(docs, messages), len(clients)) })
	}
	traffic.leave()
	// The emulator's flaws are worked round, so there need be no gap, and none is excused.
	if c := f.book.judge(); c.Gaps > 0 {
		t.Errorf("%d gaps", c.Gaps)
		f.book.tellGaps()
	}
	for _, g := range f.living() {
		f.terminate(g)
	}
	if full {
		f.sweeps("when nobody lives", func() bool { return f.left(docs, messages).empty() })
		return
	}
	// Who was killed has left its subscriptions, and nobody else.
	was := f.left(docs, messages)
	for instance := range was.leases {
		if n := was.subscriptionsOf(instance); n > 0 && instance != killed {
			t.Errorf("%d subscriptions of %s are left, and %s was killed", n, instance, killed)
		}
	}
}

// sweeps runs the janitor, with the least grace there may be, until what it leaves is right.
func (f *fleet) sweeps(when string, right func() bool) {
	f.t.Helper()
	janitor := f.function("janitor "+when, "janitor", map[string]string{"TIDEWIRE_JANITOR_GRACE": "1m"})
	docs, messages := f.documents(), f.messages()
	f.book.did("%s there are %v", when, f.left(docs, messages))
	again := time.Time{}
	if err := waited(func() bool {
		if time.Now().After(again) {
			status, _, said, err := request(http.MethodPost, "http://"+janitor.addr+"/", "", nil)
			if err != nil || status != http.StatusOK {
				f.t.Errorf("the janitor answers %d %s, %v", status, said, err)
			}
			f.book.did("the janitor says %s", bytes.TrimSpace(said))
			again = time.Now().Add(10 * time.Second)
		}
		return right()
	}); err != nil {
		f.t.Errorf("%s the janitor leaves %v: %v", when, f.left(docs, messages), err)
	}
}

// onlyLiving reports whether there is what living gateways have, each socket in it, and nothing else.
func (f *fleet) onlyLiving(l left, sockets int) bool {
	living := f.living()
	for instance, until := range l.leases {
		if until.Before(time.Now()) || l.subscriptionsOf(instance) == 0 {
			return false
		}
	}
	for instance := range l.connections {
		if _, ok := l.leases[instance]; !ok {
			return false
		}
	}
	return len(l.leases) == len(living) && sum(l.connections) == sockets && len(l.subscriptions) == len(living)*(1+sharedTopics)
}
