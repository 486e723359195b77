package yjs

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// answers makes the answers to frames, of which these clients know none.
type answers struct{}

// Welcome says nothing, as the answers below do.
func (answers) Welcome(wire.ID, wire.Session) outbox.Frame { return silence() }

// UnsubscribeOK says nothing.
func (answers) UnsubscribeOK(wire.ID, realtime.Channel) outbox.Frame { return silence() }

// PublishOK says nothing.
func (answers) PublishOK(wire.ID, string) outbox.Frame { return silence() }

// PublishDecided says nothing.
func (answers) PublishDecided(wire.ID, string, bool, realtime.Position) outbox.Frame {
	return silence()
}

// PublishRefused is Error.
func (e answers) PublishRefused(id wire.ID, channel string, err *realtime.Error, _ int64) outbox.Frame {
	return e.Error(id, channel, err)
}

// CallOK is never called.
func (answers) CallOK(wire.ID, []byte) outbox.Frame { return silence() }

// PresenceOK is never called.
func (answers) PresenceOK(wire.ID, realtime.Channel, *outbox.Presence) outbox.Frame {
	return silence()
}

// EnterOK is never called.
func (answers) EnterOK(wire.ID, realtime.Channel) outbox.Frame { return silence() }

// PatternOK is never called.
func (answers) PatternOK(wire.ID, string, realtime.Position) outbox.Frame { return silence() }

// PatternComplete is never called.
func (answers) PatternComplete(string) outbox.Frame { return silence() }

// PatternTuneOK is never called.
func (answers) PatternTuneOK(wire.ID, string, wire.Tuned) outbox.Frame { return silence() }

// UnsubscribePatternOK is never called.
func (answers) UnsubscribePatternOK(wire.ID, string) outbox.Frame { return silence() }

// TuneOK is never called.
func (answers) TuneOK(wire.ID, realtime.Channel, wire.Tuned) outbox.Frame { return silence() }

// HistoryOK is never called.
func (answers) HistoryOK(wire.ID, realtime.Channel, *wire.HistoryPage) outbox.Frame {
	return silence()
}

// ConnectionTuneOK is never called.
func (answers) ConnectionTuneOK(wire.ID, int64) outbox.Frame { return silence() }

// RefreshOK is never called.
func (answers) RefreshOK(wire.ID, time.Time) outbox.Frame { return silence() }

// Error tells of an error. The client is told where it can do something about it, and else comes back.
func (answers) Error(id wire.ID, _ string, err *realtime.Error) outbox.Frame {
	if id == tidying {
		return ofError(flagTidying, err)
	}
	return ofError(0, err)
}

// Pong is never called.
func (answers) Pong(wire.ID) outbox.Frame { return silence() }
