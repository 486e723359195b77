package acceptance

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// One process holds thousands of sockets, all of which receive; when they have gone it
// is as it was. What one more reader of a channel costs is measured on the way.
func TestCrowdOnOneProcess(t *testing.T) {
	doc := tenant("acme")
	p := startProcess(t, doc)
	token, producer := token(t, doc, "reader"), token(t, doc, "producer")
	publish := func(round, number int, begun time.Time) {
		t.Helper()
		a, err := p.post("acme", producer, message("prices:fx", "k", round, number, time.Since(begun), 100))
		if err != nil || a.Status != 200 {
			t.Fatalf("%v %+v", err, a)
		}
	}
	publish(0, 0, time.Now()) // so that what is made once is made
	p.figures()
	before := p.figures()

	t.Run("sockets", func(t *testing.T) { p.holds(t, token, publish) })
	t.Run("allocations", func(t *testing.T) { p.allocations(t, token, publish) })

	for _, name := range []string{"go_goroutines", "process_open_fds"} {
		await(t, name+" to return to its start", func() bool { return p.figures().of(name) <= before.of(name) })
	}
	await(t, "all sockets to be gone", func() bool { return p.figures().sum("tidewire_connections") <= before.sum("tidewire_connections") })
}

// sockets is how many sockets TIDEWIRE_SOCKETS asks for.
func sockets(t *testing.T) int {
	t.Helper()
	n := 1000
	if s := os.Getenv("TIDEWIRE_SOCKETS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("TIDEWIRE_SOCKETS: %v", err)
		}
	}
	return affordable(t, n, 1)
}

// holds opens many sockets, from several addresses, and has all of them receive.
func (p *process) holds(t *testing.T, token string, publish func(round, number int, begun time.Time)) {
	const messages, addresses = 20, 8
	n, idle := sockets(t), p.figures()
	w := &crowd{t: t, begun: time.Now()}
	defer w.leave()
	for i := range n {
		w.join(p.addr, dialing{token: token, from: net.IPv4(127, 0, 1, byte(1+i%addresses))}, []string{"prices:fx"}, 1)
	}
	connected, held := time.Since(w.begun), p.figures()
	if open := held.sum("tidewire_connections"); int(open) != n {
		t.Errorf("%v of %d sockets are open", open, n)
	}
	for i := range messages {
		publish(0, i, w.begun)
		w.await(t, "all sockets", int64((i+1)*n))
	}
	busy := p.figures()
	w.leave()
	for i, m := range w.members {
		if m.expected["prices:fx"] != messages {
			t.Errorf("socket %d has %d of %d messages; it ended with %v", i, m.expected["prices:fx"], messages, m.failed)
		}
	}
	each := func(name string) float64 { return (held.of(name) - idle.of(name)) / float64(n) }
	all := w.of(0)
	t.Logf("%d sockets in %s; each costs %.1f KiB resident, %.2f goroutines; CPU per delivery %.1f us; latency p50 %s, p99 %s",
		n, connected.Round(time.Millisecond), each("process_resident_memory_bytes")/1024, each("go_goroutines"),
		1e6*(busy.of("process_cpu_seconds_total")-held.of("process_cpu_seconds_total"))/float64(messages*n), percentile(all, 50), percentile(all, 99))
}

// allocations counts the objects that the server makes per Publication, for few and for many readers.
func (p *process) allocations(t *testing.T, token string, publish func(round, number int, begun time.Time)) {
	const few = 100
	many, publications := 1000, 40           // an object for each reader would be 900 more, and what goes on beside is some tens
	if os.Getenv("TIDEWIRE_SOCKETS") != "" { // make soak
		many, publications = 2000, 60
	}
	w := &crowd{t: t, begun: time.Now()}
	defer w.leave()
	sent := 0
	// measure returns the objects made per Publication, and for a look at the figures none.
	measure := func(readers int) float64 {
		for len(w.members) < readers {
			w.join(p.addr, dialing{token: token}, []string{"prices:fx"}, 1)
		}
		got := w.got.Load()
		run := func(n int) float64 {
			before := p.figures().of("go_memstats_mallocs_total")
			for range n {
				publish(0, sent, w.begun)
				sent++
				got += int64(readers)
				w.await(t, "all readers", got)
			}
			return p.figures().of("go_memstats_mallocs_total") - before
		}
		run(publications) // until the steady state
		least := run(publications)
		for range 2 { // a collection of garbage empties pools, which is no delivery's doing
			least = min(least, run(publications))
		}
		return (least - run(0)) / float64(publications)
	}
	a, b := measure(few), measure(affordable(t, many, 1))
	extra := (b - a) / float64(len(w.members)-few)
	t.Logf("%.1f objects per Publication with %d readers, %.1f with %d: ratio %.2f, %.4f per reader more", a, few, b, len(w.members), b/a, extra)
	if extra > 0.2 { // it would be 1 at least; the rest is what goes on beside
		t.Errorf("each delivery makes %.2f objects; it was to be none", extra)
	}
}
