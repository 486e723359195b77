// Package inspect drops what a stream brings and no reader may have.
package inspect

import (
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// Options configure an Inspector. All are required.
type Options struct {
	Topic     realtime.Topic
	Placement func(*realtime.Tenant) realtime.Topic
	Payload   func([]byte) ([]byte, error) // puts Data into the form that frames hold
	Metrics   realtime.Metrics
	Log       *slog.Logger
}

// Inspector drops what a stream brings and no reader may have. It belongs to the goroutine that receives.
type Inspector struct {
	o       Options
	carried string    // the tenant that was last found to belong to the topic
	dropped int       // since it was last said
	said    time.Time // when
}

// New returns an Inspector of a stream.
func New(o Options) *Inspector { return &Inspector{o: o} }

// complainEvery is how often it is said at most that messages are dropped.
const complainEvery = time.Minute

// Sift returns the messages that are good, in place.
func (i *Inspector) Sift(messages []realtime.Message) []realtime.Message {
	now := time.Now()
	kept := messages[:0]
	for n := range messages {
		m := &messages[n]
		if err := i.judge(m, now); err != nil {
			i.drop(err, now)
			continue
		}
		kept = append(kept, *m)
	}
	clear(messages[len(kept):])
	return kept
}

// judge puts Data into the form that frames hold, or says why the message is none of ours.
func (i *Inspector) judge(m *realtime.Message, now time.Time) error {
	if err := m.Check(now); err != nil {
		return err
	}
	if err := i.belongs(m); err != nil {
		return err
	}
	if len(m.Trace) > maxTraceBytes {
		m.Trace = ""
	}
	if m.Kind != realtime.KindPublication && m.Kind != realtime.KindDirect || len(m.Data) == 0 {
		return nil
	}
	data, err := i.o.Payload(m.Data)
	m.Data = data
	return err
}

// maxTraceBytes is more than a traceparent of any version known takes.
const maxTraceBytes = 128

// belongs refuses a message of a tenant that no placement puts on this topic: its records would take
// memory and nobody could read them.
func (i *Inspector) belongs(m *realtime.Message) error {
	tenant := m.Tenant
	if !m.Channel.IsZero() {
		tenant = m.Channel.Tenant()
	}
	if tenant == "" || tenant == i.carried {
		return nil
	}
	for _, placement := range []string{realtime.PlacementOwn, realtime.PlacementPooled} {
		if i.o.Placement(&realtime.Tenant{ID: tenant, Placement: placement}) == i.o.Topic {
			i.carried = tenant
			return nil
		}
	}
	return realtime.Errorf(realtime.CodeBadRequest, "tenant: %q does not belong to this topic", tenant)
}

func (i *Inspector) drop(why error, now time.Time) {
	i.o.Metrics.Add(realtime.CountDrops, "", realtime.ReasonMalformed, 1)
	i.dropped++
	if now.Sub(i.said) < complainEvery {
		return
	}
	i.o.Log.Warn("a message was dropped that Tidewire did not publish", realtime.KeyTopic, i.o.Topic, realtime.KeyError, why, realtime.KeyCount, i.dropped)
	i.said, i.dropped = now, 0
}
