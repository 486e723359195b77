package canary

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// Viewer is one user, with one connection at a time.
type Viewer struct {
	User string

	world   *World
	rng     *rand.Rand
	conn    *connection
	keys    map[*word]bool // those of what it was once shown: it may be told that they have left
	streams *streaming     // the stream of events that it has; nil: a socket
	shown   *frames.Screen // what was on the screen when it left
	done    []string
	calls   int

	mu   sync.Mutex // guards all below, for those who publish meanwhile
	told told
	due  map[*word]bool
}

// told is what a viewer and the server have agreed on.
type told struct {
	user               string
	token, policy, own Rights            // what its token says, the tenant, and what it asks for itself
	reads              map[string]string // channels that it is subscribed to, and the position that it had on the last connection
	views              map[string]string // by what it was shown those with state
	begins             map[string]begin  // of these, where the first answer was
	conflates          bool              // of a key only the newest has to arrive
	paused             bool
	state              map[string]any // the options with which it is subscribed to state; nil: it is not
	wild               bool           // it reads all channels by one subscription
	changing           bool           // nothing is due
	passed             bool           // it reads no state of what is transient
	next               Rights         // the policy that is to hold
}

// begin is a position of a channel, and how much had been published before.
type begin struct {
	position  string
	published int
}

func newViewer(w *World, user string, rng *rand.Rand) *Viewer {
	return &Viewer{User: user, world: w, rng: rng, told: told{user: user, reads: map[string]string{}, begins: map[string]begin{}}, keys: map[*word]bool{}, due: map[*word]bool{}}
}

// view is what holds for it.
func (t *told) view() view { return view{t.user, [3]Rights{t.token, t.policy, t.own}, t.passed} }

// tell changes what was agreed on.
func (v *Viewer) tell(change func(t *told)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.told)
}

// Rand is the source of its choices.
func (v *Viewer) Rand() *rand.Rand { return v.rng }

// step does one act.
func (v *Viewer) step() error {
	acts := slices.DeleteFunc(slices.Concat(stock(), asked(), pasts(), policies(), presence(), passes(), demands(), v.world.options.Acts), func(a Act) bool { return a.Needs != nil && !a.Needs(v.world.server.Features) })
	act := acts[v.rng.IntN(len(acts))]
	if v.told.state != nil && v.rng.IntN(3) == 0 { // which is seldom otherwise, and what is most easily wrong with it
		act = Act{Name: "state resumed with other rights", Do: func(v *Viewer) error { return resumeState(v, true) }}
	}
	if v.told.wild && v.told.state == nil && v.world.server.Features.Patterns && v.rng.IntN(2) == 0 { // so that it goes on from there, as often as others do
		act = Act{Name: "wildcard resumed", Do: resumeWildcard}
	}
	if at := slices.IndexFunc(acts, func(a Act) bool { return a.Name == goOn }); at >= 0 && v.told.paused && v.rng.IntN(3) == 0 { // or it leaves before that
		act = acts[at]
	}
	if v.conn == nil {
		act = acts[0] // it begins by connecting
	}
	v.world.options.Logf("%s: %s", v.User, act.Name)
	if v.done = append(v.done, act.Name); len(v.done) > 5 {
		v.done = v.done[1:]
	}
	if v.conn != nil {
		v.conn.acts = append(v.conn.acts, act.Name)
	}
	if err := act.Do(v); err != nil {
		return fmt.Errorf("%s: %w", act.Name, err)
	}
	return nil
}

// expect notes what has to arrive: main of a publication that it is shown.
func (v *Viewer) expect(main *word, due bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := main.of
	if main.to != "" {
		if due && main.to == v.User && v.conn != nil {
			v.due[main] = true
		}
		return
	}
	if _, reads := v.told.reads[p.Channel.Name()]; !reads {
		return
	}
	if v.told.conflates && p.Key != "" {
		for old := range v.due {
			if old.of.Key == p.Key && old.of.Channel == p.Channel {
				delete(v.due, old)
			}
		}
	}
	if due && !v.told.changing && v.told.view().shows(main) {
		v.due[main] = true
	}
}

// settle waits for what is due, and for a last publication on each channel, behind which nothing of what came before is.
func (v *Viewer) settle() error {
	if v.told.paused || v.conn == nil {
		return nil
	}
	for channel := range v.told.reads {
		if _, err := v.world.send(&realtime.Publication{}, channel, Shared, true); err != nil {
			return err
		}
	}
	v.mu.Lock()
	due := v.due
	v.due = map[*word]bool{}
	v.mu.Unlock()
	for w := range due {
		if err := v.conn.wait(v.world.options.Patience, fmt.Sprintf("a publication %s of client %q with key %q on %s", w.of.ID, w.client, w.of.Key, w.of.Channel.Name()), func() bool { return v.conn.seen[w] }); err != nil {
			return fmt.Errorf("%w\n%s", err, story(v, w.of.Channel.Name()))
		}
	}
	if v.told.state != nil {
		if err := v.checkScreen(); err != nil {
			return err
		}
	}
	return errors.Join(awaitPassing(v), awaitDemand(v))
}

// story tells what was published lately on a channel, what came of it, and what both viewers did, for a message.
func story(v *Viewer, channel string) string {
	var b strings.Builder
	for _, o := range v.world.viewers {
		fmt.Fprintf(&b, "%s: %v, %+v\n", o.User, o.done, o.told.view())
	}
	v.world.mu.RLock()
	for _, p := range v.world.log[max(0, len(v.world.log)-60):] {
		if p.of.Channel.Name() == channel {
			fmt.Fprintf(&b, "published %s %s of %q, key %q: %s\n", p.of.ID, p.of.Op, p.client, p.of.Key, p.text)
		}
	}
	v.world.mu.RUnlock()
	v.conn.mu.Lock()
	defer v.conn.mu.Unlock()
	for _, f := range v.conn.frames[max(0, len(v.conn.frames)-60):] {
		if f.Channel == channel {
			fmt.Fprintf(&b, "came %.500s\n", f.Raw)
		}
	}
	return b.String()
}

// Call sends a frame with an id and returns the answer, which has to be ok, welcome or pong. Members are those of the frame.
func (v *Viewer) Call(members map[string]any) (Frame, error) {
	f, err := v.Ask(members)
	if err == nil && f.Type != "ok" && f.Type != "welcome" && f.Type != "pong" {
		err = fmt.Errorf("%v is answered %s", members, f.Raw)
	}
	return f, err
}

// Ask sends a frame with an id and returns the answer, whatever it is.
func (v *Viewer) Ask(members map[string]any) (Frame, error) {
	v.calls++
	members["id"] = v.calls
	message, err := json.Marshal(members)
	if err != nil {
		return Frame{}, err
	}
	from := v.conn.count()
	if err := v.conn.by.Send(message); err != nil {
		return Frame{}, err
	}
	id := fmt.Sprint(v.calls)
	return v.conn.await(v.world.options.Patience, "the answer to "+string(message), from, func(f Frame) bool { return string(f.ID) == id })
}

// leave ends the connection, without a word to the server, and has judged what came on it.
func (v *Viewer) leave() {
	if v.conn == nil {
		return
	}
	v.conn.close()
	v.tell(func(t *told) {
		for channel := range t.reads {
			if p := v.conn.positions[channel]; p != "" {
				t.reads[channel] = p
			}
		}
		for w := range v.conn.seen {
			delete(v.due, w)
		}
	})
	v.told.views, v.shown = v.conn.views, v.conn.screen
	v.world.judge(v, v.conn)
	v.conn = nil
}
