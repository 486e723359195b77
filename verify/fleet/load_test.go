package fleet

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// load is how much goes on in a fleet.
type load struct {
	sockets   int // over all tenants
	channels  int // of each tenant
	each      int // channels that a client reads
	producers int
	every     time.Duration // between two requests of a producer
	batch     int           // most events in one
}

// full is what the issue asks for; small is what every `make whole` can afford.
func loadOf(t *testing.T) (l load, full bool) {
	t.Helper()
	small := load{sockets: 60, channels: 4, each: 2, producers: 4, every: 50 * time.Millisecond, batch: 3}
	asked := os.Getenv("TIDEWIRE_SOCKETS")
	if asked == "" {
		return small, false
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("TIDEWIRE_SOCKETS: %v", err)
	}
	return load{sockets: n, channels: 8, each: 2, producers: 4, every: 40 * time.Millisecond, batch: 4}, true
}

// crowd returns clients and producers on the same channel names in every tenant. A channel has one producer, which
// keeps its order; a producer has channels of every tenant.
func (s *system) crowd(l load) ([]*client, []*producer) {
	s.t.Helper()
	tenants := slices.Sorted(maps.Keys(s.tenants))
	shares := make([][]realtime.Channel, l.producers)
	var clients []*client
	for i, tenant := range tenants {
		var all []realtime.Channel
		for n := range l.channels {
			ch := channel(s.t, tenant, fmt.Sprintf("orders:c%d", n))
			all = append(all, ch)
			shares[n%l.producers] = append(shares[n%l.producers], ch)
		}
		token := s.token(tenant, "reader")
		for n := range l.sockets*(i+1)/len(tenants) - l.sockets*i/len(tenants) {
			var mine []realtime.Channel
			for k := range l.each {
				mine = append(mine, all[(n+k*l.channels/l.each)%l.channels])
			}
			clients = append(clients, newClient(fmt.Sprintf("t%d-%d", i, n), tenant, s.socketURL(), token, s.book, mine...))
		}
	}
	tokens := map[string]string{}
	for _, tenant := range tenants {
		tokens[tenant] = s.token(tenant, "producer")
	}
	var producers []*producer
	for _, share := range shares {
		producers = append(producers, newProducer("http://"+s.ingest.addr, func(t string) string { return tokens[t] }, s.book, l.every, l.batch, share...))
	}
	return clients, producers
}

func (s *system) socketURL() string { return "ws://" + s.front.addr + "/v1/socket" }
