package socket

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Options say how connections are accepted and run. The zero value works.
type Options struct {
	// CheckOrigin decides from the Origin header whether a browser's page may connect. nil lets
	// every page in, which is right only where cookies prove nothing, as with Tidewire's tokens.
	CheckOrigin func(*http.Request) bool
	// Subprotocols are those spoken, the preferred one first. A client that
	// offers none of them gets none.
	Subprotocols []string
	// Compress lets clients negotiate permessage-deflate (RFC 7692), without context takeover:
	// a frame is compressed once for all its readers. It costs CPU and is off by default.
	Compress bool
	// ReadLimit bounds a complete message in bytes, after decompression; 64 KiB by default.
	ReadLimit int64
	// ReadBuffer is the size of the buffers that input is read into, 4 KiB by
	// default. They are shared: a connection has one only while it handles input.
	ReadBuffer int
	// DeadAfter is how long a client may give no sign of life, 60 s by default. Whole
	// messages, pings and pongs are signs; the bytes of an unfinished message are not.
	DeadAfter time.Duration
	// WriteTimeout is how long a client may take no bytes at all, or fewer than 64 KiB
	// of many, before it is given up as too slow; 10 s by default.
	WriteTimeout time.Duration
	// CloseTimeout is how long a client has to answer a close frame, 3 s by default.
	CloseTimeout time.Duration
	// Logger and Metrics are told of panics in handling a connection, which end it. nil discards and forgets.
	Logger  *slog.Logger
	Metrics realtime.Metrics
}

func (o Options) withDefaults() Options {
	o.ReadLimit = cmp.Or(o.ReadLimit, 64<<10)
	o.ReadBuffer = max(cmp.Or(o.ReadBuffer, 4<<10), minReadBuffer)
	o.DeadAfter = cmp.Or(o.DeadAfter, 60*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.CloseTimeout = cmp.Or(o.CloseTimeout, 3*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	return o
}

// minReadBuffer holds the longest control frame of a client: header, mask and 125 bytes.
const minReadBuffer = 256
