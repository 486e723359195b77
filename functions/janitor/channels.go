package janitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Channels is what a run did about channels that dead instances have occupied, or of which something was untold.
type Channels struct {
	// Held is how many dead instances have occupied, and Due those of which something else was to be done.
	Held int `json:"held"`
	Due  int `json:"due"`
	// Told is how many events were published.
	Told int `json:"told"`
	// Lag is the age of the oldest of them, in seconds: how late it was told that a channel is occupied or vacated.
	Lag float64 `json:"lag"`
}

// LogValue shows all of it.
func (c Channels) LogValue() slog.Value {
	return slog.GroupValue(slog.Int(keyHeld, c.Held), slog.Int(keyDue, c.Due), slog.Int(keyTold, c.Told), slog.Float64(keyLag, c.Lag))
}

// vacate ends what a dead instance has occupied, and reports whether that is all.
func (s *sweep) vacate(ctx context.Context, instance string) bool {
	if s.o.Channels == nil {
		return true
	}
	all := true
	for c, err := range s.o.Channels.Held(ctx, instance) {
		if err == nil {
			s.count(func(r *Report) { r.Channels.Held++ })
			err = s.tell(ctx, c, func(ctx context.Context) ([]realtime.ChannelEvent, error) {
				return s.o.Channels.Vacate(ctx, c, instance, time.Now())
			})
		}
		if err != nil {
			s.failed(ctx, "vacate a channel", instance, err)
			all = false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return all
}

// settleChannels ends what was to end by now, and tells what others have left untold.
func (s *sweep) settleChannels(ctx context.Context) {
	if s.o.Channels == nil {
		return
	}
	each(ctx, s.o.Parallel, s.due(ctx), func(ctx context.Context, c realtime.Channel) {
		err := s.tell(ctx, c, func(ctx context.Context) ([]realtime.ChannelEvent, error) {
			return s.o.Channels.Settle(ctx, c, time.Now())
		})
		if err != nil {
			s.failed(ctx, "tell of a channel", "", err)
		}
	})
	if ctx.Err() != nil {
		s.more()
	}
}

// maxDue bounds the channels that one run takes from those that are due.
const maxDue = 10_000

func (s *sweep) due(ctx context.Context) (all []realtime.Channel) {
	for c, err := range s.o.Channels.Due(ctx, time.Now()) {
		if err != nil {
			s.failed(ctx, "list channels that are due", "", err)
			return all
		}
		if len(all) == maxDue {
			s.more()
			return all
		}
		s.count(func(r *Report) { r.Channels.Due++ })
		all = append(all, c)
	}
	return all
}

// tell changes a channel, and publishes what of it is untold.
func (s *sweep) tell(ctx context.Context, c realtime.Channel, change func(context.Context) ([]realtime.ChannelEvent, error)) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	events, err := change(ctx)
	if realtime.CodeOf(err) == realtime.CodeUnavailable { // perhaps because too much is untold
		events, err = s.o.Channels.Settle(ctx, c, time.Time{})
		if err == nil {
			err = s.publish(ctx, events)
		}
		if err == nil {
			events, err = change(ctx)
		}
	}
	if err != nil {
		return err
	}
	return s.publish(ctx, events)
}

func (s *sweep) publish(ctx context.Context, events []realtime.ChannelEvent) error {
	if len(events) == 0 {
		return nil
	}
	late := time.Since(events[0].Time).Seconds()
	s.count(func(r *Report) { r.Channels.Lag = max(r.Channels.Lag, late) })
	if err := s.o.Events.Tell(ctx, events); err != nil {
		return err
	}
	s.count(func(r *Report) { r.Channels.Told += len(events) })
	return s.o.Channels.Told(ctx, &events[len(events)-1])
}
