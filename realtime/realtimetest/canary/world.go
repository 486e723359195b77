package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/words"
)

// World tries a server: two viewers, what is published, and what each may see.
type World struct {
	ctx     context.Context //nolint:containedctx // a World lives for one call of Run
	server  Server
	tenant  string
	options Options
	channel func(name string) (realtime.Channel, error)
	viewers []*Viewer
	witness *Viewer // sees all that the tenant lets anybody see: it can tell when a policy holds

	mu     sync.RWMutex // guards all below
	rng    *rand.Rand   // of what is published
	words  dictionary
	keys   map[string]string // keys that are words, by channel and client
	log    []*word           // the main word of each publication, in order
	number int
	ofKeys []*word // those that are keys
	leaks  []Leak
}

// Run tries a server with a seed. Its error says what leaked, what did not arrive and what the server did wrong.
// tenant is whose channels are used.
func Run(ctx context.Context, tenant string, s Server, o Options) error {
	if o.Steps == 0 {
		o.Steps = 20
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	w := &World{
		ctx: ctx, server: s, tenant: tenant, options: o, words: dictionary{}, keys: map[string]string{},
		rng:     rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // a seed makes a run again
		channel: func(name string) (realtime.Channel, error) { return realtime.NewChannel(tenant, name) },
	}
	for i, user := range users() {
		w.viewers = append(w.viewers, newViewer(w, user, rand.New(rand.NewPCG(o.Seed, uint64(2+i))))) //nolint:gosec // as above
	}
	err := w.run()
	for _, v := range w.viewers {
		v.leave()
	}
	faults := []error{err}
	for _, l := range w.leaks[:min(len(w.leaks), mostLeaks)] {
		faults = append(faults, l)
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("seed %d: %w", o.Seed, err)
	}
	return nil
}

func users() []string { return []string{"ann", "bob"} }

// clients are whose publications there are, beside those that are Shared.
func clients() []string { return []string{"ann", "bob", "desk-1", "desk-2"} }

// channels are the names that are published to: one that all tokens may read, and one for each user alone.
func channels() []string { return []string{"fleet:all", "fleet:ann", "fleet:bob"} }

// AllChannels is the pattern of all channels that are published to.
const AllChannels = "fleet:**"

func (w *World) run() error {
	if w.server.Stranger != nil {
		v := newViewer(w, "stranger", w.viewers[0].rng)
		if err := intrude(v); err != nil {
			return fmt.Errorf("a stranger: %w", err)
		}
		defer v.leave()
	}
	if w.server.Policy != nil {
		w.witness = newViewer(w, "witness", w.viewers[0].rng)
		if err := attend(w.witness); err != nil {
			return fmt.Errorf("a witness: %w", err)
		}
		defer w.witness.leave()
	}
	for step := 0; step < w.options.Steps && len(w.leaks) == 0; step++ {
		for _, v := range w.viewers {
			if err := v.step(); err != nil {
				return fmt.Errorf("step %d, %s after %v: %w", step, v.User, v.done, err)
			}
		}
		for range 5 + w.viewers[0].rng.IntN(10) {
			if err := w.publish(true); err != nil {
				return err
			}
		}
		if err := errors.Join(w.direct(), w.lose(), w.passSome()); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
	}
	return nil
}

// settle waits until every viewer has had what is due to it.
func (w *World) settle() error {
	for _, v := range w.viewers {
		if err := v.settle(); err != nil {
			return fmt.Errorf("%s after %v: %w", v.User, v.done, err)
		}
	}
	return nil
}

// during does something while others publish.
func (w *World) during(do func() error) error {
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(time.Millisecond):
			}
			if err := w.publish(false); err != nil {
				stopped <- err
				return
			}
		}
	}()
	err := do()
	close(stop)
	return errors.Join(err, <-stopped)
}

