package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/sse"
	"github.com/tidewire/tidewire/realtime/wire"
)

// Readers of three protocols share a hub: each Publication is encoded once for each protocol that
// somebody reads it by, live and by replays, and not at all for the others.
func TestEachProtocolEncodesOnce(t *testing.T) {
	t.Parallel()
	for _, namespace := range []string{"prices", "tick", "short"} {
		t.Run(namespace, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := acmeTenant()
				tenant.Namespaces = map[string]realtime.Namespace{"tick": {Tick: realtime.Duration(20 * time.Millisecond)}, "short": {Window: 15}}
				r := newRig(t, tenant)
				protocols := []outbox.Encoder{countedJSON{calls: &calls{}}, lines{calls: &calls{}}, countedEvents{calls: &calls{}}}
				callsOf := []*calls{protocols[0].(countedJSON).calls, protocols[1].(lines).calls, protocols[2].(countedEvents).calls}
				want := func(when string, want ...int) {
					t.Helper()
					for i, c := range callsOf {
						if got, most := c.take(); got != want[i] || most > 1 {
							t.Errorf("%s: %s encoded %d Publications, at most %d times each; want %d, once", when, protocols[i].Name(), got, most, want[i])
						}
					}
				}
				channel := namespace + ":fx"
				ids := func(from, n int) (all []string) {
					for i := range n {
						all = append(all, fmt.Sprintf("e%d.", from+i))
					}
					return all
				}
				publish := func(all []string) {
					t.Helper()
					pubs := make([]realtime.Publication, len(all))
					for i, id := range all {
						pubs[i] = realtime.Publication{Channel: r.channel(channel), ID: id, Key: "k", Tags: map[string]string{"region": "eu", "desk": "fx"}, Data: []byte(`{"n":1}`)}
					}
					if err := r.pub.Publish(t.Context(), r.tenant, pubs); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				first := r.speak(protocols[0], channel, realtime.Position{})
				others := []*rawReader{r.speak(protocols[0], channel, realtime.Position{}), r.speak(protocols[1], channel, realtime.Position{}), r.speak(protocols[1], channel, realtime.Position{})}
				began := realtime.Position{Time: time.Now().UnixMilli() - 1}
				publish(ids(0, 10))
				want("live", 10, 10, 0)

				// Those who come later are given the same frames, and a protocol that comes later its own.
				readers := append(slices.Clone(others), first)
				for _, p := range protocols {
					for range 2 {
						readers = append(readers, r.speak(p, channel, began))
					}
				}
				want("replay", 0, 0, 10)
				publish(ids(10, 5))
				want("live again", 5, 5, 5)
				for _, reader := range readers {
					for _, id := range ids(0, 15) {
						if n := reader.having("-" + id); n != reader.says() {
							t.Fatalf("%s came %d times to a reader of %s: %q", id, n, reader.box.Encoder().Name(), reader.frames)
						}
					}
					if n := reader.having("region") + reader.having("desk"); n != 30 {
						t.Errorf("a reader of %s was told %d tags, want 30", reader.box.Encoder().Name(), n)
					}
				}

				// Nobody reads: nothing is encoded until somebody asks for it.
				for _, reader := range readers {
					r.hub.Disconnect(reader.conn)
				}
				stay := r.speak(protocols[1], namespace+":other", realtime.Position{})
				defer r.hub.Disconnect(stay.conn)
				since := realtime.Position{Time: time.Now().UnixMilli() - 1}
				publish(ids(15, 10))
				want("nobody reads", 0, 0, 0)
				for range 2 {
					r.speak(protocols[2], channel, since)
				}
				want("a replay reads", 0, 0, 10)
			})
		})
	}
}

// What is not of a channel goes to each connection in its own protocol as well.
func TestEachProtocolIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		text := r.speak(lines{calls: &calls{}}, "board:7", realtime.Position{})
		json := r.speak(wire.Encoder{}, "board:7", realtime.Position{})
		events := r.speak(sse.Encoder{}, "board:7", realtime.Position{})
		all := []*rawReader{text, json, events}
		for _, reader := range all {
			if err := r.hub.AskPresence(reader.conn, r.channel("board:7"), true); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second) // all instances have been heard
		r.connectTo("bob", "board:7")
		time.Sleep(2 * time.Second)
		if err := r.pub.SendDirect(t.Context(), r.tenant, realtime.Target{User: "ann"}, &realtime.Publication{ID: "d1", Data: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, reader := range all {
			reader.conn.Move(time.Second)
			reader.conn.Close(realtime.Errorf(realtime.CodeDraining, "bye"))
			reader.Flush()
		}
		for i, want := range [][]string{
			{"ok 1 board:7", "present board:7 [{bob  [all] []}]", "direct d1 1", "beat ", "move 1000", "closing draining"},
			{`"type":"ok","id":1`, `"joined":[{"user":"bob"`, `"event":"d1"`, `"type":"heartbeat"`, `"afterMs":1000`, `"code":"draining"`},
			{"event: ok\n", "event: presence\n", "event: direct\n", "event: heartbeat\n", "event: move\n", "event: closing\n"},
		} {
			if missing := slices.DeleteFunc(want, func(s string) bool { return all[i].having(s) > 0 }); len(missing) > 0 {
				t.Errorf("%s: %q is missing in %q", all[i].box.Encoder().Name(), missing, all[i].frames)
			}
		}
	})
}

// connectTo has a user read a channel.
func (r *rig) connectTo(user, channel string) *page {
	p := r.connect(user)
	r.subscribe(p, channel, realtime.Position{}, 0)
	return p
}

// picky is a protocol that cannot put some Publications.
type picky struct{ lines }

func (p picky) Message(m *realtime.Publication) (outbox.Frame, []byte) {
	if m.ID == "poison" {
		p.calls.add(m)
		panic("poison")
	}
	return p.lines.Message(m)
}

// A Publication that one protocol cannot put is missing for its readers, who are told so in its place, also when they
// resume across it. Readers of others have it.
func TestOneProtocolCannotEncode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		tries := &calls{}
		began := realtime.Position{Time: time.Now().UnixMilli() - 1}
		json := r.connectTo("bob", "prices:fx")
		picked := []*rawReader{r.speak(picky{lines{calls: tries}}, "prices:fx", realtime.Position{}), r.speak(picky{lines{calls: tries}}, "prices:fx", realtime.Position{})}
		r.publish("prices:fx", "e1", "poison", "e3")
		r.expect(json, "ok", "e1", "poison", "e3")
		picked = append(picked, r.speak(picky{lines{calls: tries}}, "prices:fx", began))
		for i, reader := range picked {
			got := strings.Join(reader.frames, "")
			for _, want := range []string{"-e1 ", "gap prices:fx ", "-poison\n", "-e3 "} {
				_, rest, found := strings.Cut(got, want)
				if !found {
					t.Errorf("reader %d: %q is missing in %q, or out of order", i, want, reader.frames)
				}
				got = rest
			}
		}
		if n, most := tries.take(); n != 3 || most != 1 {
			t.Errorf("%d Publications were tried, %d times at most; want 3, once", n, most)
		}
	})
}
