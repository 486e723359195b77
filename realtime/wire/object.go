package wire

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
)

// object is a JSON object being written, behind room for a frame's header. Its
// first member is the type, so every other begins with a comma. Names are written as they
// are; an empty id and a nil value are left to the caller to leave out.
type object struct{ b []byte }

// newObject begins an object that will have about size bytes.
func newObject(size int, t Type) object {
	b := make([]byte, outbox.MaxFrameHeader, outbox.MaxFrameHeader+size)
	return object{appendType(b, t)}
}

// answer begins an object that carries the id of what it answers, if that had one.
func answer(size int, t Type, id ID) object {
	o := newObject(size+len(id), t)
	o.id(id)
	return o
}

func appendType(b []byte, t Type) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, t...)
	return append(b, '"')
}

func (o *object) name(name string) {
	o.b = append(o.b, ',', '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

func (o *object) id(id ID) {
	if id != "" {
		o.name("id")
		o.b = append(o.b, id...)
	}
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = appendString(o.b, value)
}

func (o *object) int(name string, value int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

func (o *object) float(name string, value float64) {
	o.name(name)
	o.b = strconv.AppendFloat(o.b, value, 'g', -1, 64)
}

func (o *object) bool(name string, value bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, value)
}

func (o *object) position(name string, p realtime.Position) {
	o.name(name)
	o.b = append(o.b, '"')
	if !p.IsZero() {
		o.b = strconv.AppendInt(o.b, p.Time, 10)
		o.b = append(o.b, '-')
		o.b = appendEscaped(o.b, p.ID)
	}
	o.b = append(o.b, '"')
}

// data appends JSON as it is, but for line breaks: in valid JSON they can only
// be white space between tokens, and become spaces. Whatever accepts data compacts it, so
// there are none; the promise of frames without them does not hang on that.
func (o *object) data(name string, json []byte) {
	o.name(name)
	if len(json) == 0 {
		o.b = append(o.b, "null"...)
		return
	}
	start := len(o.b)
	o.b = append(o.b, json...)
	for _, c := range []byte{'\n', '\r'} {
		for i := bytes.IndexByte(o.b[start:], c); i >= 0; i = bytes.IndexByte(o.b[start:], c) {
			o.b[start+i] = ' '
		}
	}
}

// members appends an array of members of a channel.
func (o *object) members(name string, all []realtime.Member) {
	o.name(name)
	o.b = append(o.b, '[')
	for i, m := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = append(o.b, `{"user":`...)
		o.b = appendString(o.b, m.User)
		if m.Connection != "" {
			o.b = append(o.b, `,"connection":`...)
			o.b = appendString(o.b, m.Connection)
		}
		for j, group := range m.Groups {
			if j == 0 {
				o.b = append(o.b, `,"groups":[`...)
			} else {
				o.b = append(o.b, ',')
			}
			o.b = appendString(o.b, group)
		}
		if len(m.Groups) > 0 {
			o.b = append(o.b, ']')
		}
		if m.Data != nil {
			o.b = append(o.b, `,"data":`...)
			o.b = append(o.b, m.Data...)
		}
		o.b = append(o.b, '}')
	}
	o.b = append(o.b, ']')
}

// frame ends the object and puts the header right before it.
func (o *object) frame() outbox.Frame { return framed(append(o.b, '}')) }

// framed puts the header of a frame into the room before its payload.
func framed(b []byte) outbox.Frame {
	var room [outbox.MaxFrameHeader]byte
	const finText = 0x81
	header := outbox.AppendFrameHeader(room[:0], finText, len(b)-outbox.MaxFrameHeader)
	start := outbox.MaxFrameHeader - len(header)
	copy(b[start:], header)
	return outbox.Frame{Bytes: b[start:len(b):len(b)]}
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendEscaped(b, s)
	return append(b, '"')
}

// appendEscaped appends s as it stands inside a JSON string: quotes, backslashes
// and control characters are escaped, and what is not UTF-8 becomes U+FFFD (RFC 8259 sections 7 and 8.1).
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		i++
		start = i
	}
	return append(b, s[start:]...)
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == '\t':
		return append(b, '\\', 't')
	case c < ' ':
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return utf8.AppendRune(b, utf8.RuneError)
}
