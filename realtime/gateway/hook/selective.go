package hook

import "github.com/tidewire/tidewire/realtime"

// SelectiveHooks are Hooks that are asked about some things only. A frame that they do not want is handled as if there were no
// Hooks: at once, and without a goroutine. Hooks that are none of these are asked about everything.
type SelectiveHooks interface {
	// Wants reports whether the hook of an Event is to be called. It is asked for each frame, by many goroutines at once, and answers from memory.
	Wants(q Question) bool
}

// DocumentHooks are Hooks that call those which tenants' documents name (realtime.Hook). Where the Hooks are none of these, what such a hook would be
// asked about is refused with CodeUnavailable: a document that asks for a decision is never passed by.
type DocumentHooks interface {
	// CallsDocuments does nothing. It says what the Hooks are.
	CallsDocuments()
}

// Question is what Hooks may be asked about.
type Question struct {
	// Tenant is the document in force, which is not to be changed. Before it is known, of a client whose token comes in its first frame, it is nil: then
	// the question is whether Connect reads the headers and the query of the request, which are kept only for that.
	Tenant *realtime.Tenant
	Event  Event
	// Subject is the channel of EventSubscribe and EventPublish, which is a pattern if the client asks for one, and the route of EventCall.
	Subject string
}

// Event is one of the calls of Hooks.
type Event = realtime.HookEvent

// The events.
const (
	EventConnect    = realtime.HookConnect
	EventSubscribe  = realtime.HookSubscribe
	EventPublish    = realtime.HookPublish
	EventCall       = realtime.HookCall
	EventDisconnect = realtime.HookDisconnected
)

// Wants reports whether the function of the event is set.
func (f Funcs) Wants(q Question) bool {
	switch q.Event {
	case EventConnect:
		return f.OnConnect != nil
	case EventSubscribe:
		return f.OnSubscribe != nil || f.OnSubscribePattern != nil
	case EventPublish:
		return f.OnPublish != nil
	case EventCall:
		return f.OnCall != nil
	case EventDisconnect:
		return f.OnDisconnect != nil
	}
	return true
}
