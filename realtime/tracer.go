package realtime

import (
	"context"
	"time"
)

// Tracer follows single Publications, from who publishes them to the sockets that they are written
// to. Which of them it follows is its own choice: what is not followed costs one call for each
// Publish and nothing at all behind the broker. Implementations are safe for concurrent use; package
// telemetry has one.
type Tracer interface {
	// Publishing begins the span of handing Publications of a tenant to the broker, within the span that ctx has. trace is what
	// travels with them, a traceparent of W3C Trace Context (https://www.w3.org/TR/trace-context/); it is empty if they are
	// not followed. ended, unless it is nil, is called once when all is stored or has failed.
	Publishing(ctx context.Context, tenant string, pubs []Publication) (trace string, ended func(error))
	// Delivered is told of a Publication that came with a trace, once for each instance that has readers of it.
	Delivered(trace string, d Delivered)
}

// Delivered is what became of a Publication at one instance.
type Delivered struct {
	Channel   Channel
	ID        string
	Published time.Time // by the broker's clock
	Received  time.Time // from the broker
	Queued    time.Time // for all readers
	Written   time.Time // to the sockets, as far as their clients took it at once
	Readers   int
	// Behind is how many of the connections that were written to together have not taken all of it yet.
	Behind int
}
