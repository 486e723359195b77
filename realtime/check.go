package realtime

import (
	"cmp"
	"encoding/json"
	"time"
)

// MaxMessageBytes is the largest Data of an event, whatever a tenant's limits say.
const MaxMessageBytes = 1 << 20

// maxAhead is how far the broker's clock may be ahead of this process's before its times are not believed: a
// Publication from the future would make everything behind it late.
const maxAhead = time.Hour

// Check refuses a Message that a Broker has brought and that no Publisher or Hub has published. now is the
// moment it came. Data is not looked into: what it must be is for hub.Options.Payload to say. An error has code
// CodeBadRequest or CodeTooLarge and names the field.
//
// A Hub checks everything that it receives, so a driver need not. Nobody but a fault, or another program with the
// right to publish, makes such messages; they must not reach a reader, whose client would end its
// connection over one, resume, and get it again.
func (m *Message) Check(now time.Time) error {
	if !m.Kind.Known() {
		return Errorf(CodeBadRequest, "kind: must be %d to %d, got %d", KindPublication, KindCensus, m.Kind)
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
	if kind, _ := m.Channel.Reserved(); kind != "" && m.Kind != KindCensus {
		return Errorf(CodeBadRequest, "channel: nobody publishes to %q", m.Channel.Name())
	}
	switch m.Kind {
	case KindPublication:
		return m.checkEvent(now)
	case KindFence:
		if m.Channel.IsZero() {
			return Errorf(CodeBadRequest, "channel: is missing")
		}
	case KindDirect, KindClose:
		return m.checkAddressed()
	case KindCensus:
		if m.Origin == "" {
			return Errorf(CodeBadRequest, "origin: is missing")
		}
		return m.CheckSize()
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

func (m *Message) checkEvent(now time.Time) error {
	if m.Channel.IsZero() {
		return Errorf(CodeBadRequest, "channel: is missing")
	}
	if err := checkText("series", m.Series, MaxIDBytes); err != nil {
		return err
	}
	if (m.Series == "") != (m.Number == 0) {
		return Errorf(CodeBadRequest, "number: must be positive with a series and 0 without, got %d", m.Number)
	}
	if m.If != nil {
		if err := m.If.checkKnown(now); err != nil {
			return err
		}
	}
	return m.CheckSize()
}

func (m *Message) checkAddressed() error {
	if err := m.CheckStateless(); err != nil {
		return err
	}
	if err := CheckTenantID(m.Tenant); err != nil {
		return err
	}
	if err := m.To.Check(); err != nil {
		return err
	}
	if m.Kind == KindClose && !m.Code.Known() {
		return Errorf(CodeBadRequest, "code: %q is unknown", clip(string(m.Code)))
	}
	return m.CheckSize()
}

// CheckStateless refuses an operation on the state of a channel, for an event without a channel.
func (p *Publication) CheckStateless() error {
	if p.If != nil {
		return Errorf(CodeBadRequest, "if: needs a channel")
	}
	if p.Transient {
		return Errorf(CodeBadRequest, "transient: needs a channel")
	}
	if p.Op != OpSet || p.TTL != 0 {
		return Errorf(CodeBadRequest, "%s: needs a channel", cmp.Or(string(p.Op), "ttl"))
	}
	return nil
}

// CheckData refuses what no reader could be given.
func (p *Publication) CheckData() error {
	if err := p.CheckSize(); err != nil {
		return err
	}
	if len(p.Data) > 0 && !json.Valid(p.Data) {
		return Errorf(CodeBadRequest, "data: is not valid JSON")
	}
	return nil
}

// CheckSize refuses Data that is larger than any tenant's limit, with CodeTooLarge.
func (p *Publication) CheckSize() error {
	if len(p.Data) > MaxMessageBytes {
		return Errorf(CodeTooLarge, "data: must be at most %d bytes, got %d", MaxMessageBytes, len(p.Data))
	}
	return nil
}
