package tenantcache

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// wake begins to poll, if it does not. c.mu is held.
func (c *Reader) wake(now time.Time) {
	c.asked = now
	if c.polling || c.closed {
		return
	}
	c.polling, c.awake = true, now
	c.failing, c.failure = time.Time{}, nil // it may be long ago
	c.running.Go(func() { c.poll(now.Add(-pollOverlap)) })
}

// poll asks for what changed until nobody asks for tenants any more.
func (c *Reader) poll(since time.Time) {
	tick := time.NewTicker(c.o.Poll)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		if c.rest() {
			return
		}
		begun := time.Now()
		changed, err := c.changed(since)
		if c.heard(changed, begun, err) {
			since = begun.Add(-pollOverlap)
		}
	}
}

// changed asks the store for what has changed.
func (c *Reader) changed(since time.Time) (changed []realtime.TenantState, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.o.Timeout)
	defer cancel()
	if bad := c.contain(func() { changed, err = c.source.Changed(ctx, since) }); bad != nil {
		return nil, bad
	}
	return changed, err
}

// rest ends the polling if it is time.
func (c *Reader) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.asked) >= idleAfter {
		c.polling = false
	}
	c.known.Turn(now)
	return !c.polling
}

// heard takes the answer to a poll, and is false if there was none.
func (c *Reader) heard(changed []realtime.TenantState, begun time.Time, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.note(err) {
		return false
	}
	c.polled = begun
	for _, v := range changed {
		if d, known := c.known.Get(v.ID); known {
			c.change(d, v)
		} else {
			c.absent.remove(v.ID)
		}
	}
	return true
}

// note keeps whether the store can be read, and logs when that changes. c.mu is held.
func (c *Reader) note(err error) bool {
	switch {
	case err != nil && c.ctx.Err() != nil: // by Close
	case err != nil && c.failing.IsZero():
		c.failing, c.failure = time.Now(), err
		c.o.Logger.Warn("tenant documents cannot be read; known documents stay in effect", realtime.KeyError, err)
	case err == nil && !c.failing.IsZero():
		c.o.Logger.Info("tenant documents can be read again", realtime.KeyDuration, time.Since(c.failing))
		c.failing, c.failure = time.Time{}, nil
	}
	return err == nil
}
