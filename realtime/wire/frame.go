package wire

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Subprotocol is the name of the protocol in a WebSocket handshake.
const Subprotocol = "tidewire.v1.json"

// Type is what a frame is, its member "type".
type Type string

// The types of frames that clients send.
const (
	TypeConnect     Type = "connect"
	TypeSubscribe   Type = "subscribe"
	TypeTune        Type = "tune"
	TypeUnsubscribe Type = "unsubscribe"
	TypePublish     Type = "publish"
	TypeCall        Type = "call"
	TypePresence    Type = "presence" // sent by servers as well
	TypeHistory     Type = "history"
	TypeRefresh     Type = "refresh"
	TypePing        Type = "ping"
)

// The types of frames that servers send, besides TypePresence.
const (
	TypeWelcome   Type = "welcome"
	TypeOK        Type = "ok"
	TypeError     Type = "error"
	TypeMessage   Type = "message"
	TypeSnapshot  Type = "snapshot"
	TypeChanges   Type = "changes"
	TypeDirect    Type = "direct"
	TypeNotice    Type = "notice"
	TypeMove      Type = "move"
	TypeHeartbeat Type = "heartbeat"
	TypeOccupancy Type = "occupancy"
	TypePong      Type = "pong"
)

// The codes of a notice.
const (
	NoticeGap     = "gap"     // something of the channel was missed right here
	NoticeDropped = "dropped" // the connection's full queue let some of the channel go
	NoticeTuned   = "tuned"   // the server gives a subscription another rate
	NoticeView    = "view"    // the client is shown something else of a channel with state
	// NoticeComplete is told when the states of all channels that a pattern selects have been sent for the first time.
	NoticeComplete = "complete"
	// NoticePresenceEnded is told when a watch of the channel's presence is not granted any more.
	NoticePresenceEnded = "presence-ended"
	// NoticeEnterEnded is told when what a client has entered a channel with is not granted any more.
	NoticeEnterEnded = "enter-ended"
)

// MaxSubBytes is the longest name that a client may give to a subscription.
const MaxSubBytes = 64

// MaxViewBytes is the longest view that a client gives back, and UnusableView stands for what no server has told it.
const (
	MaxViewBytes = 64
	UnusableView = "?"
)

// MaxIDBytes is the longest ID of a frame as it is written, quotes not counted.
const MaxIDBytes = 64

// ID is the id a client gave its frame, as it was written: a JSON integer or
// string, with its quotes. The answer carries the same bytes. It is empty if there is none.
type ID string

// MarshalJSON returns the ID as it was written, and null if there is none.
func (id ID) MarshalJSON() ([]byte, error) {
	if id == "" {
		return []byte("null"), nil
	}
	return []byte(id), nil
}

// UnmarshalJSON keeps the JSON as it is written.
func (id *ID) UnmarshalJSON(b []byte) error {
	*id = ID(b)
	return nil
}

// ClientFrame is one frame of a client. Type says which fields it uses; the
// others are zero. Only Data may share memory with what was decoded.
type ClientFrame struct {
	Type Type
	// ID is empty only where it may be: in connect and ping.
	ID ID

	Token string // connect (if it did not come in the handshake), refresh
	// AsOf is what a heartbeat said, in connect and subscribe: milliseconds since 1970, or 0 also if it is malformed.
	AsOf int64
	// MaxBytesPerSecond bounds the connection, in connect, and in a tune that has no Channel; 0 was not said.
	MaxBytesPerSecond int64
	// Subscriptions are those of connect. If they are no array they are one entry with an Err.
	Subscriptions []Subscription

	// Channel is the name inside the tenant: subscribe, unsubscribe, publish, presence. It is
	// not empty, and not checked further: realtime.NewChannel does that.
	Channel string
	Since   realtime.Position // subscribe; zero is "from now on", what is malformed is unusable
	// View is by what the client was shown the state that it has, as the server has told it: subscribe with state. What is malformed is UnusableView.
	View    string
	Options Options // subscribe, tune; of history Filter and Fields
	// Query says what is asked for: history.
	Query realtime.HistoryQuery
	// Sub is what the client calls a subscription, to tell it apart from others that reach the same channels: subscribe, tune, unsubscribe.
	Sub string
	// Positions are where the client stands in channels that a pattern selects: subscribe with a pattern, as an object in since. Views are by
	// what it was shown their states, as an object in view.
	Positions map[string]realtime.Position
	Views     map[string]string

	Data  []byte            // publish, call: compact JSON; nil only in a call without any and in a deletion
	Key   string            // publish
	Tags  map[string]string // publish
	Event string            // publish: the idempotency key
	Route string            // call, not empty
	Watch bool              // presence: tell who comes and goes; true if the frame says neither this nor Enter
	// Enter is what a client says of itself: presence. Asks says that the frame asks who is there as well.
	Enter *Enter
	Asks  bool

	// Transient says that the event must not be kept: publish.
	Transient bool
	// Op, TTL and what follows them are those of a Publication: publish. Op is never OpClear, which is not a client's.
	Op          realtime.Op
	TTL         time.Duration
	EventType   string
	Source      string
	ContentType string
	// If is what has to hold of the Key: publish.
	If *realtime.Condition

	// Refusals is the newest number of a PublishRefused that the client had received on this connection when it
	// sent a publish, and 0 before the first. It counts if CountsRefusals; an older client does not say.
	Refusals       int64
	CountsRefusals bool
}

// Enter is what a client says of its own presence: it enters with Data, has other Data now (Update), or leaves.
type Enter struct {
	Data   []byte // compact JSON
	Update bool
	Leave  bool
}

// Subscription is one entry of a connect frame.
type Subscription struct {
	Channel   string // as in ClientFrame; empty if it could not be read
	Since     realtime.Position
	View      string
	Options   Options
	Sub       string
	Positions map[string]realtime.Position
	Views     map[string]string
	// Err says what is wrong with the entry, which is to be refused with it while the others are taken; nil: nothing is.
	Err *realtime.Error
}

// DecodeError says why Decode refused a frame. It has the code
// realtime.CodeBadRequest, and its message can be shown to the client.
type DecodeError struct {
	// Err names what is wrong and what to do.
	Err *realtime.Error
	// ID is that of the frame if it could be read: Error answers it.
	ID ID
	// Fatal says that this was no frame at all. The connection is to be closed with Err; after
	// any other error it goes on, and nothing of the frame has taken effect.
	Fatal bool
}

// Error says what is wrong, and whether it ends the connection.
func (e *DecodeError) Error() string {
	if e.Fatal {
		return fmt.Sprintf("fatal: %v", e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns the *realtime.Error.
func (e *DecodeError) Unwrap() error { return e.Err }
