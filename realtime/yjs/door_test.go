package yjs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// channelLog is a channel with state as the hub keeps it: a log, and the newest of each key.
type channelLog struct {
	t       *testing.T
	name    realtime.Channel
	entries map[string]*realtime.Publication
	number  int
	ever    *known // what was ever published
	readers []*client
}

// client is a door and the client before it: what that was sent.
type client struct {
	door    *Door
	log     *channelLog
	has     *known // of the document, at least what it was sent
	synced  bool
	asked   bool // what the document lacks
	number  uint64
	clock   uint64
	ended   *realtime.Error
	reading bool
	owed    []wire.ClientFrame // publishes that have not reached the log
	marks   map[uint64]string
	denied  int
}

func (l *channelLog) open(number uint64) *client {
	c := &client{log: l, has: newKnown(), number: number, marks: map[uint64]string{}}
	c.door = New(Options{Channel: "docs:1", DataBytes: 1 << 12, Shared: NewShared(), MayPublish: func() bool { return true }, End: func(err *realtime.Error) { c.ended = err }})
	return c
}

// send gives a message to the door and does what that asks for; publishes wait.
func (c *client) send(message []byte) {
	c.log.t.Helper()
	asked, err := c.door.Read(message)
	if err != nil {
		c.log.t.Fatal(err)
	}
	if asked.Answer != nil {
		c.take(asked.Answer)
	}
	for _, f := range append(asked.Frames, asked.Tidying...) {
		if f.Type == wire.TypeSubscribe {
			if f.Channel == "docs:1" {
				c.log.snapshot(c)
				c.reading = true
			}
			continue
		}
		c.owed = append(c.owed, f)
	}
}

// take is what y-websocket does with what it is sent.
func (c *client) take(b []byte) {
	c.log.t.Helper()
	for len(b) > 0 {
		payload := outbox.Frame{Bytes: b}.Payload()
		size := int(b[1])
		switch size {
		case 126:
			size = int(b[2])<<8 | int(b[3])
		case 127:
			size = len(payload)
		}
		b, payload = payload[size:], payload[:size]
		r := &reader{b: payload}
		switch r.integer() {
		case messageSync:
			switch kind := r.integer(); kind {
			case syncStep1:
				vector := r.bytes()
				have, err := parseStateVector(vector)
				if err != nil {
					c.log.t.Fatal(err)
				}
				c.asked = have != nil
			default:
				u := parsed(c.log.t, r.bytes())
				c.ordered(u)
				c.has.add(u)
				c.synced = c.synced || kind == syncStep2
			}
		case messageAwareness:
			marks, err := parseMarks(r.bytes())
			if err != nil {
				c.log.t.Fatal(err)
			}
			for _, m := range marks {
				c.marks[m.Client] = string(m.State)
			}
		case messageAuth:
			c.denied++
		}
	}
}

// ordered fails if an update comes before edits of the same client that the document has: Yjs may never show what waits for something behind such a hole.
func (c *client) ordered(u *Update) {
	c.log.t.Helper()
	for number, pieces := range u.pieces {
		for i := range pieces {
			for _, hole := range c.has.edits.missing(number, span{0, pieces[i].from}) {
				if lacks := c.log.ever.edits.missing(number, hole); len(lacks) != 1 || lacks[0] != hole {
					c.log.t.Fatalf("client %d is sent the edits from %d on of %d, and has not had those from %d to %d", c.number, pieces[i].from, number, hole.from, hole.to)
				}
			}
			c.has.edits.add(number, pieces[i].span)
		}
	}
}

func (l *channelLog) snapshot(c *client) {
	encoder := Encoder{}
	var b []byte
	for _, p := range l.entries {
		if len(b) > 2000 {
			c.take(c.door.Translate(encoder.Snapshot(l.name, &outbox.Snapshot{Entries: b, More: true}).Bytes))
			b = nil
		}
		b = encoder.Entry(b, p)
	}
	c.take(c.door.Translate(encoder.Snapshot(l.name, &outbox.Snapshot{Entries: b}).Bytes))
}

