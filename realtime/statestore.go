package realtime

import (
	"context"
	"time"
)

// StateStore keeps checkpoints of the states of channels. The log is the truth: a store may be minutes behind, and says by
// its watermark how far it has come. Implementations are safe for concurrent use; storetest.TestStates is this contract as a test.
type StateStore interface {
	// Checkpoint returns what is stored of a channel. The watermark is read before the entries, so that they hold everything
	// that was published to the topic before it, and perhaps some of what came later. A topic of which nothing was ever saved
	// has a zero watermark. The entries belong to the caller.
	Checkpoint(ctx context.Context, topic Topic, c Channel) (*Checkpoint, error)
	// Save stores what has become of a topic's channels, and then moves the watermark up to a moment. A change is left out if what is stored of its
	// key, or a clear of its channel, has a later Position, so that repeating a Save, or one that failed in parts, does
	// no harm. The watermark never goes back. An error means that the watermark has not moved; some of the changes may be stored.
	Save(ctx context.Context, topic Topic, changes []StateChange, watermark time.Time) error
	// Watermark returns the moment before which everything published to the topic is stored; zero if nothing ever was.
	Watermark(ctx context.Context, topic Topic) (time.Time, error)
}

// Checkpoint is what a StateStore has of one channel.
type Checkpoint struct {
	Watermark time.Time
	Entries   []StateEntry // in the order of their keys, without those that were deleted or have expired
}

// StateEntry is the newest Publication of one key, with its Position's time.
type StateEntry struct {
	Publication // Op is OpSet; TTL is what was left out if Expires is zero
	Expires     time.Time
}

// StateChange is what has become of one key of a channel, or with OpClear of all: the newest only. Its Publication has the Channel and the Time.
type StateChange struct {
	Publication
	Expires time.Time // of OpSet: when the entry is over; zero is never
}
