package filter

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

	taken   *fields // whose values are in values; nil if data was not looked at yet
	values  []value
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
func (in *Input) field(of *fields, number int) value {
	if in.taken != of {
		in.take(of)
	}
	return in.values[number]
}

func (in *Input) take(of *fields) {
	if cap(in.values) < len(of.names) {
		in.values = make([]value, len(of.names))
	}
	in.values = in.values[:len(of.names)]
	clear(in.values)
	in.taken = of
	s := scanner{data: in.of.Data, buffer: in.scratch[:0]}
	s.space()
	if s.at < len(s.data) && s.data[s.at] == '{' {
		s.object(&of.root, in.values)
	}
	in.scratch = s.buffer
}
