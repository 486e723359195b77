package gateway_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/wire"
)

// gateways starts some on one broker.
func gateways(t *testing.T, n int, doc *realtime.Tenant) []*service {
	t.Helper()
	broker := memory.NewBroker(memory.BrokerOptions{})
	t.Cleanup(func() {
		if err := broker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	all := make([]*service, n)
	for i := range all {
		all[i] = start(t, gateway.Options{Broker: broker}, doc)
	}
	return all
}

// contest is what became of locks that many clients wanted.
type contest struct {
	mu      sync.Mutex             // guards what follows
	winners map[int][]string       // by lock, the events that were told that they count
	told    map[int]map[string]int // by lock, the positions that clients were told
}

// TestLocksHaveOneWinner: of all clients that want a lock, on whichever gateways, one is told that it has it, all are told who that is, and nobody who
// reads, on whichever gateway, is ever given what another one wrote. TIDEWIRE_LOCKS sets how many locks there are.
func TestLocksHaveOneWinner(t *testing.T) {
	t.Parallel()
	locks, clients := 20, 30
	if text := os.Getenv("TIDEWIRE_LOCKS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		locks, clients = n, 100
	}
	doc := stateful(func(n *realtime.Namespace) { n.State.Keys, n.State.Bytes = 20_000, 64<<20 })
	doc.Limits.ConnectionsPerUser, doc.Limits.QueueMessages, doc.Limits.QueueBytes = 200, 100_000, 64<<20
	services := gateways(t, 3, doc)
	viewers := make([]*peer, len(services))
	for i, s := range services {
		viewers[i] = s.connect("acme", "viewer")
		viewers[i].send(`{"type":"subscribe","id":1,"channel":"fleet:locks"}`)
		viewers[i].expect(`{"type":"ok","id":1}`)
	}
	c := &contest{winners: map[int][]string{}, told: map[int]map[string]int{}}
	var running sync.WaitGroup
	for i := range clients {
		p := services[i%len(services)].connect("acme", "u"+strconv.Itoa(i))
		running.Go(func() { c.want(p, i, locks) })
	}
	seen := make([]map[string]string, len(viewers))
	for i, v := range viewers {
		running.Go(func() { seen[i] = v.locks(locks) })
	}
	running.Wait()
	c.check(t, locks, clients, seen)
}

// want has a client want one lock after the other.
func (c *contest) want(p *peer, client, locks int) {
	for n := range locks {
		event := fmt.Sprintf("c%d-%d", client, n)
		p.send(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"fleet:locks","key":"lock:%d","event":%q,"ttl":"200s","if":"absent","data":{"holder":%q}}`, n, n, event, event))
		f, err := p.next()
		if err != nil || f.Type != wire.TypeOK || f.Applied == nil || f.Event != event || f.Position == "" {
			p.t.Errorf("client %d is answered %+v, %v", client, f, err)
			return
		}
		c.mu.Lock()
		if *f.Applied {
			c.winners[n] = append(c.winners[n], event)
		}
		if c.told[n] == nil {
			c.told[n] = map[string]int{}
		}
		c.told[n][f.Position]++
		c.mu.Unlock()
	}
}

// locks reads until every lock has been seen, and returns who has it.
func (p *peer) locks(n int) map[string]string {
	all := map[string]string{}
	for len(all) < n {
		f, err := p.next()
		if err != nil || f.Type != wire.TypeMessage || all[f.Key] != "" {
			p.t.Errorf("a viewer that has seen %d locks is given %+v, %v", len(all), f, err)
			return all
		}
		all[f.Key] = f.Position + string(f.Data)
	}
	return all
}

func (c *contest) check(t *testing.T, locks, clients int, seen []map[string]string) {
	t.Helper()
	for n := range locks {
		if len(c.winners[n]) != 1 || len(c.told[n]) != 1 {
			t.Errorf("lock %d was won by %v, and clients were told %v", n, c.winners[n], c.told[n])
			continue
		}
		for position, told := range c.told[n] {
			want := fmt.Sprintf(`%s{"holder":%q}`, position, c.winners[n][0])
			for i, all := range seen {
				if got := all["lock:"+strconv.Itoa(n)]; got != want || told != clients {
					t.Errorf("lock %d: %d clients were told %s, and the viewer of gateway %d was shown %s", n, told, want, i, got)
				}
			}
		}
	}
	t.Logf("%d locks, wanted by %d clients on 3 gateways", locks, clients)
}

// A lock is renewed and released by who has it, whichever gateway it comes to; its retry is told what became of the first; and what cannot be is refused.
func TestConditions(t *testing.T) {
	t.Parallel()
	services := gateways(t, 2, stateful())
	ann, bob := services[0].connect("acme", "ann"), services[1].connect("acme", "bob")
	ask := func(p *peer, frame, want string) wire.ServerFrame {
		t.Helper()
		p.send(`{"type":"publish","id":1,"channel":"fleet:eu",` + frame + `}`)
		return p.expect(want)
	}
	got := ask(ann, `"key":"l","event":"a1","ttl":"60s","if":"absent","data":"ann"`, `{"type":"ok","event":"a1","applied":true}`)
	ask(bob, `"key":"l","event":"b1","if":"absent","data":"bob"`, `{"type":"ok","applied":false,"position":"`+got.Position+`"}`)
	ask(ann, `"key":"l","event":"a1","ttl":"60s","if":"absent","data":"ann"`, `{"type":"ok","event":"a1","applied":true,"position":"`+got.Position+`"}`)
	ask(bob, `"key":"l","event":"a1","ttl":"60s","if":"absent","data":"ann"`, `{"type":"ok","event":"a1","applied":true,"position":"`+got.Position+`"}`)
	renewed := ask(ann, `"key":"l","ttl":"60s","if":{"position":"`+got.Position+`"},"data":"ann"`, `{"type":"ok","applied":true}`)
	ask(ann, `"key":"l","delete":true,"if":{"position":"`+got.Position+`"}`, `{"type":"ok","applied":false,"position":"`+renewed.Position+`"}`)
	ask(ann, `"key":"l","delete":true,"if":{"position":"`+renewed.Position+`"}`, `{"type":"ok","applied":true}`)
	ask(bob, `"key":"l","if":"present","data":"bob"`, `{"type":"ok","applied":false}`)
	ask(bob, `"key":"l","ttl":"60s","if":"absent","data":"bob"`, `{"type":"ok","applied":true}`)
	ask(bob, `"if":"absent","data":"bob"`, `{"type":"error","code":"bad-request","message":"if: needs a key, of whose value it speaks"}`)
	ask(bob, `"key":"l","ttl":"500s","if":"absent","data":"bob"`, `{"type":"error","code":"bad-request","message":"ttl: must be at most 4m0s with a condition in the namespace of \"fleet:eu\", got 8m20s"}`)
	bob.send(`{"type":"publish","id":1,"channel":"prices:fx","key":"k","if":"absent","data":1}`)
	bob.expect(`{"type":"error","code":"bad-request","message":"if: the namespace of \"prices:fx\" keeps no state"}`)
}
