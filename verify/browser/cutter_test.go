package browser

import (
	"context"
	"sync"
)

// cutter ends the requests that are under way when a test says so.
type cutter struct {
	mu  sync.Mutex // guards end
	end map[*context.CancelFunc]bool
}

func newCutter() *cutter { return &cutter{end: map[*context.CancelFunc]bool{}} }

// begin returns the context of a request, and what the request calls when it is over.
func (c *cutter) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end[&cancel] = true
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.end, &cancel)
	}
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cancel := range c.end {
		(*cancel)()
	}
}
