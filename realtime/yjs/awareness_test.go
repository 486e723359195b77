package yjs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Whatever others say of themselves, a door keeps no more of it than its bound, and a client is never left with where somebody was: it is shown where they
// are, or that they are not there.
func TestAwarenessIsBounded(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	name, _ := realtime.NewChannel("acme", "docs:1")
	c := (&channelLog{t: t, name: name, entries: map[string]*realtime.Publication{}, ever: newKnown()}).open(9)
	c.send(syncMessage(syncStep1, []byte{0}))
	channel, _ := realtime.NewChannel("acme", "docs-awareness:1")
	newest := map[uint64]string{} // what each says of itself
	most, hidden := 0, 0
	for range 20_000 {
		client := 1000 + r.Uint64N(4000)
		p := &realtime.Publication{Channel: channel, Key: fmt.Sprintf("c%d", client)}
		delete(newest, client)
		if r.IntN(4) == 0 {
			p.Op = realtime.OpDelete
		} else {
			state := fmt.Sprintf(`"%s"`, strings.Repeat("x", r.IntN(1<<r.IntN(16))))
			p.Data = fmt.Appendf(nil, `{"client":%d,"clock":1,"state":%s}`, client, state)
			newest[client] = state
		}
		f, _ := Encoder{}.Message(p)
		c.take(c.door.Translate(f.Bytes))
		if shown := c.marks[client]; shown != newest[client] && (shown != "null" && shown != "") {
			t.Fatalf("client %d is shown as %.40q, and is %.40q", client, shown, newest[client])
		}
		kept := 0
		for key, m := range c.door.others {
			kept += sizeOf(key, &m)
		}
		most = max(most, kept)
		if kept > maxOthers || kept != c.door.othersSize || len(c.door.seen) > maxSeen {
			t.Fatalf("%d bytes are kept, counted as %d, and %d have been seen", kept, c.door.othersSize, len(c.door.seen))
		}
		if shown := c.marks[client]; newest[client] != "" && (shown == "null" || shown == "") {
			hidden++
		}
	}
	if most < maxOthers/2 || hidden == 0 {
		t.Errorf("at most %d bytes were kept, and %d were not shown: the bound was not met", most, hidden)
	}
}

// What a client is told of others it sends back; none of it is ever taken for its own, also beyond the bounds.
func TestEchoIsNotOnesOwn(t *testing.T) {
	t.Parallel()
	name, _ := realtime.NewChannel("acme", "docs:1")
	c := (&channelLog{t: t, name: name, entries: map[string]*realtime.Publication{}, ever: newKnown()}).open(9)
	c.send(syncMessage(syncStep1, []byte{0}))
	c.send(awarenessMessage(mark{9, 1, []byte(`1`)}))
	channel, _ := realtime.NewChannel("acme", "docs-awareness:1")
	for n := range uint64(3 * maxSeen) {
		p := &realtime.Publication{Channel: channel, Key: fmt.Sprint(n % 3000), Data: fmt.Appendf(nil, `{"client":%d,"clock":1,"state":1}`, 100+n)}
		f, _ := Encoder{}.Message(p)
		c.take(c.door.Translate(f.Bytes))
		if _, told := c.marks[100+n]; told {
			c.send(awarenessMessage(mark{100 + n, 1, []byte(`1`)}))
		}
	}
	published := 0
	for i := range c.owed {
		if c.owed[i].Type == wire.TypePublish {
			published++
		}
	}
	if published != 1 || !reflect.DeepEqual(c.owed[0].Data, []byte(`{"client":9,"clock":1,"state":1}`)) {
		t.Errorf("%d publishes", published)
	}
}
