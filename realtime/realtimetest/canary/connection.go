package canary

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// Frame is what a client needs to know of a frame.
type Frame = frames.Frame

// protocol is one way to talk to a server.
type protocol interface {
	Next() ([]byte, error)
	Send(message []byte) error
	Consumed() int
	Close() error
}

// epoch is a part of a capture for which some views hold: while rights change, those before and those after.
type epoch struct {
	from  int
	views []view
}

// connection is one connection of a viewer, from its first byte to its last.
type connection struct {
	tap    *capture.Tap
	by     protocol
	find   func([]byte) []hit // words as they are
	ended  chan struct{}
	epochs []epoch // by the one who acts
	acts   []string
	holds  Frame // behind which a policy holds

	passing map[string]bool // channels whose transient events it reads
	demand  bool            // it reads what is wanted
	tracked *word           // a key that it asks for

	mu        sync.Mutex // guards all below
	changed   chan struct{}
	frames    []Frame
	seen      map[*word]bool
	positions map[string]string // by channel: the newest that was read
	views     map[string]string // by channel with state: by what that is shown
	screen    *frames.Screen
	fault     error
}

// open begins to read. find returns the words in a frame, and shown is what the client shows before.
func open(tap *capture.Tap, by protocol, find func([]byte) []hit, of view, shown *frames.Screen) *connection {
	c := &connection{
		tap: tap, by: by, find: find, ended: make(chan struct{}), epochs: []epoch{{0, []view{of}}},
		changed: make(chan struct{}), seen: map[*word]bool{}, positions: map[string]string{}, passing: map[string]bool{}, views: map[string]string{}, screen: shown,
	}
	go c.read()
	return c
}

func (c *connection) read() {
	defer close(c.ended)
	for {
		payload, err := c.by.Next()
		f := Frame{Raw: payload, End: c.by.Consumed()}
		if err == nil {
			if err = json.Unmarshal(payload, &f); err != nil {
				err = fmt.Errorf("%.200s: %w", payload, err)
			}
		}
		c.mu.Lock()
		if err != nil {
			c.fault = err
		} else {
			c.take(f)
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *connection) take(f Frame) {
	c.frames = append(c.frames, f)
	for _, h := range c.find(f.Raw) {
		c.seen[h.Word] = true
	}
	if f.Position != "" && f.Channel != "" && (f.Type == "message" || f.Type == "ok" || f.Type == "position") {
		c.positions[f.Channel] = f.Position
	}
	if f.Type == "ok" && f.State != nil || f.Type == "snapshot" && f.More != nil && !*f.More || f.Type == "notice" && f.Code == "view" {
		c.views[f.Channel] = f.View
	}
	c.screen.Take(f)
}

// close ends the connection and waits for its reader.
func (c *connection) close() {
	_ = c.by.Close()
	<-c.ended
}

// wait waits until done says so, which is called with the lock held.
func (c *connection) wait(within time.Duration, what string, done func() bool) error {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		finished, fault, changed, last := done(), c.fault, c.changed, c.last()
		c.mu.Unlock()
		switch {
		case finished:
			return nil
		case fault != nil:
			return fmt.Errorf("waiting for %s: %w; the last frame is %s", what, fault, last)
		}
		select {
		case <-changed:
		case <-timeout.C:
			return fmt.Errorf("%s does not come within %s; the last frame is %s", what, within, last)
		}
	}
}

// last returns the end of the last frame, for a message.
func (c *connection) last() string {
	if len(c.frames) == 0 {
		return "none"
	}
	return fmt.Sprintf("%.300s", c.frames[len(c.frames)-1].Raw)
}

// await returns the first frame from number from on that is wanted.
func (c *connection) await(within time.Duration, what string, from int, wanted func(Frame) bool) (found Frame, err error) {
	err = c.wait(within, what, func() bool {
		for ; from < len(c.frames); from++ {
			if wanted(c.frames[from]) {
				found = c.frames[from]
				return true
			}
		}
		return false
	})
	return found, err
}

func (c *connection) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.frames)
}

// begin says which views hold from what has been read so far on.
func (c *connection) begin(views ...view) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := 0
	if n := len(c.frames); n > 0 {
		at = c.frames[n-1].End
	}
	c.epochs = append(c.epochs, epoch{at, views})
}

// beginAt says which view holds behind a frame.
func (c *connection) beginAt(f Frame, v view) { c.epochs = append(c.epochs, epoch{f.End, []view{v}}) }
