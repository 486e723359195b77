package hub_test

import (
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// wanderer is a client that goes from hub to hub.
type wanderer struct {
	w      *world
	name   string
	client *resumetest.Client
	chans  []realtime.Channel // that it reads

	mu    sync.Mutex // guards visit
	visit *visit
}

// visit is one connection of a wanderer; it is the connection's transport.
type visit struct {
	who  *wanderer
	hub  *hub.Hub
	conn *hub.Connection
	told *resumetest.ClientConnection
	*transport

	asked map[realtime.Channel]string // the ID of the newest question; guarded by mu
}

// connect opens a connection to a hub, asks for the client's channels where it stands, and
// then closes the one before, or the other way round.
func (c *wanderer) connect(h *hub.Hub) {
	c.mu.Lock()
	old := c.visit
	c.mu.Unlock()
	if old != nil && c.w.rand.IntN(2) == 0 {
		old.end()
		old = nil
	}
	v := &visit{who: c, hub: h, told: c.client.Open(), transport: newTransport(c.w), asked: map[realtime.Channel]string{}}
	v.transport.hear = v.hear
	v.slow = c.w.rand.IntN(3) == 0
	v.box.LimitReplays(2 + c.w.rand.IntN(3000)) // so that replays last
	conn, err := h.Connect(c.w.tenant.Load(), &realtime.Principal{
		Tenant: "acme", User: c.name, Expires: time.Now().Add(100 * time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, v.box, v)
	if err != nil {
		v.told.Close()
		return
	}
	v.conn = conn
	for _, channel := range c.chans {
		v.ask(channel)
	}
	c.mu.Lock()
	c.visit = v
	c.mu.Unlock()
	if old != nil {
		// The new one is to have its answers before the old one goes.
		time.Sleep(time.Duration(c.w.rand.IntN(2000)) * time.Millisecond)
		synctest.Wait()
		old.end()
	}
}

func (c *wanderer) disconnect() {
	c.mu.Lock()
	v := c.visit
	c.visit = nil
	c.mu.Unlock()
	if v != nil {
		v.end()
	}
}

// stumble stops reading for a while, or for good if the queue overflows.
func (c *wanderer) stumble(ms int) {
	c.mu.Lock()
	v := c.visit
	c.mu.Unlock()
	if v == nil {
		return
	}
	v.mu.Lock()
	v.stuck = true
	v.mu.Unlock()
	c.w.closing.Go(func() {
		time.Sleep(time.Duration(ms) * time.Millisecond)
		v.mu.Lock()
		v.stuck = false
		v.mu.Unlock()
		v.Flush()
	})
}

func (c *wanderer) leave(channel realtime.Channel) {
	c.mu.Lock()
	v := c.visit
	c.mu.Unlock()
	if v == nil {
		return
	}
	v.mu.Lock()
	reads := !v.over && !v.stuck
	v.mu.Unlock()
	if !reads || !v.hub.Unsubscribe(v.conn, channel, "") {
		return
	}
	synctest.Wait() // what was queued has been read
	if !v.ended() {
		v.told.Leave(channel)
		v.ask(channel)
	}
}

// settle makes sure the client is connected for the end.
func (c *wanderer) settle() {
	for range 5 {
		c.mu.Lock()
		v := c.visit
		c.mu.Unlock()
		if v != nil && !v.ended() {
			return
		}
		c.connect(c.w.hubs[0])
		time.Sleep(time.Minute)
		synctest.Wait()
	}
}

func (v *visit) ask(channel realtime.Channel) {
	v.mu.Lock()
	if v.over {
		v.mu.Unlock()
		return
	}
	q := v.told.Ask(channel)
	id := strconv.FormatInt(v.who.w.asked.Add(1), 10)
	v.asked[channel] = id
	v.mu.Unlock()
	v.who.w.story.tell("%s %s %s: ask since %s asOf %d", v.who.name, v.hub.Instance(), channel.Name(), q.Since, q.AsOf.Time)
	err := v.hub.Subscribe(v.conn, hub.SubscribeRequest{ID: strconv.Quote(id), Channel: channel, Since: q.Since, AsOf: q.AsOf.Time})
	if err != nil {
		v.end()
	}
}

// end closes the connection from the client's side.
func (v *visit) end() {
	v.mu.Lock()
	v.over = true
	v.told.Close()
	v.mu.Unlock()
	v.hub.Disconnect(v.conn)
}

func (v *visit) Shut(*realtime.Error) {
	v.who.w.closing.Go(func() {
		v.Flush()
		v.end()
	})
}

func (v *visit) hear(f wire.ServerFrame, _ []byte) {
	if f.Type == wire.TypeHeartbeat {
		v.told.Heartbeat(realtime.Position{Time: f.AsOf})
		return
	}
	if f.Channel == "" {
		return
	}
	channel, err := realtime.NewChannel("acme", f.Channel)
	if err != nil {
		v.who.w.t.Error(err)
		return
	}
	at, err := realtime.ParsePosition(f.Position)
	if err != nil {
		v.who.w.t.Error(err)
	}
	v.who.w.story.tell("%s %s %s: %s %s resumed=%v gap=%v %s", v.who.name, v.hub.Instance(), f.Channel, f.Type, f.Position, f.Resumed, f.Gap, f.Code)
	v.who.w.losses.heard(v, channel, &f, at)
	switch f.Type {
	case wire.TypeOK:
		if string(f.ID) != strconv.Quote(v.asked[channel]) {
			break // it has left meanwhile, and asked again
		}
		v.told.Answer(channel, f.Resumed, f.Gap, at)
	case wire.TypeMessage:
		v.told.Message(channel, at)
	case wire.TypeNotice:
		v.told.Gap(channel, at)
	case wire.TypeError: // refused: the client comes again
		v.over = true
		v.told.Close()
		v.who.w.closing.Go(func() { v.hub.Disconnect(v.conn) })
	}
}
