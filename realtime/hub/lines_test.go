package hub_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/sse"
	"github.com/tidewire/tidewire/realtime/wire"
)

// lines is a protocol of lines of text: what it takes to add one.
type lines struct {
	outbox.Encoder
	calls *calls
}

func line(format string, args ...any) outbox.Frame {
	return outbox.Frame{Bytes: fmt.Appendf(nil, format+"\n", args...)}
}

func (lines) Name() string { return "lines.v1" }

func (lines) Subscribed(id string, c realtime.Channel, a outbox.Answer) outbox.Frame {
	return line("ok %s %s %s %v %v", id, c.Name(), a.Position, a.Resumed, a.Gap)
}

func (lines) Refused(id string, c realtime.Channel, err *realtime.Error) outbox.Frame {
	return line("no %s %s %s", id, c.Name(), err.Code)
}

func (l lines) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	l.calls.add(p)
	f := line("%s %s %s %v %s", p.Channel.Name(), p.Position(), p.Key, p.Tags, p.Data)
	end := len(f.Bytes) - len("\n")
	return f, f.Bytes[end-len(p.Data) : end : end]
}

func (lines) Direct(p *realtime.Publication) outbox.Frame {
	return line("direct %s %s", p.ID, p.Data)
}

func (lines) Gap(c realtime.Channel, at realtime.Position) outbox.Frame {
	return line("gap %s %s", c.Name(), at)
}

func (lines) Dropped(c realtime.Channel, n int) outbox.Frame {
	return line("dropped %s %d", c.Name(), n)
}

func (lines) Presence(c realtime.Channel, p *outbox.Presence) outbox.Frame {
	return line("present %s %v %v %d", c.Name(), p.Joined, p.Left, p.Count)
}

func (lines) Occupancy(c realtime.Channel, connections, users int) outbox.Frame {
	return line("occupied %s %d %d", c.Name(), connections, users)
}

func (lines) Ended(r realtime.Right, _ *realtime.Error) outbox.Frame {
	return line("ended %s %s", r.Action, r.Channel.Name())
}

func (lines) Heartbeat(asOf realtime.Position) outbox.Frame { return line("beat %d", asOf.Time) }
func (lines) Closing(err *realtime.Error) outbox.Frame      { return line("closing %s", err.Code) }
func (lines) Move(afterMs int64) outbox.Frame               { return line("move %d", afterMs) }

// calls counts how often each Publication was encoded.
type calls struct {
	mu   sync.Mutex
	byID map[string]int
}

func (c *calls) add(p *realtime.Publication) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = map[string]int{}
	}
	c.byID[p.ID]++
}

// take returns how many Publications were encoded since it was last called, and how often the one most of all.
func (c *calls) take() (encoded, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.byID {
		encoded, most = encoded+1, max(most, n)
	}
	c.byID = nil
	return encoded, most
}

// countedJSON and countedEvents count for the protocols that there are.
type countedJSON struct {
	wire.Encoder
	calls *calls
}

func (e countedJSON) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	e.calls.add(p)
	return e.Encoder.Message(p)
}

type countedEvents struct {
	sse.Encoder
	calls *calls
}

func (e countedEvents) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	e.calls.add(p)
	return e.Encoder.Message(p)
}

// rawReader keeps the frames that come as they are.
type rawReader struct {
	*page
	frames []string
}

func (r *rawReader) Flush() {
	for r.box.Begin() {
		for frames := r.box.Next(nil, 1<<16); len(frames) > 0; frames = r.box.Next(nil, 1<<16) {
			for _, f := range frames {
				r.frames = append(r.frames, string(f))
			}
		}
	}
}

func (r *rawReader) Shut(*realtime.Error) { r.Flush() }

// having counts the frames that hold a text.
func (r *rawReader) having(text string) (n int) {
	for _, f := range r.frames {
		n += strings.Count(f, text)
	}
	return n
}

// says is how often a frame says its position: an event twice.
func (r *rawReader) says() int {
	if r.box.Encoder().Name() == (sse.Encoder{}).Name() {
		return 2
	}
	return 1
}

// speak connects a reader that speaks a protocol, and has it ask for a channel.
func (r *rig) speak(e outbox.Encoder, channel string, since realtime.Position) *rawReader {
	r.t.Helper()
	reader := &rawReader{page: &page{t: r.t, box: outbox.New(e, nil)}}
	var err error
	reader.conn, err = r.hub.Connect(r.tenant, &realtime.Principal{
		Tenant: r.tenant.ID, User: "ann", Expires: time.Now().Add(24 * time.Hour), Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}, Presence: []realtime.Pattern{"**"}},
	}, reader.box, reader)
	if err != nil {
		r.t.Fatal(err)
	}
	r.subscribe(reader.page, channel, since, 0)
	return reader
}
