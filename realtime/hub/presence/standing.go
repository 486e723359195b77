package presence

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// Standing is what one instance says of a member of a channel. Its JSON is what instances tell each other.
type Standing struct {
	User       string          `json:"user"`
	Connection string          `json:"connection,omitempty"`
	Groups     []string        `json:"groups,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
	At         int64           `json:"at,omitempty"`         // when Data was given, ms
	Present    bool            `json:"present,omitempty"`    // it is a member
	Subscribed int             `json:"subscribed,omitempty"` // how many of its connections read the channel
}

// is reports whether there is anything to say.
func (s *Standing) is() bool { return s.Present || s.Subscribed > 0 }

// entryCost is about what one that is anything takes, with the entries of maps that lead to it, beside its texts.
const entryCost = 400

// bytes is about what it takes.
func (s *Standing) bytes() int {
	if !s.is() {
		return 0
	}
	n := entryCost + 2*len(s.User) + 2*len(s.Connection) + len(s.Data)
	for _, g := range s.Groups {
		n += len(g) + 16
	}
	return n
}

func (s *Standing) equal(o *Standing) bool {
	return s.User == o.User && s.Connection == o.Connection && s.At == o.At && s.Present == o.Present && s.Subscribed == o.Subscribed &&
		bytes.Equal(s.Data, o.Data) && slices.Equal(s.Groups, o.Groups)
}

// encode returns it for others; nil if there is nothing to say.
func (s *Standing) encode() json.RawMessage {
	if !s.is() {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // Data is valid JSON
	}
	return text
}

// Parse reads what an instance says of a member; nil: what it cannot have said. It may be called at any time.
func Parse(value json.RawMessage) *Standing {
	is := new(Standing)
	if json.Unmarshal(value, is) != nil || is.User == "" || is.Subscribed < 0 || len(is.Data) > realtime.MaxEnterBytes {
		return nil
	}
	return is
}

// Who is one who is connected.
type Who struct {
	Connection, User string
	Groups           []string
}

// link is one connection of a member.
type link struct {
	subscriptions int
	entered       *entry
}

type entry struct {
	data json.RawMessage
	at   int64
}

// person is a member of a channel, as all instances say.
type person[W comparable] struct {
	links   map[W]*link         // its connections here
	leaves  bool                // the last of them was lost; it is present until room.leaving says otherwise
	own     Standing            // what is said of it here
	others  map[string]Standing // what other instances say
	present int                 // how many instances say that it is a member
}

// newer reports whether data given at a moment counts rather than other data: alike at all instances, whatever order they hear of them in.
func newer(data json.RawMessage, at int64, than json.RawMessage, thanAt int64) bool {
	return at > thanAt || at == thanAt && bytes.Compare(data, than) > 0
}

// member is what is told of it.
func (p *person[W]) member() realtime.Member {
	newest := p.own
	for _, o := range p.others {
		if o.Present && (!newest.Present || newer(o.Data, o.At, newest.Data, newest.At)) {
			newest = o
		}
	}
	return realtime.Member{User: newest.User, Connection: newest.Connection, Groups: newest.Groups, Data: newest.Data}
}
