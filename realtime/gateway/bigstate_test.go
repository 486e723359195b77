package gateway_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/wire"
)

// A snapshot of very many keys comes while they change, and behind it what has changed: the map is what was published. It takes no memory to speak of beside
// the state. TIDEWIRE_KEYS is how many keys there are; a twentieth of them changes each second. The figures are logged: what the process allocated meanwhile
// is the publisher's and this client's too.
func TestSnapshotOfManyKeysWhileTheyChange(t *testing.T) {
	t.Parallel()
	keys := 5000
	if s := os.Getenv("TIDEWIRE_KEYS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("TIDEWIRE_KEYS: %v", err)
		}
		keys = n
	}
	no := false
	doc := tenant("acme")
	doc.Limits.RecordBytes, doc.Limits.QueueBytes = 1<<30, 8<<20
	doc.Namespaces = map[string]realtime.Namespace{"fleet": {State: &realtime.State{Durable: &no, Keys: keys, Bytes: 1 << 30}}}
	broker := memory.NewBroker(memory.BrokerOptions{TopicBytes: 1 << 30})
	s := start(t, gateway.Options{Broker: broker}, doc)
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	keep := s.connect("acme", "bob")
	keep.send(`{"type":"subscribe","id":1,"channel":"fleet:eu"}`) // so that the channel is followed
	keep.expect(`{"type":"ok","id":1}`)
	_ = keep.ws.Close()
	c, err := realtime.NewChannel("acme", "fleet:eu")
	if err != nil {
		t.Fatal(err)
	}
	pub := publish.New(broker, publish.Options{})
	newest := make([]int, keys)
	set := func(first, n, value int) {
		all := make([]realtime.Publication, n)
		for i := range all {
			key := (first + i) % keys
			newest[key] = value
			all[i] = realtime.Publication{Channel: c, Key: fmt.Sprint("k", key), Data: []byte(fmt.Sprintf(`{"n":%d,"lat":48.137154,"lon":11.576124,"speed":63,"heading":271}`, value))}
		}
		if err := pub.Publish(t.Context(), doc, all); err != nil {
			t.Error(err)
		}
	}
	ann := s.connect("acme", "ann")
	ann.send(`{"type":"subscribe","id":1,"channel":"fleet:other","state":true}`)
	ann.expect(`{"type":"ok","id":1}`, `{"type":"snapshot"}`)
	empty, _ := heap()
	for i := 0; i < keys; i += 500 {
		set(i, min(500, keys-i), 1)
	}
	before, allocated := heap()
	state := before - empty
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for value, next := 2, 0; !over.Load(); value++ {
			set(next, keys/2000+1, value)
			next = (next + 7919) % keys
			<-ticker.C
		}
	}()
	m, asked, first, complete, bytes := &rowsOf{rows: map[string]string{}}, time.Now(), time.Duration(0), time.Duration(0), 0
	ann.send(`{"type":"subscribe","id":2,"channel":"fleet:eu","state":true}`)
	for complete == 0 {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Channel != "fleet:eu" {
			continue
		}
		for i := range f.Entries {
			bytes += len(f.Entries[i].Data)
		}
		if m.take(&f); f.Type == wire.TypeSnapshot && first == 0 {
			first = time.Since(asked)
		}
		if f.Type == wire.TypeSnapshot && !f.More {
			complete = time.Since(asked)
		}
	}
	after, more := heap()
	over.Store(true)
	<-done
	t.Logf("%d keys: first frame after %s, complete after %s; heap %d KiB before, %d KiB with it, %d KiB more with this client's map (its data: %d KiB); %.1f allocations a key", keys, first, complete,
		empty>>10, state>>10, (after-before)>>10, bytes>>10, float64(more-allocated)/float64(keys))
	if err := pub.Publish(t.Context(), doc, []realtime.Publication{{Channel: c, ID: "last", Data: []byte(`"last"`)}}); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Channel != "fleet:eu" {
			continue
		}
		m.take(&f)
		if string(f.Data) == `"last"` {
			break
		}
	}
	want := map[string]string{}
	for key, value := range newest {
		want[fmt.Sprint("k", key)] = fmt.Sprintf(`{"n":%d,"lat":48.137154,"lon":11.576124,"speed":63,"heading":271}`, value)
	}
	if !maps.Equal(want, m.rows) {
		t.Errorf("the map has %d keys, and is not what was published to %d", len(m.rows), len(want))
	}
}

// heap is how many bytes are in use, and how many allocations there were.
func heap() (bytes int, allocations uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), m.Mallocs //nolint:gosec // a size
}

// A pattern of more channels with state than one subscription may read ends, and says why.
func TestStatesOfTooManyChannels(t *testing.T) {
	t.Parallel()
	broker := memory.NewBroker(memory.BrokerOptions{})
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	doc := stateful()
	s := start(t, gateway.Options{Broker: broker}, doc)
	pub := publish.New(broker, publish.Options{})
	ann, bob := s.connect("acme", "ann"), s.connect("acme", "bob")
	for _, p := range []*peer{ann, bob} {
		p.send(`{"type":"subscribe","id":1,"channel":"fleet:**","state":true}`)
		p.expect(`{"type":"ok","id":1}`, `{"type":"notice","code":"complete"}`)
	}
	m := mapsOf{}
	set := func(i int) {
		t.Helper()
		c, err := realtime.NewChannel("acme", fmt.Sprint("fleet:", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(t.Context(), doc, []realtime.Publication{{Channel: c, Key: "k", Data: []byte(strconv.Itoa(i))}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range realtime.MaxPatternChannels {
		set(i)
	}
	for len(m.rows()) < realtime.MaxPatternChannels {
		f, err := ann.next()
		if err != nil || f.Type == wire.TypeError {
			t.Fatalf("%+v %v", f, err)
		}
		m.take(&f)
	}
	set(realtime.MaxPatternChannels)
	for {
		f, err := ann.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.TypeError {
			if f.Limit != "channelsPerPattern" || f.Channel != "fleet:**" {
				t.Errorf("%+v", f)
			}
			break
		}
		if m.take(&f); len(m.rows()) > realtime.MaxPatternChannels {
			t.Fatalf("%d channels", len(m.rows()))
		}
	}
	ann.send(`{"type":"subscribe","id":2,"channel":"fleet:**","state":true}`)
	ann.expect(`{"type":"ok","id":2}`)
	for f, err := ann.next(); f.Type != wire.TypeError; f, err = ann.next() {
		if err != nil {
			t.Fatal(err)
		}
	}
}
