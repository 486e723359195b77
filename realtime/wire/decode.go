package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/jsontext"
)

// Decode reads one frame of a client, the payload of a text message. Members
// that the frame's type does not have are ignored; null stands for nothing, so what
// is left out must be left out.
//
// The frame's Data is part of payload if it came without white space, so payload must not
// be changed while Data is in use; a Broker's Publish and whoever else keeps Data copies it.
// Everything else is a copy.
//
// An error is a *DecodeError. A payload that is not one JSON object in UTF-8, nested at most MaxDepth
// deep, is Fatal. A member of the wrong type or there twice, a required one that is missing, an unknown
// type, and members that are not served yet are answered.
func Decode(payload []byte) (ClientFrame, error) {
	var m members
	if err := m.document(payload); err != nil {
		return ClientFrame{}, &DecodeError{Err: realtime.Errorf(realtime.CodeBadRequest, "frame: %v", err), Fatal: true}
	}
	var f ClientFrame
	f.read(&m)
	if m.err != nil {
		return ClientFrame{}, &DecodeError{Err: m.err, ID: m.readableID()}
	}
	return f, nil
}

// document scans a payload that is one object and nothing else.
func (m *members) document(payload []byte) error {
	if !utf8.Valid(payload) {
		return errors.New("is not UTF-8")
	}
	s := scanner{text: payload}
	if s.space() != '{' {
		return errors.New("is not a JSON object")
	}
	if err := m.scan(&s); err != nil {
		return err
	}
	if s.space(); s.at < len(payload) {
		return fmt.Errorf("has something after its JSON object, at byte %d", s.at)
	}
	return nil
}

// readableID returns the id of a frame in which something else may be wrong.
func (m *members) readableID() ID {
	only := members{}
	only.raw[memberID] = m.raw[memberID]
	return only.id(false)
}

// read fills in f what its type uses; what is wrong is left in m.
func (f *ClientFrame) read(m *members) {
	f.Type = m.frameType()
	switch f.Type {
	case TypeConnect:
		f.ID = m.id(false)
		f.Token = m.text(memberToken, false)
		f.AsOf = m.returnedMoment(memberAsOf)
		f.MaxBytesPerSecond = bytesPerSecond(m)
		f.Subscriptions = m.subscriptions()
	case TypeSubscribe:
		f.ID = m.id(true)
		f.Channel = m.text(memberChannel, true)
		f.Since, f.Positions = m.stands(f.Channel)
		f.AsOf = m.returnedMoment(memberAsOf)
		f.Sub = m.sub()
		f.Options = m.options()
		f.View, f.Views = returnedViews(m, f.Channel, f.Options.State)
	case TypeTune:
		f.ID = m.id(true)
		if f.MaxBytesPerSecond = bytesPerSecond(m); f.MaxBytesPerSecond != 0 {
			ofConnection(m)
			break
		}
		f.Channel = m.text(memberChannel, true)
		f.Sub = m.sub()
		f.Options = m.changes()
	case TypeUnsubscribe:
		f.ID = m.id(true)
		f.Channel = m.text(memberChannel, true)
		f.Sub = m.sub()
	case TypePublish:
		f.ID = m.id(true)
		f.Channel = m.text(memberChannel, true)
		f.published(m)
	case TypeCall:
		f.ID = m.id(true)
		f.Route = m.text(memberRoute, true)
		f.Data = m.data(false)
	case TypePresence:
		f.ID = m.id(true)
		f.Channel = m.text(memberChannel, true)
		f.Enter = enterOf(m)
		f.Asks = f.Enter == nil || m.raw[memberWatch] != nil
		f.Watch = m.bool(memberWatch, f.Enter == nil)
	case TypeHistory:
		f.ID = m.id(true)
		f.Channel = m.text(memberChannel, true)
		f.Query, f.Options = queryOf(m)
	case TypeRefresh:
		f.ID = m.id(true)
		f.Token = m.text(memberToken, true)
	case TypePing:
		f.ID = m.id(false)
	}
}

// published fills in what is to be published.
func (f *ClientFrame) published(m *members) {
	f.Op, f.TTL, f.Transient = m.operation(), m.ttl(), m.bool(memberTransient, false)
	f.Data = m.data(f.Op == realtime.OpSet)
	f.Key = m.text(memberKey, false)
	f.Tags = m.tags()
	f.Event = m.text(memberEvent, false)
	f.EventType, f.Source, f.ContentType = m.text(memberEventType, false), m.text(memberSource, false), m.text(memberContentType, false)
	f.Refusals, f.CountsRefusals = m.number(memberRefusals)
	if f.If = conditionOf(m); m.raw[memberAdd] != nil {
		m.wrong("add: is not served; read the value, and publish it with \"if\" and its position")
	}
}

// clientTypes are the types a client sends.
var clientTypes = [...]Type{
	TypeConnect, TypeSubscribe, TypeTune, TypeUnsubscribe, TypePublish, TypeCall, TypePresence, TypeHistory, TypeRefresh, TypePing,
}

func (m *members) frameType() Type {
	for _, t := range clientTypes { // the usual spelling needs no copy
		if raw := m.raw[memberType]; len(raw) == len(t)+2 && raw[0] == '"' && string(raw[1:len(raw)-1]) == string(t) {
			return t
		}
	}
	t := Type(m.text(memberType, true))
	if m.err == nil && !slices.Contains(clientTypes[:], t) {
		m.wrong("type: %.64q is unknown; a client may send %s", t, namesOf(clientTypes[:]))
	}
	return t
}

func namesOf(types []Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// subscriptions returns those of a connect frame. What is wrong with one is its own concern: a client whose token is
// in the frame would lose its connection to one bad name.
func (m *members) subscriptions() []Subscription {
	array := m.raw[memberSubscriptions]
	switch {
	case array == nil:
		return nil
	case array[0] != '[':
		return []Subscription{{Err: realtime.Errorf(realtime.CodeBadRequest, "subscriptions: must be an array of objects")}}
	}
	const most = 128 // to make room for at once: what a hostile array seems to hold costs little
	all := make([]Subscription, 0, min(most, bytes.Count(array, []byte{'{'})))
	for element := range jsontext.Elements(array) {
		all = append(all, readSubscription(element, len(all)))
	}
	return all
}

// readSubscription reads the entry at an index.
func readSubscription(element []byte, index int) Subscription {
	if element[0] != '{' {
		return Subscription{Err: realtime.Errorf(realtime.CodeBadRequest, "subscriptions[%d]: must be an object", index)}
	}
	var m members
	if err := m.scan(&scanner{text: element}); err != nil {
		return Subscription{Err: realtime.Errorf(realtime.CodeBadRequest, "subscriptions[%d]: %v", index, err)}
	}
	one := Subscription{Channel: m.text(memberChannel, true), Sub: m.sub()}
	one.Since, one.Positions = m.stands(one.Channel)
	one.Options = m.options()
	one.View, one.Views = returnedViews(&m, one.Channel, one.Options.State)
	if m.err == nil {
		return one
	}
	only, named := members{}, members{} // so that what is wrong costs the answer nothing else
	only.raw[memberChannel], named.raw[memberSub] = m.raw[memberChannel], m.raw[memberSub]
	sub := named.sub()
	if named.err != nil {
		sub = ""
	}
	return Subscription{
		Channel: only.text(memberChannel, true),
		Sub:     sub,
		Err:     realtime.Errorf(realtime.CodeBadRequest, "subscriptions[%d].%s", index, m.err.Message),
	}
}
