package event

import (
	"encoding/json"

	"github.com/tidewire/tidewire/realtime"
)

// The types of events, as ce-type has them.
const (
	TypeConnect   = "dev.tidewire.connection.connect.v1"
	TypeSubscribe = "dev.tidewire.connection.subscribe.v1"
	TypePublish   = "dev.tidewire.connection.publish.v1"
	TypeCall      = "dev.tidewire.connection.call.v1"
)

// TypeOf returns the type of an event that hooks are asked about; empty for any other.
func TypeOf(e realtime.HookEvent) string {
	switch e {
	case realtime.HookConnect:
		return TypeConnect
	case realtime.HookSubscribe:
		return TypeSubscribe
	case realtime.HookPublish:
		return TypePublish
	case realtime.HookCall:
		return TypeCall
	}
	return ""
}

// Event is the body of a request. Which fields it has depends on its type.
type Event struct {
	Tenant string `json:"tenant"`
	// User and Groups are who asks, with the groups of the connect hook once that has answered.
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
	// Connection is the client's; it has none yet when it wants to connect.
	Connection string `json:"connection,omitempty"`
	// Meta is what the answer to connect has said.
	Meta map[string]string `json:"meta,omitempty"`

	// Of connect: what the token grants, and where the client comes from.
	Grants    *realtime.Grants `json:"grants,omitempty"`
	Remote    string           `json:"remote,omitempty"`
	Path      string           `json:"path,omitempty"`
	Origin    string           `json:"origin,omitempty"`
	UserAgent string           `json:"userAgent,omitempty"`

	// Channel is that of subscribe and publish. A client that subscribes to a pattern reads all channels that it selects, also later ones: then
	// Pattern is set instead.
	Channel string `json:"channel,omitempty"`
	Pattern string `json:"pattern,omitempty"`

	// Of publish: what is published. Op is delete or clear for what removes a key or all of them, which has no Data.
	Key  string            `json:"key,omitempty"`
	Op   string            `json:"op,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
	// Route is that of a call. Data is what is published, or what a call asks with.
	Route string          `json:"route,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// Subject is what ce-subject says: the channel, pattern or route; empty for connect.
func (e *Event) Subject() string {
	for _, s := range []string{e.Channel, e.Pattern, e.Route} {
		if s != "" {
			return s
		}
	}
	return ""
}
