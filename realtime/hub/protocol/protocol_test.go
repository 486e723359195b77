package protocol

import (
	"log/slog"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// wild is an Encoder that panics, whatever it is to put.
type wild struct{ outbox.Encoder }

// panics keeps the reasons of contained panics.
type panics struct {
	realtime.NoMetrics
	reasons []realtime.Reason
}

func (p *panics) Add(c realtime.Counter, _ string, reason realtime.Reason, _ int) {
	if c == realtime.CountPanics {
		p.reasons = append(p.reasons, reason)
	}
}

// Where an Encoder panics there is no frame, and what it was for is counted.
func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	var c realtime.Channel
	var at realtime.Position
	for name, tt := range map[string]struct {
		put    func(*Protocol) outbox.Frame
		reason realtime.Reason
	}{
		"subscribed": {func(p *Protocol) outbox.Frame { return p.Subscribed("1", c, outbox.Answer{}) }, contain.Connection},
		"refused":    {func(p *Protocol) outbox.Frame { return p.Refused("1", c, nil) }, contain.Connection},
		"message":    {func(p *Protocol) outbox.Frame { f, _ := p.Message(&realtime.Publication{}); return f }, contain.Channel},
		"direct":     {func(p *Protocol) outbox.Frame { return p.Direct(&realtime.Publication{}) }, contain.Topic},
		"gap":        {func(p *Protocol) outbox.Frame { return p.Gap(c, at) }, contain.Channel},
		"presence":   {func(p *Protocol) outbox.Frame { return p.Presence(c, &outbox.Presence{}) }, contain.Channel},
		"ended":      {func(p *Protocol) outbox.Frame { return p.Ended(realtime.Right{}, nil) }, contain.Connection},
		"heartbeat":  {func(p *Protocol) outbox.Frame { return p.Heartbeat(at) }, contain.Connection},
		"closing":    {func(p *Protocol) outbox.Frame { return p.Closing(nil) }, contain.Connection},
		"move":       {func(p *Protocol) outbox.Frame { return p.Move(1) }, contain.Connection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count := &panics{}
			if f := tt.put(New(wild{}, slog.New(slog.DiscardHandler), count)); !f.IsZero() {
				t.Errorf("a frame: %v", f)
			}
			if len(count.reasons) != 1 || count.reasons[0] != tt.reason {
				t.Errorf("counted %v, want %s", count.reasons, tt.reason)
			}
		})
	}
}

// A shared frame is made once for each protocol.
func TestShared(t *testing.T) {
	t.Parallel()
	one, other := &Protocol{}, &Protocol{}
	made := map[*Protocol]int{}
	s := Shared{Make: func(p *Protocol) outbox.Frame {
		made[p]++
		return outbox.Frame{Bytes: []byte{byte(len(made))}}
	}}
	for range 3 {
		if a, b := s.In(one).Bytes[0], s.In(other).Bytes[0]; a != 1 || b != 2 {
			t.Errorf("frames %d and %d", a, b)
		}
	}
	if made[one] != 1 || made[other] != 1 {
		t.Errorf("made %d and %d times", made[one], made[other])
	}
}