// publish puts a publish into the log, if its condition holds.
func (l *channelLog) publish(f *wire.ClientFrame) {
	l.number++
	p := &realtime.Publication{Channel: l.name, Key: f.Key, Data: bytes.Clone(f.Data), Op: f.Op, ID: strconv.Itoa(l.number), Time: time.UnixMilli(int64(1000 + l.number))}
	if f.If != nil && (l.entries[f.Key] == nil || l.entries[f.Key].Position() != f.If.Position) {
		return
	}
	if f.Op == realtime.OpDelete {
		delete(l.entries, f.Key)
	} else {
		l.entries[f.Key] = p
		if len(f.Data) > 1<<12 {
			l.t.Fatalf("%d bytes", len(f.Data))
		}
		l.ever.add(parsed(l.t, ofData(f.Data)))
	}
	frame, _ := Encoder{}.Message(p)
	for _, c := range l.readers {
		if c.reading {
			c.take(c.door.Translate(frame.Bytes))
		}
	}
}

func syncMessage(kind byte, data []byte) []byte {
	return appendBytes([]byte{messageSync, kind}, data)
}

// At every moment the entries of a document hold every edit and every deletion that was ever published, whatever doors make one, remove, and leave
// behind; and every client has them.
func TestNoEditIsEverLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			name, err := realtime.NewChannel("acme", "docs:1")
			if err != nil {
				t.Fatal(err)
			}
			l := &channelLog{t: t, name: name, entries: map[string]*realtime.Publication{}, ever: newKnown()}
			most, next := 0, uint64(1)
			for step := range 2000 {
				switch n := r.IntN(100); {
				case n < 2 && len(l.readers) < 6: // comes, with nothing
					c := l.open(next)
					next++
					l.readers = append(l.readers, c)
					c.send(syncMessage(syncStep1, []byte{0}))
					c.send(syncMessage(syncStep2, nothing))
				case n < 3 && len(l.readers) > 1: // is gone, with what it had under way
					i := r.IntN(len(l.readers))
					l.readers = append(l.readers[:i:i], l.readers[i+1:]...)
				case n < 60 && len(l.readers) > 0:
					c := l.readers[r.IntN(len(l.readers))]
					word := "word 😀"[:1+r.IntN(4)]
					c.send(syncMessage(syncUpdate, text(c.number, c.clock, word).Append(nil)))
					c.clock += units([]byte(word))
				case n < 63 && len(l.readers) > 0:
					c := l.readers[r.IntN(len(l.readers))]
					from := r.Uint64N(c.clock + 1)
					c.send(syncMessage(syncUpdate, deletion(c.number, from, from+1+r.Uint64N(3)).Append(nil)))
				case len(l.readers) > 0:
					c := l.readers[r.IntN(len(l.readers))]
					for k := r.IntN(8); k > 0 && len(c.owed) > 0; k-- {
						l.publish(&c.owed[0])
						c.owed = c.owed[1:]
					}
				}
				most = max(most, len(l.entries))
				if step%25 != 0 {
					continue
				}
				now := newKnown()
				for _, p := range l.entries {
					now.add(parsed(t, ofData(p.Data)))
				}
				if !reflect.DeepEqual(now, l.ever) {
					t.Fatalf("the document has %v, and %v was published", now, l.ever)
				}
			}
			for _, c := range l.readers {
				if !c.synced || !c.asked || c.ended != nil || !reflect.DeepEqual(c.has, l.ever) {
					t.Errorf("client %d: synced %v, asked %v, ended %v: has %v of %v", c.number, c.synced, c.asked, c.ended, c.has, l.ever)
				}
			}
			t.Logf("%d publishes, %d entries at most, %d in the end", l.number, most, len(l.entries))
		})
	}
}

