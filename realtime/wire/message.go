package wire

import (
	"bytes"
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// Message returns the message frame of a Publication: channel, position, time, what it has of key, expiresAt, eventType,
// source, contentType and tags, in order of their names, and data; of one that removes, deleted or cleared in its
// place. Equal Publications make
// equal bytes. Data is one JSON value, as Compact returns it, and goes in as it is; none is written as null.
func (Encoder) Message(p *realtime.Publication) (f outbox.Frame, data []byte) {
	f = framed(AppendMessage(make([]byte, outbox.MaxFrameHeader, outbox.MaxFrameHeader+MessageSize(p)), p))
	return f, MessageData(f.Bytes, p)
}

// MessageSize is how many bytes AppendMessage appends, if nothing has to be escaped.
func MessageSize(p *realtime.Publication) int {
	size := len(`{"type":"message","channel":"","position":"-","key":"","time":,"tags":{},"data":}`) + 2*len("1767225600000") +
		len(p.Channel.Name()) + len(p.ID) + len(p.Key) + max(len(p.Data), len("null"))
	if p.TTL != 0 {
		size += len(`,"expiresAt":1767225600000`)
	}
	if p.EventType != "" || p.Source != "" || p.ContentType != "" {
		size += len(`,"eventType":"","source":"","contentType":""`) + len(p.EventType) + len(p.Source) + len(p.ContentType)
	}
	for name, value := range p.Tags {
		size += len(name) + len(value) + len(`"":"",`)
	}
	return size
}

// MessageData returns the part of a message, as AppendMessage has just ended it, that holds p.Data as it is; nil if
// none does.
func MessageData(message []byte, p *realtime.Publication) []byte {
	end := len(message) - len("}")
	if data := message[end-len(p.Data) : end : end]; bytes.Equal(data, p.Data) {
		return data
	}
	return nil // it had line breaks
}

// AppendMessage appends what the frame of Encoder.Message carries.
func AppendMessage(b []byte, p *realtime.Publication) []byte {
	o := object{appendType(b, TypeMessage)}
	o.text("channel", p.Channel.Name())
	if p.Op != realtime.OpExpire { // which is not in the log
		o.position("position", p.Position())
	}
	if p.Key != "" {
		o.text("key", p.Key)
	}
	if p.Op == realtime.OpLeave || p.Op == realtime.OpExpire {
		return o.gone(p.Op)
	}
	return o.rest(p)
}

// rest ends a message behind its key.
func (o *object) rest(p *realtime.Publication) []byte {
	o.int("time", p.Time.UnixMilli())
	if p.TTL != 0 {
		o.int("expiresAt", p.Expires().UnixMilli())
	}
	o.described(p)
	switch p.Op {
	case realtime.OpDelete:
		o.bool("deleted", true)
	case realtime.OpClear:
		o.bool("cleared", true)
	case realtime.OpSet:
		o.data("data", p.Data)
	}
	return append(o.b, '}')
}

// gone ends the message of a key that is not shown any more, and why.
func (o *object) gone(op realtime.Op) []byte {
	if op == realtime.OpLeave {
		o.bool("left", true)
	} else {
		o.bool("deleted", true)
		o.bool("expired", true)
	}
	return append(o.b, '}')
}

// Entry appends an entry of a snapshot: what a message has, without the channel.
func (Encoder) Entry(b []byte, p *realtime.Publication) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	o := object{append(b, `{"key":`...)}
	o.b = appendString(o.b, p.Key)
	if !p.Transient && p.Op != realtime.OpExpire {
		o.position("position", p.Position())
	}
	switch p.Op {
	case realtime.OpLeave, realtime.OpExpire:
		return o.gone(p.Op)
	case realtime.OpDelete:
		o.bool("deleted", true)
		return append(o.b, '}')
	}
	o.int("time", p.Time.UnixMilli())
	if p.TTL != 0 {
		o.int("expiresAt", p.Expires().UnixMilli())
	}
	o.described(p)
	o.data("data", p.Data)
	return append(o.b, '}')
}

// described appends what says of which kind an event is.
func (o *object) described(p *realtime.Publication) {
	if p.EventType != "" {
		o.text("eventType", p.EventType)
	}
	if p.Source != "" {
		o.text("source", p.Source)
	}
	if p.ContentType != "" {
		o.text("contentType", p.ContentType)
	}
	if len(p.Tags) > 0 {
		o.tags(p.Tags)
	}
}

// tags appends the tags in order of their names.
func (o *object) tags(tags map[string]string) {
	var room [realtime.MaxTags]string // on the stack
	names := room[:0]
	for name := range tags {
		names = append(names, name)
	}
	slices.Sort(names)
	o.name("tags")
	for i, name := range names {
		o.b = append(o.b, "{,"[min(i, 1)])
		o.b = appendString(o.b, name)
		o.b = append(o.b, ':')
		o.b = appendString(o.b, tags[name])
	}
	o.b = append(o.b, '}')
}

// Direct returns the frame of an event for connections rather than for a channel.
func (Encoder) Direct(p *realtime.Publication) outbox.Frame {
	o := newObject(256+len(p.Data), TypeDirect)
	o.text("event", p.ID)
	if p.Key != "" {
		o.text("key", p.Key)
	}
	o.int("time", p.Time.UnixMilli())
	o.described(p)
	o.data("data", p.Data)
	return o.frame()
}
