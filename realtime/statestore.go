package realtime

import (
	"context"
	"time"
)

// StateStore keeps checkpoints of the states of channels. The log is the truth: a store may be minutes behind, and says by
// its watermark how far it has come. Implementations are safe for concurrent use; storetest.TestStates is this contract as a test.
type StateStore interface {
	// Checkpoint returns what is stored of a channel. The watermark is read before the entries, so that they hold everything
	// that was published to the channel before it, of each key that or something newer. A channel of a namespace that nobody keeps
	// has a zero watermark and no entries. The entries belong to the caller.
	Checkpoint(ctx context.Context, topic Topic, c Channel) (*Checkpoint, error)
	// Entries is Checkpoint for a part of the entries. More says that there are more behind the last one.
	Entries(ctx context.Context, topic Topic, c Channel, q StateQuery) (page *Checkpoint, more bool, err error)
	// Channels returns the channels of a tenant that a pattern selects of which something is stored, and perhaps some of which nothing is any more, in
	// any order, at most as many, and one more if there are more.
	Channels(ctx context.Context, tenant string, p Pattern, most int) ([]Channel, error)
	// Watermark returns the moment before which everything published to the topic is stored; zero if nobody keeps it.
	Watermark(ctx context.Context, topic Topic) (time.Time, error)
}

// StateWriter is how a keeper writes to a StateStore what it reads from a topic, of which there is one at a time. Implementations are safe for
// concurrent use.
type StateWriter interface {
	// Claim makes a keeper the only one that may save for a topic until a moment, or renews that, and returns what is stored of
	// the topic. An *Error with CodeConflict says that another one has claimed it. The zero moment lets it go, if it is
	// the keeper's.
	Claim(ctx context.Context, topic Topic, keeper string, until time.Time) (*StateMark, error)
	// Save stores what has become of a topic's channels, and then puts a mark over the one that is there, unless it is nil. There is one change
	// of each key at most, and a clear comes before the changes of its channel that are newer. A change is left out if it has the ID of what is stored of its key, or if that, or a clear of its channel, is later; of
	// equal Times the one that is saved later counts. So a Save may be repeated, or come again with what was read again.
	// An error means that some of the changes may be stored, and the mark only if all are. CodeConflict says that the
	// topic is not the keeper's any more: what it saves then changes nothing that its successor has saved.
	// The watermark never goes back. The slices and maps stay the caller's.
	Save(ctx context.Context, topic Topic, keeper string, changes []StateChange, mark *StateMark) error
	// Newest returns the newest change that is stored of each of some keys, in their order: a value, also one that has expired, a deletion, or
	// the clear of the channel that removed what was before. It is zero if none is stored, or if that was removed so long ago that it is
	// forgotten: an hour at least. The changes belong to the caller.
	Newest(ctx context.Context, keys []StateRef) ([]StateChange, error)
}

// StateRef names a key of a channel.
type StateRef struct {
	Channel Channel
	Key     string
}

// MaxStateBytes is the largest Data of an entry that a store keeps.
const MaxStateBytes = 1_000_000

// Checkpoint is what a StateStore has of one channel.
type Checkpoint struct {
	Watermark time.Time
	Entries   []StateEntry // in the order of their keys, without those that were deleted or have expired
}

// StateQuery selects entries by the bytes of their keys.
type StateQuery struct {
	Prefix string
	After  string // a key, which need not be there; empty is the beginning
	Limit  int    // 1 to 1000; 0 is 100
}

// Check fills in the default of the limit.
func (q StateQuery) Check() (StateQuery, error) {
	switch {
	case q.Limit < 0 || q.Limit > 1000:
		return q, Errorf(CodeBadRequest, "limit: must be 1 to 1000, got %d", q.Limit)
	case q.Limit == 0:
		q.Limit = 100
	}
	if err := checkText("prefix", q.Prefix, MaxIDBytes); err != nil {
		return q, err
	}
	return q, checkText("after", q.After, MaxIDBytes)
}

// StateEntry is the newest Publication of one key, with its Position's time. Its Op is OpSet.
type StateEntry struct {
	Publication
	Expires time.Time // when the entry is over; zero is never
}

// StateChange is what has become of one key of a channel, or with OpClear of all: the newest only. Its Publication has
// the Channel and the Time.
type StateChange struct {
	Publication
	Expires time.Time // of OpSet: when the entry is over; zero is never
}

// Check refuses a change that cannot be stored. An error has code CodeBadRequest, or CodeTooLarge, and names the field.
func (c *StateChange) Check() error {
	switch {
	case c.ID == "":
		return Errorf(CodeBadRequest, "id: is missing")
	case c.Time.UnixMilli() <= 0:
		return Errorf(CodeBadRequest, "time: must be later than 1970, got %s", c.Time.UTC().Format(time.RFC3339))
	case c.Op == OpSet && c.Key == "":
		return Errorf(CodeBadRequest, "key: is missing")
	case len(c.Data) > MaxStateBytes:
		return Errorf(CodeTooLarge, "data: must be at most %d bytes to be kept as state, got %d", MaxStateBytes, len(c.Data))
	}
	return c.Publication.Check()
}

// Replaces reports whether a change that is saved takes the place of what is stored with an ID and a time, or comes after
// such a clear; see StateWriter.
func (c *StateChange) Replaces(id string, at time.Time) bool {
	return c.ID != id && !c.Time.Before(at)
}

// StateMark is how far a store has come with a topic.
type StateMark struct {
	// Watermark is the moment before which everything that was published to the topic is stored.
	Watermark time.Time
	// Since says for each namespace that is kept from which moment on its state is whole: older entries are not told. "*" are those of the tenant
	// that are not named; the zero time says that one is not kept.
	Since map[NamespaceRef]time.Time
	// Pending are namespaces that are kept, but whose state is not whole yet.
	Pending map[NamespaceRef]PendingState
	// Recent are the last Publications that were folded, by which a keeper that goes on knows repetitions.
	Recent []RecentPublication
}

// PendingState says since when a namespace is kept, and from which moment on its state is whole once that has settled.
type PendingState struct{ At, Since time.Time }

// RecentPublication names a Publication by hashes of its Channel and of both its Channel and ID.
type RecentPublication struct {
	Channel, ID uint64
	Time        int64 // ms
}

// NamespaceRef names a namespace of a tenant.
type NamespaceRef struct{ Tenant, Namespace string }

// Of returns the moment from which the state of a channel is whole; zero if it is not kept.
func (m *StateMark) Of(c Channel) time.Time {
	since, ok := m.Since[NamespaceRef{c.Tenant(), c.Namespace()}]
	if !ok {
		since = m.Since[NamespaceRef{c.Tenant(), "*"}]
	}
	return since
}
