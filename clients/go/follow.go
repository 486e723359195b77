package tidewire

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Loader keeps, for a program, what a channel tells the changes of, such as rows of a database. One goroutine calls it.
type Loader struct {
	// Load loads it, and returns a position: what was published up to then is in what it has loaded, what came later need not be. It is called at first,
	// and again whenever something may be missing; then it replaces what there was, and what is after its position comes once more. api.Client.Position
	// has such a position, to be asked for before loading. An error ends Follow.
	Load func(ctx context.Context) (position string, err error)
	// Apply is given each message after the position, in order and once. An error ends Follow.
	Apply func(*Message) error
}

// These spread how soon a Loader loads again whose positions are not good for anything.
const (
	loadFirst = 500 * time.Millisecond
	loadMost  = 30 * time.Second
)

// Follow has a Loader load what a channel tells the changes of, and then apply them, until ctx ends or something fails. The options may have a Filter, Fields, Keys,
// a Buffer and an Overflow.
func (c *Client) Follow(ctx context.Context, channel string, o SubscribeOptions, l Loader) error {
	switch {
	case l.Load == nil || l.Apply == nil:
		return realtime.Errorf(realtime.CodeBadRequest, "Load and Apply: must both be given")
	case realtime.IsSelection(channel):
		return realtime.Errorf(realtime.CodeBadRequest, "channel: must be one channel, and not the pattern %q", channel)
	case o.State || o.Since != "" || o.AsOf != 0 || !o.Rewind.IsZero():
		return realtime.Errorf(realtime.CodeBadRequest, "State, Since, AsOf and Rewind: cannot be given, because Load says where to begin")
	case o.Paused || o.MaxRate != 0:
		return realtime.Errorf(realtime.CodeBadRequest, "Paused and MaxRate: cannot be given, because every message is to be applied")
	}
	for vain := 0; ; vain++ {
		position, err := l.Load(ctx)
		if err != nil {
			return err
		}
		if at, err := realtime.ParsePosition(position); err != nil || at.IsZero() {
			return realtime.Errorf(realtime.CodeBadRequest, "Load: must return a position as the server sent it, got %.64q", position)
		}
		o.Since = position
		resumed, err := c.follow(ctx, channel, o, l.Apply)
		if !errors.Is(err, errMissing) {
			return err
		}
		if resumed {
			vain = 0
		}
		if err := sleep(ctx, rand.N(min(loadMost, loadFirst<<min(vain, 10)))); err != nil { //nolint:gosec // it spreads what many do
			return err
		}
	}
}

// errMissing says that something may not have come.
var errMissing = errors.New("something may be missing")

// follow applies what comes, until something may be missing. It reports whether the channel was read from where it was to begin.
func (c *Client) follow(ctx context.Context, channel string, o SubscribeOptions, apply func(*Message) error) (resumed bool, err error) {
	sub, err := c.Subscribe(channel, o)
	if err != nil {
		return false, err
	}
	defer sub.Close()
	for {
		u, err := sub.Next(ctx)
		switch {
		case err != nil:
			return resumed, err
		case u.Kind == KindGap, u.Kind == KindDropped:
			return resumed, errMissing
		case u.Kind == KindLive:
			resumed = resumed || u.Resumed
		case u.Kind == KindMessage:
			if err := apply(u.Message); err != nil {
				return resumed, err
			}
		}
	}
}
