package tidewire

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime/wire"
)

// Message is an event of a channel, or one that was sent to this connection, its user or a group of the user: that has neither
// Channel nor Position. It is shared by all who are given it: do not change it.
type Message struct {
	Channel  string
	Position string // where a reader stands that has had it
	ID       string
	Key      string // what it replaces; may be empty
	Time     time.Time
	Expires  time.Time // when the value of Key ends; zero is never
	Tags     map[string]string
	Data     json.RawMessage // nil if Deleted or Cleared

	Deleted bool // Key was removed
	Cleared bool // all keys of the channel were removed
	Expired bool // Deleted, because its time was up; there is no Position, for it is no event
	Left    bool // Key is not visible any more to who reads it

	EventType   string // the kind of event
	Source      string // what it comes from
	ContentType string // what Data was before it became JSON; empty if it was JSON

	// Frame is the JSON of the server, as it came.
	Frame json.RawMessage
}

// Kind says what an Update is.
type Kind string

// The kinds of Update.
const (
	KindMessage Kind = "message"
	// KindLive: the server has answered; the channel is read from Position on. It comes again after each reconnect.
	KindLive Kind = "live"
	// KindGap: something may be missing right here. Load what you keep of the channel again.
	KindGap Kind = "gap"
	// KindDropped: Count messages were dropped right here, because they were not taken fast enough.
	KindDropped Kind = "dropped"
	// KindSnapshot is a part of the state of the channel: Entries, with More behind it. What follows the last part is everything
	// after Position.
	KindSnapshot Kind = "snapshot"
	// KindComplete: of a pattern with State, the states of all its channels have been sent that there were. Of a channel about which
	// there was no KindLive since that of the pattern, nothing is left.
	KindComplete Kind = "complete"
	// KindTuned: the server gives the Subscription another MaxRate, because of Reason.
	KindTuned Kind = "tuned"
)

// Update is what a Subscription has to say.
type Update struct {
	Kind    Kind
	Channel string   // that it is about: of a Subscription to a pattern, one of its channels, or the pattern as a whole
	Message *Message // of KindMessage
	// Position is where the reader stands in Channel now. A pattern as a whole has none.
	Position string
	// Resumed, of KindLive, says that nothing was missed since the update before. Of a pattern as a whole it says that it goes on where it
	// was; where something is missing, a KindGap of that channel follows.
	Resumed bool
	Answer  bool // of KindGap: the channel is live again, and could not be resumed; else something was missed while it was
	Count   int  // of KindDropped
	// Of the first answer if there is a SubscribeOptions.Rewind, and of each later one that is not Resumed: so many messages follow that were published
	// before, and whether nothing of what was asked for is missing. A KindGap among them says where something is all the same.
	Rewound  int
	Complete bool

	// Of KindSnapshot:
	Entries []*Message
	More    bool
	Reset   bool // the snapshot begins again here: forget the parts before
	Frame   json.RawMessage

	MaxRate  float64 // of KindTuned, and of KindLive if there is one
	Reason   string  // of KindTuned
	ByServer bool    // of KindDropped: from the server's queue, by the channel's rules; else from the Subscription's
}

// size is about how much memory an Update takes.
func (u *Update) size() int {
	const overhead = 256
	n := overhead
	if u.Message != nil {
		n += len(u.Message.Frame)
	}
	return n + len(u.Entries)*overhead + 2*len(u.Frame) // as it came, and as it was read
}

// message makes a Message of a frame, which is not changed any more.
func message(f *wire.ServerFrame, raw []byte) *Message {
	m := &Message{
		Channel: f.Channel, Position: f.Position, ID: f.Event, Key: f.Key, Tags: f.Tags, Data: f.Data,
		Deleted: f.Deleted, Cleared: f.Cleared, Expired: f.Expired, Left: f.Left.Sight, EventType: f.EventType, Source: f.Source, ContentType: f.ContentType, Frame: raw,
	}
	if f.Time != 0 {
		m.Time = time.UnixMilli(f.Time)
	}
	if f.ExpiresAt != 0 {
		m.Expires = time.UnixMilli(f.ExpiresAt)
	}
	if _, id, ok := strings.Cut(f.Position, "-"); ok {
		m.ID = id
	}
	// Data is the last member of the frame, so that it need not be kept twice.
	if body := raw[:max(len(raw)-1, 0)]; len(f.Data) > 0 && bytes.HasSuffix(body, f.Data) {
		m.Data = json.RawMessage(body[len(body)-len(f.Data):])
	}
	return m
}