// publish publishes something of anybody to some channel. due says that it has to arrive where it is shown.
func (w *World) publish(due bool) error {
	w.mu.Lock()
	if w.server.Features.Transient && !due && w.rng.IntN(3) == 0 {
		w.mu.Unlock()
		return w.pass()
	}
	channel := channels()[w.rng.IntN(len(channels()))]
	client := append(clients(), Shared)[w.rng.IntN(len(clients())+1)]
	key := ""
	switch w.rng.IntN(3) {
	case 0:
		key = fmt.Sprint("v", w.rng.IntN(5))
	case 1:
		key = w.keyOf(channel + " " + client)
	}
	op := realtime.OpSet
	if w.server.Features.State && key != "" && w.rng.IntN(6) == 0 {
		op = realtime.OpDelete
	}
	w.mu.Unlock()
	_, err := w.send(&realtime.Publication{Key: key, Op: op}, channel, client, due)
	return err
}

// direct sends an event to each user alone.
func (w *World) direct() error {
	if w.server.Send == nil {
		return nil
	}
	for _, user := range users() {
		w.mu.Lock()
		w.number++
		p := &realtime.Publication{ID: fmt.Sprint("d", w.number)}
		made := &word{text: words.New(w.rng), of: p, place: inData, to: user}
		w.words.Add(made.text, made)
		w.mu.Unlock()
		p.Data = []byte(`{"for":"` + made.text + `"}`)
		for _, v := range w.viewers {
			v.expect(made, true)
		}
		if err := w.server.Send(user, p); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}

// keyOf returns a key that only publications of a client on a channel have.
func (w *World) keyOf(owner string) string {
	if w.keys[owner] == "" || w.rng.IntN(4) == 0 {
		w.keys[owner] = words.New(w.rng)
	}
	return w.keys[owner]
}

// send publishes one, whose words are known before anybody can be sent them.
func (w *World) send(p *realtime.Publication, channel, client string, due bool) (*realtime.Publication, error) {
	name, err := w.channel(channel)
	if err != nil {
		return nil, err
	}
	p.Channel, p.Tags = name, map[string]string{ClientTag: client}
	w.mu.Lock()
	w.number++
	p.ID = fmt.Sprint("e", w.number) // a position holds it, and positions are everybody's
	var main *word
	err = w.fill(p, &main)
	w.log = append(w.log, main)
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, v := range w.viewers {
		v.expect(main, due && p.Op == realtime.OpSet)
	}
	if err := w.server.Publish(p); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return p, nil
}

// fill puts words into a publication. main is the one that all who see anything of it see.
func (w *World) fill(p *realtime.Publication, main **word) error {
	add := func(at place, column string) string {
		made := &word{text: words.New(w.rng), of: p, client: p.Tags[ClientTag], place: at, column: column}
		w.words.Add(made.text, made)
		if column == Shown || *main == nil {
			*main = made
		}
		return made.text
	}
	if len(p.Key) == 2*words.Bytes && len(w.words.Plain([]byte(p.Key), "")) == 0 {
		made := &word{text: p.Key, of: p, client: p.Tags[ClientTag], place: inKey}
		w.words.Add(made.text, made)
		w.ofKeys = append(w.ofKeys, made)
	}
	if p.Op == realtime.OpDelete && w.rng.IntN(2) == 0 {
		p.Tags = nil // as most are
	} else {
		p.Tags["note"] = add(inTag, "")
	}
	p.EventType, p.Source = "moved."+add(inType, ""), "//sources/"+add(inSource, "")
	if p.Op == realtime.OpDelete {
		return nil
	}
	data, err := json.Marshal(map[string]any{
		Shown: add(inData, Shown), Hidden: add(inData, Hidden), Deep: map[string]any{add(inName, Deep): []any{add(inData, Deep), w.number}},
	})
	if err != nil {
		return err
	}
	p.Data = data
	return nil
}

// find returns the words that stand in b as they are.
func (w *World) find(b []byte) []hit {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.words.Plain(b, "")
}
