package record

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/protocol"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// shelf is a Set of one tenant, with an Owner that removes records as soon as they hold nothing, but for those that are read.
type shelf struct {
	t       testing.TB
	set     *Set
	doc     *realtime.Tenant
	now     time.Time
	records map[realtime.Channel]*Record
	read    map[realtime.Channel]bool
	evicted map[realtime.Reason]int
	lost    int // that could not be encoded
}

func newShelf(t testing.TB, doc *realtime.Tenant) *shelf {
	t.Helper()
	s := &shelf{t: t, doc: doc, now: time.UnixMilli(1_800_000_000_000), records: map[realtime.Channel]*Record{}, read: map[realtime.Channel]bool{}, evicted: map[realtime.Reason]int{}}
	s.set = New(Options{Owner: s, Skew: 2 * time.Second, Memory: 10 * time.Minute})
	s.set.Complete(s.now)
	return s
}

func (s *shelf) Evicted(_ realtime.Channel, why realtime.Reason, n int) { s.evicted[why] += n }
func (s *shelf) Unencodable(realtime.Channel)                           { s.lost++ }

func (s *shelf) Emptied(c realtime.Channel) {
	if r := s.records[c]; !s.read[c] {
		delete(s.records, c)
		s.set.Remove(r)
	}
}

func (s *shelf) channel(name string) realtime.Channel {
	s.t.Helper()
	c, err := realtime.NewChannel(s.doc.ID, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// open returns the record of a channel, a new one if there is none.
func (s *shelf) open(name string) *Record {
	c := s.channel(name)
	r := s.records[c]
	if r == nil {
		r = s.set.Open(c, s.doc)
		s.records[c] = r
		s.set.Fit(r)
	}
	return r
}

// made returns the record of a channel that is read, made now.
func (s *shelf) made(name string) *Record {
	s.read[s.channel(name)] = true
	r := s.open(name)
	r.Make(s.now.UnixMilli())
	return r
}

// plain is a protocol whose frames are the data, behind a header.
type plain struct{ outbox.Encoder }

func frame(payload []byte) outbox.Frame {
	return outbox.Frame{Bytes: append(outbox.AppendFrameHeader(nil, 0x81, len(payload)), payload...)}
}

func (plain) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	f := frame(p.Data)
	return f, f.Payload()
}

func (plain) Gap(realtime.Channel, realtime.Position) outbox.Frame { return frame([]byte("gap")) }

// halves is a protocol whose frames do not hold the data as it is.
type halves struct{ plain }

func (halves) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	return frame(p.Data[:len(p.Data)/2]), nil
}

// broken is a protocol that cannot put what is odd.
type broken struct{ plain }

func (broken) Message(p *realtime.Publication) (outbox.Frame, []byte) {
	if len(p.Data)%2 == 1 {
		panic("odd")
	}
	return plain{}.Message(p)
}

func speak(e outbox.Encoder) *protocol.Protocol {
	return protocol.New(e, slog.New(slog.DiscardHandler), realtime.NoMetrics{})
}
