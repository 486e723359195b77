package outbox

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Transport writes to one client what its Outbox holds. Package socket has the
// WebSocket one. Its methods may be called concurrently and must not block.
type Transport interface {
	// Flush is called after something was queued. It may write at once what the
	// client can take, and leaves the rest to a goroutine of its own.
	Flush()
	// Beat is called once per heartbeat interval, before Flush. The transport may queue a ping of
	// its own; it answers false if its client has shown no sign of life for too long.
	Beat(now time.Time) bool
	// Shut ends the connection with the close code of err.Code, after the control lane of
	// its Outbox has been written. Only the first call counts. When the connection
	// has ended, for whatever reason, the transport's owner calls Hub.Disconnect.
	Shut(err *realtime.Error)
}
