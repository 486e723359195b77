package limit

import (
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Connection is the seat and the meter of one open connection, 48 bytes. Its methods may be
// called concurrently. They take from the connection's own bucket and from those
// of its user and tenant, without a lock, by the newest document the Limiter has been given.
// Each returns nil if there is room.
type Connection struct {
	tenant *tenant
	user   *user
	own    [ownKinds]bucket
	closed atomic.Bool
}

// Frame counts a frame that was received, of n bytes. Its refusal is
// framesPerSecond or bytesPerSecond.
func (c *Connection) Frame(n int) *realtime.Error {
	one, all := c.claims(frames, 1), c.claims(bytes, n)
	return c.take([]claim{one[0], all[0], one[1], all[1], one[2], all[2]})
}

const (
	// maxDebt is how far a client may be over the rate of its own input, and for how long in a row, before it is closed.
	maxDebt = 3 * time.Second
	// maxHold is how long it is held up because others of its user or tenant have used what they share.
	maxHold = time.Second
)

// Input counts n frames that are no message of their own - pings, pongs, fragments - and their bytes, which have come
// already. A client that is over its own rate is not to be read from for as long as hold. If it has been held up for long it is to be
// closed: the error is framesPerSecond or bytesPerSecond. What the user's or the tenant's other connections use only slows it down.
func (c *Connection) Input(n, size int, held time.Duration) (hold time.Duration, err *realtime.Error) {
	now := c.tenant.limiter.now()
	for _, claims := range [...][numLevels]claim{c.claims(frames, n), c.claims(bytes, size)} {
		own := &claims[ofConnection]
		wait := time.Duration(own.bucket.charge(now, own.cost(), int64(burst)))
		if wait > 0 && held+wait > maxDebt {
			return 0, c.tenant.refuse(own, int64(wait))
		}
		hold = max(hold, wait)
		if _, wait := take(now, claims[ofUser:]); wait > 0 {
			hold = max(hold, min(time.Duration(wait), maxHold))
		}
	}
	return hold, nil
}

// Subscribe counts a frame that subscribes, to however many channels. Its refusal is subscribesPerSecond.
func (c *Connection) Subscribe() *realtime.Error {
	claims := c.claims(subscribes, 1)
	return c.take(claims[:])
}

// Publish counts an event that the connection's user publishes. Its refusal is publishesPerSecond.
func (c *Connection) Publish() *realtime.Error {
	claims := c.tenant.claims(c.user, publishes, 1)
	return c.take(claims[:])
}

// PublishFrame counts a frame of n bytes that publishes an event, as Frame and Publish do together, or nothing. If there
// will be room within patience it returns how long that takes, and counts no refusal.
func (c *Connection) PublishFrame(n int, patience time.Duration) (wait time.Duration, err *realtime.Error) {
	one, all, event := c.claims(frames, 1), c.claims(bytes, n), c.tenant.claims(c.user, publishes, 1)
	claims := [...]claim{one[0], all[0], one[1], all[1], one[2], all[2], event[0], event[1]}
	bad, late := take(c.tenant.limiter.now(), claims[:])
	switch {
	case bad == nil:
		return 0, nil
	case time.Duration(late) <= patience:
		return time.Duration(late), nil
	}
	return 0, c.tenant.refuse(bad, late)
}

// Close gives the seat back. It may be called twice.
func (c *Connection) Close() {
	if c.closed.Swap(true) {
		return
	}
	l := c.tenant.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	c.tenant.open--
	c.user.open--
}

// claims are what n of a kind ask of the buckets of all three levels.
func (c *Connection) claims(k kind, n int) [numLevels]claim {
	rates := &c.tenant.figures.Load().rates[k]
	return [...]claim{
		{bucket: &c.own[k], kind: k, level: ofConnection, n: n, rate: rates[ofConnection]},
		{bucket: &c.user.shared[k], kind: k, level: ofUser, n: n, rate: rates[ofUser]},
		{bucket: &c.tenant.shared[k], kind: k, level: ofTenant, n: n, rate: rates[ofTenant]},
	}
}

func (c *Connection) take(claims []claim) *realtime.Error {
	bad, wait := take(c.tenant.limiter.now(), claims)
	if bad == nil {
		return nil
	}
	return c.tenant.refuse(bad, wait)
}