// Who has all but one edit is sent that alone, and sends what only it has.
func TestOnlyWhatIsMissingIsSent(t *testing.T) {
	t.Parallel()
	name, _ := realtime.NewChannel("acme", "docs:1")
	l := &channelLog{t: t, name: name, entries: map[string]*realtime.Publication{}, ever: newKnown()}
	for i, u := range []*Update{text(1, 0, "abc"), text(1, 3, "def"), text(2, 0, "xyz"), deletion(1, 0, 2)} {
		l.publish(&wire.ClientFrame{Key: strconv.Itoa(i), Data: toData(u.Append(nil))})
	}
	c := l.open(9)
	have := Ranges{}
	have.add(1, span{0, 6})
	c.send(syncMessage(syncStep1, have.StateVector()))
	if want := (Ranges{2: {{0, 3}}}); !reflect.DeepEqual(c.has.edits, want) || !reflect.DeepEqual(c.has.deleted, Ranges{1: {{0, 2}}}) {
		t.Errorf("was sent %v", c.has)
	}
	answer := Merge([]*Update{text(1, 0, "abcdef"), text(9, 0, "new"), deletion(1, 0, 3)})
	c.send(syncMessage(syncStep2, answer.Append(nil)))
	if len(c.owed) != 1 {
		t.Fatalf("%d publishes", len(c.owed))
	}
	u := parsed(t, ofData(c.owed[0].Data))
	if !reflect.DeepEqual(u.Edits(), Ranges{9: {{0, 3}}}) || !reflect.DeepEqual(u.deleted, Ranges{1: {{2, 3}}}) {
		t.Errorf("published %v and %v", u.Edits(), u.deleted)
	}
	c.send(syncMessage(syncStep1, have.StateVector())) // as with resyncInterval
}

func awarenessMessage(marks ...mark) []byte {
	return outbox.Frame{Bytes: appendMarks(nil, marks)}.Payload()
}

// What a client was told of others it sends back: that is not published as its own.
func TestAwarenessIsOnesOwn(t *testing.T) {
	t.Parallel()
	name, _ := realtime.NewChannel("acme", "docs:1")
	l := &channelLog{t: t, name: name, entries: map[string]*realtime.Publication{}, ever: newKnown()}
	c := l.open(9)
	says := awarenessMessage
	c.send(syncMessage(syncStep1, []byte{0}))
	c.send(says(mark{9, 1, []byte(`{"name":"ann"}`)}))
	aware, _ := realtime.NewChannel("acme", "docs-awareness:1")
	told := func(p *realtime.Publication) {
		p.Channel = aware
		f, _ := Encoder{}.Message(p)
		c.take(c.door.Translate(f.Bytes))
	}
	told(&realtime.Publication{Key: "c1", Data: []byte(`{"client":9,"clock":1,"state":{"name":"ann, before"}}`)})
	told(&realtime.Publication{Key: "c2", Data: []byte(`{"client":5,"clock":3,"state":{"name":"bob"}}`)})
	c.send(says(mark{5, 3, []byte(`{"name":"bob"}`)}))
	c.send(says(mark{5, 3, []byte(`null`)}))
	c.send(says(mark{9, 2, []byte(`{"name":"Ann"}`)}))
	told(&realtime.Publication{Key: "c2", Op: realtime.OpDelete})
	told(&realtime.Publication{Key: "c1", Op: realtime.OpDelete})
	c.send(says(mark{9, 3, []byte(`null`)}))
	var said []string
	for _, f := range c.owed {
		said = append(said, string(f.Data))
	}
	want := []string{`{"client":9,"clock":1,"state":{"name":"ann"}}`, `{"client":9,"clock":2,"state":{"name":"Ann"}}`, `{"client":9,"clock":3,"state":null}`}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("published %q", said)
	}
	if want := map[uint64]string{5: "null"}; !reflect.DeepEqual(c.marks, want) {
		t.Errorf("was told %v", c.marks)
	}
}

func FuzzDoor(f *testing.F) {
	f.Add(syncMessage(syncStep1, []byte{0}), []byte{messageAwareness, 1, 0})
	f.Add(syncMessage(syncStep2, text(1, 0, "x").Append(nil)), []byte{messageQueryAwareness})
	f.Add(syncMessage(syncStep1, []byte{1, 5, 7}), syncMessage(syncUpdate, deletion(1, 2, 3).Append(nil)))
	f.Fuzz(func(_ *testing.T, first, second []byte) {
		may := true
		d := New(Options{Channel: "docs:1", DataBytes: 1 << 10, Shared: NewShared(), MayPublish: func() bool { return may }, End: func(*realtime.Error) {}})
		for _, message := range [][]byte{first, second, first} {
			_, _ = d.Read(message)
			may = !may
			_ = d.Translate(appendFrame(nil, append([]byte{eventEntries, 0}, message...)))
			_ = d.Translate(appendFrame(nil, append([]byte{eventAwareness}, message...)))
			_ = d.Translate(appendFrame(nil, append([]byte{eventError, 0}, message...)))
			_ = d.Translate(appendFrame(nil, message))
		}
	})
}
