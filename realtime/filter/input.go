package filter

import "github.com/tidewire/tidewire/realtime/filter/internal/field"

// Tags are the tags of one publication. Tag is called often: it should not allocate. A name that is absent is not ok.
type Tags interface {
	Tag(name string) (value string, ok bool)
}

// TagMap is Tags of a map.
type TagMap map[string]string

// Tag returns the value of a name.
func (m TagMap) Tag(name string) (string, bool) {
	v, ok := m[name]
	return v, ok
}

// Attributes are what filters see of one publication.
type Attributes struct {
	Key, EventType, Source, ContentType string

	Tags Tags   // nil: none
	Data []byte // a JSON value; looked at only if a filter asks for a field of it
}

// Input is what filters see of one publication. Its zero value is a publication without anything. An Input belongs to one
// goroutine at a time; Reset makes it ready for the next publication, so that what it
// allocated is used again.
type Input struct {
	of Attributes

	taken   *field.Set // whose values are in values; nil if data was not looked at yet
	values  []field.Value
	scratch []byte
}

// Reset makes the Input that of a publication. It keeps Tags and Data until the next Reset and does not change them.
func (in *Input) Reset(of Attributes) { in.of, in.taken = of, nil }

func (in *Input) tag(name string) (string, bool) {
	if in.of.Tags == nil {
		return "", false
	}
	return in.of.Tags.Tag(name)
}

// field returns a declared field of data. All fields of a namespace are taken out at the first question.
func (in *Input) field(of *field.Set, number int) field.Value {
	if in.taken != of {
		in.take(of)
	}
	return in.values[number]
}

func (in *Input) take(of *field.Set) {
	if n := len(of.Names()); cap(in.values) < n {
		in.values = make([]field.Value, n)
	} else {
		in.values = in.values[:n]
	}
	in.scratch = of.Take(in.of.Data, in.values, in.scratch)
	in.taken = of
}
