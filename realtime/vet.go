package realtime

import (
	"encoding/json"
	"time"
)

// MaxMessageBytes is the largest Data of an event, whatever a tenant's limits say.
const MaxMessageBytes = 1 << 20

// maxAhead is how far the broker's clock may be ahead of this process's before its times are not believed: a
// Publication from the future would make everything behind it late.
const maxAhead = time.Hour

// Check refuses a Message that a Broker has brought and that no Publisher or Hub has published. now is the
// moment it came. Data is not looked into: what it must be is for HubOptions.Payload to say. An error has code
// CodeBadRequest or CodeTooLarge and names the field.
//
// A Hub checks everything that it receives, so a driver need not. Nobody but a fault, or another program with the
// right to publish, makes such messages; they must not reach a reader, whose client would end its
// connection over one, resume, and get it again.
func (m *Message) Check(now time.Time) error {
	if m.Kind < KindPublication || m.Kind > KindClose {
		return Errorf(CodeBadRequest, "kind: must be %d to %d, got %d", KindPublication, KindClose, m.Kind)
	}
	if m.ID == "" {
		return Errorf(CodeBadRequest, "id: is missing")
	}
	if err := m.checkTimes(now); err != nil {
		return err
	}
	if err := m.CheckFields(); err != nil {
		return err
	}
	if err := checkText("origin", m.Origin, MaxIDBytes); err != nil {
		return err
	}
	switch m.Kind {
	case KindPublication:
		return m.checkEvent()
	case KindFence:
		if m.Channel.IsZero() {
			return Errorf(CodeBadRequest, "channel: is missing")
		}
	case KindDirect, KindClose:
		return m.checkAddressed()
	}
	return nil
}

// checkTimes refuses what cannot be a Position, or lies in the future.
func (m *Message) checkTimes(now time.Time) error {
	latest := now.Add(maxAhead)
	if m.Time.UnixMilli() <= 0 || m.Time.After(latest) {
		return Errorf(CodeBadRequest, "time: must be between 1970 and %v from now, got %s", maxAhead, m.Time.UTC().Format(time.RFC3339))
	}
	if m.Previous.After(latest) {
		return Errorf(CodeBadRequest, "previous: must be at most %v from now, got %s", maxAhead, m.Previous.UTC().Format(time.RFC3339))
	}
	if m.Before.After(latest) {
		return Errorf(CodeBadRequest, "before: must be at most %v from now, got %s", maxAhead, m.Before.UTC().Format(time.RFC3339))
	}
	return nil
}

func (m *Message) checkEvent() error {
	if m.Channel.IsZero() {
		return Errorf(CodeBadRequest, "channel: is missing")
	}
	if err := checkText("series", m.Series, MaxIDBytes); err != nil {
		return err
	}
	if (m.Series == "") != (m.Number == 0) {
		return Errorf(CodeBadRequest, "number: must be positive with a series and 0 without, got %d", m.Number)
	}
	return m.checkSize()
}

func (m *Message) checkAddressed() error {
	if err := CheckTenantID(m.Tenant); err != nil {
		return err
	}
	if err := m.To.Check(); err != nil {
		return err
	}
	if m.Kind == KindClose && !m.Code.Known() {
		return Errorf(CodeBadRequest, "code: %q is unknown", clip(string(m.Code)))
	}
	return m.checkSize()
}

// checkData refuses what no reader could be given.
func (p *Publication) checkData() error {
	if err := p.checkSize(); err != nil {
		return err
	}
	if len(p.Data) > 0 && !json.Valid(p.Data) {
		return Errorf(CodeBadRequest, "data: is not valid JSON")
	}
	return nil
}

// checkSize refuses Data that is larger than any tenant's limit, with CodeTooLarge.
func (p *Publication) checkSize() error {
	if len(p.Data) > MaxMessageBytes {
		return Errorf(CodeTooLarge, "data: %d bytes, the limit is %d", len(p.Data), MaxMessageBytes)
	}
	return nil
}

// inspector drops what a stream brings and no reader may have. It belongs to the goroutine that receives.
type inspector struct {
	feed    *feed
	carried string    // the tenant that was last found to belong to the topic
	dropped int       // since it was last said
	said    time.Time // when
}

// complainEvery is how often it is said at most that messages are dropped.
const complainEvery = time.Minute

// sift returns the messages that are good, in place.
func (i *inspector) sift(messages []Message) []Message {
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
func (i *inspector) judge(m *Message, now time.Time) error {
	if err := m.Check(now); err != nil {
		return err
	}
	if err := i.belongs(m); err != nil {
		return err
	}
	if len(m.Trace) > maxTraceBytes {
		m.Trace = ""
	}
	if m.Kind != KindPublication && m.Kind != KindDirect || len(m.Data) == 0 {
		return nil
	}
	data, err := i.feed.hub.payload(m.Data)
	m.Data = data
	return err
}

// maxTraceBytes is more than a traceparent of any version known takes.
const maxTraceBytes = 128

// belongs refuses a message of a tenant that no placement puts on this topic: its records would take
// memory and nobody could read them.
func (i *inspector) belongs(m *Message) error {
	tenant := m.Tenant
	if !m.Channel.IsZero() {
		tenant = m.Channel.tenant
	}
	if tenant == "" || tenant == i.carried {
		return nil
	}
	f := i.feed
	for _, placement := range []string{PlacementOwn, PlacementPooled} {
		if f.hub.o.Placement(&Tenant{ID: tenant, Placement: placement}) == f.topic {
			i.carried = tenant
			return nil
		}
	}
	return Errorf(CodeBadRequest, "tenant: %q is not carried by this topic", tenant)
}

func (i *inspector) drop(why error, now time.Time) {
	hub := i.feed.hub
	hub.count.Add(CountDrops, "", "malformed", 1)
	i.dropped++
	if now.Sub(i.said) < complainEvery {
		return
	}
	hub.log.Warn("a message was dropped that Tidewire did not publish", KeyTopic, i.feed.topic, KeyError, why, KeyCount, i.dropped)
	i.said, i.dropped = now, 0
}
