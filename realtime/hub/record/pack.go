package record

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// What each part of a packed string begins with. No part holds one: Publication.Check refuses control characters.
const (
	markTag         = '\x00' // a name; its value is behind another one
	markOp          = '\x01'
	markTTL         = '\x02' // nanoseconds
	markEventType   = '\x03'
	markSource      = '\x04'
	markContentType = '\x05'
	markTransient   = '\x06'
	lastMark        = markTransient
)

// pack writes what most Publications have little of into one string, which takes less memory than fields and a map.
func pack(p *realtime.Publication) string {
	size := 0
	for name, value := range p.Tags {
		size += len(name) + len(value) + 2
	}
	ttl := ""
	if p.TTL != 0 {
		ttl = strconv.FormatInt(int64(p.TTL), 10)
	}
	transient := ""
	if p.Transient {
		transient = "1"
	}
	parts := [...]struct {
		mark  byte
		value string
	}{{markOp, string(p.Op)}, {markTTL, ttl}, {markEventType, p.EventType}, {markSource, p.Source}, {markContentType, p.ContentType}, {markTransient, transient}}
	for _, part := range parts {
		if part.value != "" {
			size += len(part.value) + 1
		}
	}
	var b strings.Builder
	b.Grow(size)
	for _, part := range parts {
		if part.value != "" {
			b.WriteByte(part.mark)
			b.WriteString(part.value)
		}
	}
	for name, value := range p.Tags {
		b.WriteByte(markTag)
		b.WriteString(name)
		b.WriteByte(markTag)
		b.WriteString(value)
	}
	return b.String()
}

// unpack puts back what pack has written, tags into the map of a scratch.
func (s *scratch) unpack(packed string) {
	p := &s.publication
	for packed != "" {
		mark := packed[0]
		value := cut(&packed)
		switch mark {
		case markTag:
			if s.tags == nil {
				s.tags = map[string]string{}
			}
			s.tags[value], p.Tags = cut(&packed), s.tags
		case markOp:
			p.Op = realtime.Op(value)
		case markTTL:
			ns, _ := strconv.ParseInt(value, 10, 64) // it is pack's own
			p.TTL = time.Duration(ns)
		case markEventType:
			p.EventType = value
		case markSource:
			p.Source = value
		case markContentType:
			p.ContentType = value
		case markTransient:
			p.Transient = true
		}
	}
}

// cut takes the part that a packed string begins with.
func cut(packed *string) string {
	rest := (*packed)[1:]
	end := 0
	for end < len(rest) && rest[end] > lastMark {
		end++
	}
	*packed = rest[end:]
	return rest[:end]
}

// scratch is the Publication that Encoders are shown of entries, one at a time, so that none is allocated.
type scratch struct {
	publication realtime.Publication
	tags        map[string]string
	memo        view.Memo // of the filters that are asked about it
}

// of returns the Publication of an entry. It is good until done is called.
func (s *scratch) of(c realtime.Channel, e *Entry) *realtime.Publication {
	s.publication = realtime.Publication{Channel: c, ID: e.At.ID, Key: e.Key, Data: e.data, Time: time.UnixMilli(e.At.Time)}
	s.unpack(e.packed)
	return &s.publication
}

func (s *scratch) done() {
	s.publication = realtime.Publication{}
	clear(s.tags)
	s.memo.Forget()
}
