package yjs

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// mergedPrefix begins the keys of entries that hold several updates.
const mergedPrefix = "m."

const (
	// after so many updates of a connection, or so many bytes, they are made one.
	logUpdates = 64
	logBytes   = 48 << 10
	// The entries of a document are made one when there are at least so many, as far as they fit into a bundle.
	bundleLeast = 128
	bundleMost  = 1024
	bundleBytes = 1 << 20
	// tidyAtOnce is how many entries are removed with one message.
	tidyAtOnce = 32
)

// log are the updates that a connection has published, each under a key of its own. When there are many, they are made one, and their keys are used again:
//
//	published --tidy--> merging --their union has come back from the broker--> free
//
// A key is given another value, or removed, only when the union is in the log before it. So whoever is shown the state, at whatever moment, is shown
// every update. What the connection leaves behind, others make one when they load the document (adopt).
type log struct {
	door  string
	next  int      // number of the next key
	free  []string // keys whose values are in a union
	parts []part   // published, in no union
	bytes int      // of them

	union   *Update // what the newest union holds, while it has room for more
	key     string  // of it
	unions  int     // number of the next union; none has the key of another
	merging []string
	awaited map[string]bool // keys of unions that have not come back
	past    string          // key of the union before, if the newest one holds it

	removable string // key of a union that another holds which has come back

	adopted []stored        // entries of others
	owed    map[string]bool // keys of the unions that hold them, and have not come back
}

type part struct {
	key    string
	update *Update
}

// stored is an entry of a state.
type stored struct {
	key, position string
	update        *Update
}

// bundle are entries that may be made one.
type bundle struct {
	entries []stored
	bytes   int
	full    bool
}

// add takes an entry that it may keep.
func (b *bundle) add(e *entry, u *Update) {
	b.full = b.full || len(b.entries) >= bundleMost || b.bytes+len(e.data) > bundleBytes
	if !b.full {
		b.entries = append(b.entries, stored{e.key, e.position, u})
		b.bytes += len(e.data)
	}
}

// add returns the key under which an update is to be published.
func (l *log) add(encoded []byte) (key string) {
	if n := len(l.free); n > 0 {
		key, l.free = l.free[n-1], l.free[:n-1]
	} else {
		key = l.door + "." + strconv.Itoa(l.next)
		l.next++
	}
	if u, err := Parse(slices.Clone(encoded)); err == nil { // it was encoded here
		l.parts = append(l.parts, part{key, u})
		l.bytes += len(encoded)
	}
	return key
}

// comes is told of each entry that the connection is shown.
func (l *log) comes(key string, set bool) {
	if !set || !strings.HasPrefix(key, mergedPrefix) {
		return
	}
	delete(l.owed, key)
	if l.awaited[key] {
		if delete(l.awaited, key); len(l.awaited) == 0 {
			l.free = append(l.free, l.merging...)
			l.merging = nil
			l.removable = l.past
		}
	}
}

// tidy returns what is to be published now so that the document has fewer entries.
func (l *log) tidy(channel string, most int) (frames []wire.ClientFrame) {
	if len(l.merging) == 0 && (len(l.parts) >= logUpdates || l.bytes >= logBytes) {
		frames = l.merge(channel, most)
	}
	if l.removable != "" {
		f := tidies(channel, l.removable)
		f.Op = realtime.OpDelete
		frames = append(frames, f)
		l.removable = ""
	}
	if len(l.owed) > 0 {
		return frames
	}
	n := min(tidyAtOnce, len(l.adopted))
	for _, e := range l.adopted[:n] {
		at, err := realtime.ParsePosition(e.position)
		if err != nil {
			continue
		}
		f := tidies(channel, e.key)
		f.Op, f.If = realtime.OpDelete, &realtime.Condition{Is: realtime.ConditionPosition, Position: at}
		frames = append(frames, f)
	}
	l.adopted = l.adopted[n:]
	return frames
}

func tidies(channel, key string) wire.ClientFrame {
	return wire.ClientFrame{Type: wire.TypePublish, ID: tidying, Channel: channel, Key: key, Event: strings.ToLower(rand.Text())}
}

// merge publishes the union of what was published, under the key of the last one as long as that has room.
func (l *log) merge(channel string, most int) (frames []wire.ClientFrame) {
	updates := make([]*Update, 0, len(l.parts)+1)
	for _, p := range l.parts {
		l.merging = append(l.merging, p.key)
		updates = append(updates, p.update)
	}
	l.parts, l.bytes, l.past = nil, 0, ""
	l.awaited = map[string]bool{}
	if l.union != nil {
		if union := Merge(append(updates, l.union)); len(union.Append(nil)) <= most/2 {
			l.union, l.past = union, l.key
			return l.unite(channel, [][]byte{union.Append(nil)})
		}
	}
	l.union = Merge(updates)
	encoded, ok := l.union.Split(most)
	if !ok { // each was short enough: it does not happen
		l.union, l.merging = nil, nil
		return nil
	}
	if len(encoded) > 1 {
		l.union = nil // it has no room
	}
	return l.unite(channel, encoded)
}

// unite publishes parts of a union.
func (l *log) unite(channel string, parts [][]byte) (frames []wire.ClientFrame) {
	for _, part := range parts {
		l.key = l.unionKey()
		l.awaited[l.key] = true
		frames = append(frames, l.publish(channel, l.key, part))
	}
	return frames
}

// forget leaves what was published as it is: some of it may have been refused.
func (l *log) forget() {
	l.parts, l.bytes, l.union = nil, 0, nil
}

func (l *log) unionKey() string {
	l.unions++
	return mergedPrefix + l.door + "." + strconv.Itoa(l.unions)
}

func (*log) publish(channel, key string, update []byte) wire.ClientFrame {
	f := tidies(channel, key)
	f.Data = toData(update)
	return f
}

// adopt publishes the union of entries that the document had when it was loaded. They are removed once that has come back, unless they have changed.
func (l *log) adopt(b *bundle, channel string, most int, shared *Shared) (frames []wire.ClientFrame) {
	if b == nil || len(b.entries) < bundleLeast || !shared.tidies(channel, time.Now()) {
		return nil
	}
	updates := make([]*Update, len(b.entries))
	for i := range b.entries {
		updates[i] = b.entries[i].update
	}
	encoded, ok := Merge(updates).Split(most)
	if !ok || len(encoded) > len(b.entries)/4 {
		return nil // there is little to be gained
	}
	l.adopted, l.owed = b.entries, map[string]bool{}
	for i := range l.adopted {
		l.adopted[i].update = nil
	}
	for _, part := range encoded {
		key := l.unionKey()
		l.owed[key] = true
		frames = append(frames, l.publish(channel, key, part))
	}
	return frames
}
