package wire

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/realtime"
)

// AppendJSON appends the frame as a client written in Go sends it, without a
// WebSocket header, because a client's are masked. What is empty is left out. ID and Data must be valid JSON.
func (f *ClientFrame) AppendJSON(b []byte) []byte {
	o := object{appendType(b, f.Type)}
	o.id(f.ID)
	for _, m := range []struct {
		name  member
		value string
	}{
		{memberToken, f.Token},
		{memberChannel, f.Channel},
		{memberRoute, f.Route},
		{memberKey, f.Key},
		{memberEvent, f.Event},
		{memberEventType, f.EventType},
		{memberSource, f.Source},
		{memberContentType, f.ContentType},
	} {
		if m.value != "" {
			o.text(m.name.String(), m.value)
		}
	}
	o.optional(memberSince, f.Since)
	o.view(f.View)
	if f.AsOf != 0 {
		o.int(memberAsOf.String(), f.AsOf)
	}
	if f.MaxBytesPerSecond != 0 {
		o.int(memberMaxBytesPerSecond.String(), f.MaxBytesPerSecond)
	}
	if f.CountsRefusals {
		o.int(memberRefusals.String(), f.Refusals)
	}
	if len(f.Subscriptions) > 0 {
		o.subscriptions(f.Subscriptions)
	}
	if f.Positions != nil {
		o.positions(memberSince.String(), f.Positions)
	}
	if f.Views != nil {
		o.texts(memberView.String(), f.Views)
	}
	if f.Sub != "" {
		o.text(memberSub.String(), f.Sub)
	}
	o.query(&f.Query)
	o.options(&f.Options)
	o.enter(f)
	published(&o, f)
	return append(o.b, '}')
}

// published appends what of an event has no text of its own in the frame.
func published(o *object, f *ClientFrame) {
	if len(f.Tags) > 0 {
		o.tags(f.Tags)
	}
	if f.TTL != 0 {
		o.text(memberTTL.String(), f.TTL.String())
	}
	if f.Transient {
		o.bool(memberTransient.String(), true)
	}
	if f.Op == realtime.OpDelete {
		o.bool(memberDelete.String(), true)
	}
	o.condition(f.If)
	if f.Data != nil {
		o.data(memberData.String(), f.Data)
	}
}

// enter appends what a presence frame says and asks.
func (o *object) enter(f *ClientFrame) {
	if f.Type != TypePresence {
		return
	}
	switch e := f.Enter; {
	case e == nil:
	case e.Leave:
		o.bool(memberLeave.String(), true)
	case e.Update:
		o.data(memberUpdate.String(), e.Data)
	default:
		o.data(memberEnter.String(), e.Data)
	}
	if f.Enter == nil && !f.Watch || f.Enter != nil && f.Asks {
		o.bool(memberWatch.String(), f.Watch)
	}
}

func (o *object) optional(name member, p realtime.Position) {
	if !p.IsZero() {
		o.position(name.String(), p)
	}
}

func (o *object) view(v string) {
	if v != "" {
		o.text(memberView.String(), v)
	}
}

func (o *object) condition(c *realtime.Condition) {
	switch {
	case c == nil:
	case c.Is == realtime.ConditionPosition:
		o.name(memberIf.String())
		o.b = append(appendString(append(o.b, `{"position":`...), c.Position.String()), '}')
	default:
		o.text(memberIf.String(), string(c.Is))
	}
}

