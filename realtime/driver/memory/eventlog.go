package memory

import (
	"context"
	"log/slog"

	"github.com/tidewire/tidewire/realtime"
)

var _ realtime.ChannelEvents = (*EventLog)(nil)

// EventLog is a realtime.ChannelEvents that logs each event, for programs of one process. It is safe for concurrent use.
type EventLog struct{ log *slog.Logger }

// NewEventLog returns one that logs to a logger; nil discards.
func NewEventLog(log *slog.Logger) *EventLog {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &EventLog{log}
}

// Tell logs events.
func (l *EventLog) Tell(ctx context.Context, events []realtime.ChannelEvent) error {
	for i := range events {
		e := &events[i]
		log := l.log.With(realtime.KeyTenant, e.Channel.Tenant(), realtime.KeyChannel, e.Channel.Name(), realtime.KeyGeneration, e.Generation, realtime.KeyEvent, e.ID())
		if e.Occupied {
			log.InfoContext(ctx, "a channel is occupied")
		} else {
			log.InfoContext(ctx, "a channel is vacated")
		}
	}
	return nil
}
