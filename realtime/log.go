package realtime

// The keys of structured log lines; every package uses these and no others for
// the same thing. Tokens and payloads are never logged.
const (
	KeyTenant     = "tenant"
	KeyChannel    = "channel"
	KeyUser       = "user"
	KeyCaller     = "caller" // who called the management API
	KeyConnection = "connection"
	KeyInstance   = "instance"
	KeyTopic      = "topic"
	KeyGeneration = "generation" // of a channel that is occupied
	KeyEvent      = "event"      // its ID
	KeyReason     = "reason"
	KeyCode       = "code"
	KeyError      = "error"
	KeyStack      = "stack"    // of a panic
	KeyDocument   = "document" // path of one in a store
	KeyCount      = "count"
	KeyBytes      = "bytes"
	KeyDuration   = "duration"
	KeyAddress    = "address"
)