func (o *object) subscriptions(all []Subscription) {
	o.name(memberSubscriptions.String())
	for i, s := range all {
		o.b = append(o.b, "[,"[min(i, 1)])
		o.b = append(o.b, `{"channel":`...)
		o.b = appendString(o.b, s.Channel)
		o.optional(memberSince, s.Since)
		o.view(s.View)
		if s.Positions != nil {
			o.positions(memberSince.String(), s.Positions)
		}
		if s.Views != nil {
			o.texts(memberView.String(), s.Views)
		}
		if s.Sub != "" {
			o.text(memberSub.String(), s.Sub)
		}
		o.options(&s.Options)
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

// ServerFrame is one frame of a server, as a client written in Go reads it. Type
// says which fields it uses; the others are zero.
type ServerFrame struct {
	Type Type `json:"type"`
	ID   ID   `json:"id,omitempty"` // of the client frame that this answers

	// welcome
	Connection  string          `json:"connection,omitempty"`
	User        string          `json:"user,omitempty"`
	Tenant      string          `json:"tenant,omitempty"`
	Instance    string          `json:"instance,omitempty"`
	ExpiresAt   int64           `json:"expiresAt,omitempty"` // ms since 1970; also ok of refresh, and message
	Limits      realtime.Limits `json:"limits,omitzero"`
	HeartbeatMs int64           `json:"heartbeatMs,omitempty"`
	Version     string          `json:"version,omitempty"` // of the server

	Channel string `json:"channel,omitempty"`
	Sub     string `json:"sub,omitempty"` // what the client calls the subscription
	// Position is where the client stands after this frame: ok of subscribe, message, notice "gap".
	Position string `json:"position,omitempty"`

	// ok
	Pattern bool     `json:"pattern,omitempty"` // Channel is a pattern
	Resumed bool     `json:"resumed,omitempty"`
	Reset   bool     `json:"reset,omitempty"` // also snapshot: what the client has is to be forgotten
	View    string   `json:"view,omitempty"`  // also snapshot, notice "view": by what the state is shown; empty: all of it is
	State   *StateOK `json:"state,omitempty"` // if the state follows
	// Rewound is how many messages follow that were published before, and Complete that nothing is missing of what was asked for; also of
	// history.
	Rewound  int  `json:"rewound,omitempty"`
	Complete bool `json:"complete,omitempty"`
	// Messages are those of history: each with position, time and what a message has. Hint is HintHTTP if there is more by HTTP.
	Messages []ServerFrame     `json:"messages,omitempty"`
	Hint     string            `json:"hint,omitempty"`
	MaxRate  float64           `json:"maxRate,omitempty"` // also notice "tuned"
	Filter   string            `json:"filter,omitempty"`  // of tune, as all below
	Fields   []string          `json:"fields,omitempty"`
	Keys     []string          `json:"keys,omitempty"`
	Paused   bool              `json:"paused,omitempty"`
	Gap      bool              `json:"gap,omitempty"`
	Event    string            `json:"event,omitempty"`
	Members  []realtime.Member `json:"members,omitempty"`
	Count    int               `json:"count,omitempty"` // also presence, notice "dropped"
	// Applied is of a publish with a condition: whether it counts. Position is that of the value that the key has now.
	Applied *bool `json:"applied,omitempty"`

	// message
	Key  string            `json:"key,omitempty"`
	Time int64             `json:"time,omitempty"` // ms since 1970
	Tags map[string]string `json:"tags,omitempty"`
	Data json.RawMessage   `json:"data,omitempty"` // also ok of call
	// Deleted is a message that removes Key, Cleared one that removes all keys of the channel. Neither has Data.
	Deleted     bool   `json:"deleted,omitempty"`
	Cleared     bool   `json:"cleared,omitempty"`
	EventType   string `json:"eventType,omitempty"` // also direct, as the next two
	Source      string `json:"source,omitempty"`
	ContentType string `json:"contentType,omitempty"` // of what Data was before it was made JSON

	Expired bool `json:"expired,omitempty"` // Deleted because its time was over

	// snapshot and changes
	Entries []ServerFrame `json:"entries,omitempty"` // each with key, position, time and what a message has; what is transient has no position
	More    bool          `json:"more,omitempty"`    // also ok of history
	Reason  string        `json:"reason,omitempty"`  // notice "tuned"

	// error and notice; the codes of a notice are NoticeGap, NoticeDropped and NoticePresenceEnded
	Code         realtime.Code `json:"code,omitempty"`
	Message      string        `json:"message,omitempty"`
	Limit        string        `json:"limit,omitempty"`
	RetryAfterMs int64         `json:"retryAfterMs,omitempty"`
	Refusals     int64         `json:"refusals,omitempty"` // of a publish that can be sent again

	// presence
	Joined    []realtime.Member `json:"joined,omitempty"`
	Updated   []realtime.Member `json:"updated,omitempty"`
	Truncated bool              `json:"truncated,omitempty"` // also ok of presence: not all are named

	// occupancy
	Connections int `json:"connections,omitempty"`
	Users       int `json:"users,omitempty"`

	// Left is who left; in a message it says that the value of Key is not shown any more.
	Left Left `json:"left,omitzero"`

	MaxBytesPerSecond int64 `json:"maxBytesPerSecond,omitempty"` // ok of a tune of the connection

	AfterMs int64 `json:"afterMs,omitempty"` // move
	AsOf    int64 `json:"asOf,omitempty"`    // heartbeat; ms since 1970
}

// DecodeServer reads one frame of a server. Nothing in it shares memory with
// payload. A type it does not know is no error: a client ignores such a frame.
func DecodeServer(payload []byte) (ServerFrame, error) {
	var f ServerFrame
	if err := json.Unmarshal(payload, &f); err != nil {
		return ServerFrame{}, fmt.Errorf("server frame: %w", err)
	}
	if f.Type == "" {
		return ServerFrame{}, errors.New("server frame: has no type")
	}
	return f, nil
}

// Left is the member "left" of a presence frame, a list, or of a message, true.
type Left struct {
	Members []realtime.Member
	Sight   bool
}

// UnmarshalJSON reads either form.
func (l *Left) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, &l.Members)
	}
	return json.Unmarshal(b, &l.Sight)
}

// MarshalJSON writes it.
func (l Left) MarshalJSON() ([]byte, error) {
	if l.Sight {
		return json.Marshal(true)
	}
	return json.Marshal(l.Members)
}

// StateOK says how large the state of a channel is.
type StateOK struct {
	Keys int `json:"keys"`
}
