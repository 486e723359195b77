package session

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/admission"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/gateway/internal/lifecycle"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/publish"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// Config is what the sessions of a gateway share. All of it is required.
type Config struct {
	Life      context.Context // of the gateway
	Tracker   *lifecycle.Tracker
	Admission *admission.Gate
	Clients   *clients.Set
	Hub       *hub.Hub
	Publisher *publish.Publisher
	Hooks     *hook.Caller
	Queue     outbox.Limits // of a client that has not said who it is
	Documents *yjs.Shared   // of the doors of this process
	// FirstFrame is how long a client has to say who it is, and a new token may take to be verified.
	FirstFrame time.Duration
	Reporter   refusal.Reporter
	Logger     *slog.Logger
	Metrics    realtime.Metrics
}
