package hub_test

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/hub/view"
	"github.com/tidewire/tidewire/realtime/wire"
)

// viewer is a client that believes what it is told: a connection that comes back, and what it has on its screen of some channels.
type viewer struct {
	w     *viewWorld
	name  string
	desk  string // its token's filter; empty is none
	blind bool   // its token shows no member of data
	views []*screen
	seat  *seat
	fixed bool // its token stays what it is
}

// seat is one connection of a viewer, and its transport.
type seat struct {
	v          *viewer
	hub        *hub.Hub
	conn       *hub.Connection
	*transport // its mu guards the viewer's screens
}

// byDesk is a filter by a tag, and byOdd one by the last digit of the ID's number.
type byDesk string

func (d byDesk) Match(p *realtime.Publication, _ *view.Memo) bool { return p.Tags["desk"] == string(d) }
func (d byDesk) ID() string                                       { return "desk " + string(d) }
func (d byDesk) Equalities() []view.Equality {
	return []view.Equality{{Name: "tags.desk", Values: []string{string(d)}}}
}

type byOdd struct{}

func (byOdd) Match(p *realtime.Publication, _ *view.Memo) bool { return p.Tags["odd"] == "1" }
func (byOdd) ID() string                                       { return "odd" }

type deskCompiler struct{}

func (deskCompiler) Compile(source string, _ view.Viewer) (view.Filter, error) {
	if source == "odd" {
		return byOdd{}, nil
	}
	if desk, ok := strings.CutPrefix(source, "desk "); ok {
		return byDesk(desk), nil
	}
	return nil, errors.New("unknown filter")
}

// connect opens a connection to a hub; the one before is closed first.
func (v *viewer) connect(h *hub.Hub) {
	v.disconnect()
	s := &seat{v: v, hub: h, transport: newTransport(v.w.world)}
	s.transport.hear = s.hear
	s.slow = v.w.rand.IntN(4) == 0
	s.box.LimitReplays(2 + v.w.rand.IntN(3000))
	conn, err := h.Connect(v.w.tenant.Load(), v.principal(), s.box, s)
	if err != nil {
		return
	}
	s.conn, v.seat = conn, s
	for _, sc := range v.views {
		s.ask(sc)
	}
}

func (v *viewer) principal() *realtime.Principal {
	p := &realtime.Principal{
		Tenant: "acme", User: v.name, Expires: time.Now().Add(100 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}
	if v.desk != "" {
		p.Views.Filters = map[realtime.Pattern][]string{"**": {"desk " + v.desk}}
	}
	if v.blind {
		p.Views.Columns = map[realtime.Pattern][]string{"**": {"none"}}
	}
	return p
}

func (v *viewer) disconnect() {
	if v.seat != nil {
		v.seat.end()
		v.seat = nil
	}
}

func (s *seat) end() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.hub.Disconnect(s.conn)
}

// ask asks for a channel from where the screen stands.
func (s *seat) ask(sc *screen) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	sc.answered, sc.time = false, 0
	since := sc.at
	if sc.loading {
		since = realtime.Position{} // what it has is a part of a snapshot
	}
	sc.asked = strconv.FormatInt(s.v.w.asked.Add(1), 10)
	req := hub.SubscribeRequest{ID: strconv.Quote(sc.asked), Channel: sc.channel, Since: since, View: sc.view, Want: sc.want, State: sc.state}
	s.v.w.story.tell("%s %s %s: asks since %s by %q state=%v %+v", s.v.name, s.hub.Instance(), sc.channel.Name(), since, sc.view, sc.state, sc.want)
	s.mu.Unlock()
	if err := s.hub.Subscribe(s.conn, req); err != nil {
		if realtime.CodeOf(err) == realtime.CodeConflict {
			sc.fail("asks twice")
		}
		s.v.w.story.tell("%s refused: %v", s.v.name, err)
		s.again(sc)
	}
}

// again asks again in a while.
func (s *seat) again(sc *screen) {
	s.v.w.closing.Go(func() {
		time.Sleep(5 * time.Second)
		s.ask(sc)
	})
}

func (s *seat) Shut(err *realtime.Error) {
	s.v.w.story.tell("%s is shut: %v", s.v.name, err)
	s.v.w.closing.Go(s.end)
}

func (s *seat) hear(f wire.ServerFrame, frame []byte) {
	for _, sc := range s.v.views {
		if f.Channel == sc.channel.Name() {
			sc.hear(s, &f, frame)
		}
	}
}
