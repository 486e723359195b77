package resumetest

import (
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// clientMemory is how long a Client knows an ID again.
const clientMemory = 10 * time.Minute

// Client does what a correct client of the socket protocol does, and tells a Checker
// what its user is told. It keeps a Position per channel over its connections, drops
// repeated IDs of the last 10 minutes, and may have two connections at a time
// while it moves from one to the other:
//
//	conn := client.Open()
//	q := conn.Ask(channel)                    // put q.Since and q.AsOf into the subscribe frame
//	conn.Answer(channel, resumed, gap, position)
//	conn.Message(channel, position)           // once per message frame
//	conn.Close()                              // then Open again, Ask again
//
// It is safe for concurrent use, and costs memory for the IDs of 10 minutes.
type Client struct {
	name    string
	checker *Checker

	mu       sync.Mutex // guards what follows, and all of its connections
	channels map[realtime.Channel]*standing
	repeated int
	opened   int // connections ever
}

// standing is where a client stands in a channel.
type standing struct {
	position realtime.Position
	asOf     realtime.Position   // the newest that vouches for this channel
	source   *ClientConnection   // the connection whose messages count: the last one that was answered
	seen     map[string]sighting // by ID
	order    []sighting          // oldest first
}

// sighting is an ID, when it came last, and by which connection.
type sighting struct {
	id string
	at time.Time
	by *ClientConnection
}

// NewClient returns a client without connections. Names are unique within a checker.
func NewClient(name string, k *Checker) *Client {
	return &Client{name: name, checker: k, channels: map[realtime.Channel]*standing{}}
}

// Open begins a connection. The client may have another one, which it leaves
// channel by channel as the new one is answered.
func (c *Client) Open() *ClientConnection {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	return &ClientConnection{
		client:   c,
		number:   c.opened,
		asked:    map[realtime.Channel]realtime.Position{},
		answered: map[realtime.Channel]bool{},
		skip:     map[realtime.Channel]realtime.Position{},
	}
}

// Repeated is how many messages a connection brought twice. The client dropped
// the second ones, but a hub should have.
func (c *Client) Repeated() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.repeated
}

// Position returns where the client stands in a channel.
func (c *Client) Position(channel realtime.Channel) realtime.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.standing(channel).position
}

// standing is called with c.mu held.
func (c *Client) standing(channel realtime.Channel) *standing {
	s := c.channels[channel]
	if s == nil {
		s = &standing{seen: map[string]sighting{}}
		c.channels[channel] = s
	}
	return s
}

// ClientConnection is one connection of a Client. What comes after Close is ignored.
type ClientConnection struct {
	client   *Client
	number   int // among those of the client
	closed   bool
	asked    map[realtime.Channel]realtime.Position // open questions and the Position each gave
	answered map[realtime.Channel]bool
	skip     map[realtime.Channel]realtime.Position // see Answer
}

// Question is what a client sends to read a channel.
type Question struct {
	Channel realtime.Channel
	Since   realtime.Position // zero the first time
	AsOf    realtime.Position // zero if nothing vouches for the channel
}

// Ask asks to read a channel.
func (n *ClientConnection) Ask(channel realtime.Channel) Question {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.standing(channel)
	n.asked[channel] = s.position
	c.checker.Asked(c.name, channel)
	return Question{Channel: channel, Since: s.position, AsOf: s.asOf}
}

// Answer is the ok frame of a subscribe. One that comes after a newer connection's is ignored: the channel has been left here.
func (n *ClientConnection) Answer(channel realtime.Channel, resumed, gap bool, position realtime.Position) {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.closed {
		return
	}
	s := c.standing(channel)
	since, open := n.asked[channel]
	delete(n.asked, channel)
	n.answered[channel] = true
	if open && s.source != nil && s.source.number > n.number {
		c.checker.Unasked(c.name, channel)
		return
	}
	s.source = n
	elsewhere := open && since != s.position // another connection has brought more meanwhile, or told a gap
	switch {
	case s.position.IsZero():
		s.position = position
	case elsewhere && (resumed || position.Time < s.position.Time):
		// What comes now from further back was either given or told missing.
		n.skip[channel] = s.position
	case gap || !resumed:
		gap = true // it does not go on from there
		s.position = position
	}
	c.checker.Answer(c.name, channel, resumed, gap)
}

// Message is a message frame; position is the message's own. It reports whether
// the message was new.
func (n *ClientConnection) Message(channel realtime.Channel, position realtime.Position) bool {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.standing(channel)
	if !n.counts(s, channel, position.ID) {
		return false
	}
	if until, skipping := n.skip[channel]; skipping {
		if position.Time <= until.Time && position.ID != until.ID {
			return false
		}
		delete(n.skip, channel)
	}
	if position.Time >= s.position.Time {
		s.position = position
	}
	if by := s.sees(position.ID, n); by != nil {
		if by == n {
			c.repeated++
		}
		return false
	}
	c.checker.Message(c.name, channel, position.ID)
	return true
}

// Gap is a notice frame with code gap.
func (n *ClientConnection) Gap(channel realtime.Channel, position realtime.Position) {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.standing(channel)
	if !n.counts(s, channel, "") {
		return
	}
	if position.Time >= s.position.Time {
		s.position = position
	}
	c.checker.Gap(c.name, channel)
}

// Heartbeat is a heartbeat frame. It vouches for the channels that were answered
// on this connection.
func (n *ClientConnection) Heartbeat(asOf realtime.Position) {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.channels {
		if s.source == n && asOf.Time > s.asOf.Time {
			s.asOf = asOf
		}
	}
}

// Close ends the connection, from either side. It may be called twice.
func (n *ClientConnection) Close() {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.closed {
		return
	}
	n.closed = true
	for channel := range n.asked {
		c.checker.Unasked(c.name, channel)
	}
	for channel, s := range c.channels {
		if s.source == n {
			s.source = nil
			c.checker.Lost(c.name, channel)
		}
	}
}

// Refused is an error frame that answers a subscribe. The client may ask again.
func (n *ClientConnection) Refused(channel realtime.Channel) {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := n.asked[channel]; open && !n.closed {
		delete(n.asked, channel)
		c.checker.Unasked(c.name, channel)
	}
}

// Leave is an unsubscribe. What the client had of the channel is forgotten.
func (n *ClientConnection) Leave(channel realtime.Channel) {
	c := n.client
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.channels, channel)
	delete(n.asked, channel)
	delete(n.answered, channel)
	c.checker.Left(c.name, channel)
}

// counts reports whether a frame about a channel counts, and tells the checker
// of one that came before the answer.
func (n *ClientConnection) counts(s *standing, channel realtime.Channel, id string) bool {
	if n.closed {
		return false
	}
	if !n.answered[channel] {
		n.client.checker.early(n.client.name, channel, id)
		return false
	}
	return s.source == n
}

// sees remembers an ID. It returns the connection that has brought it before, if one has.
func (s *standing) sees(id string, n *ClientConnection) *ClientConnection {
	now := time.Now()
	for len(s.order) > 0 && now.Sub(s.order[0].at) > clientMemory {
		if oldest := s.order[0]; s.seen[oldest.id] == oldest {
			delete(s.seen, oldest.id)
		}
		s.order = s.order[1:]
	}
	before := s.seen[id]
	s.seen[id] = sighting{id, now, n}
	s.order = append(s.order, s.seen[id])
	return before.by
}
