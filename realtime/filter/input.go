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

// Input is what filters see of one publication. Its zero value is a publication without anything. An Input belongs to one
// goroutine at a time; Reset makes it ready for the next publication, so that what it
// allocated is used again.
type Input struct {
	key, event string
	tags       Tags
	data       []byte

	taken   *fields // whose values are in values; nil if data was not looked at yet
	values  []value
	scratch []byte
}

// Reset makes the Input that of a publication. tags may be nil. Data is a JSON value; the Input keeps tags and data until the
// next Reset and does not change them. Data is looked at only if a filter asks for a field of it.
func (in *Input) Reset(key, event string, tags Tags, data []byte) {
	in.key, in.event, in.tags, in.data, in.taken = key, event, tags, data, nil
}

func (in *Input) tag(name string) (string, bool) {
	if in.tags == nil {
		return "", false
	}
	return in.tags.Tag(name)
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
	s := scanner{data: in.data, buffer: in.scratch[:0]}
	s.space()
	if s.at < len(s.data) && s.data[s.at] == '{' {
		s.object(&of.root, in.values)
	}
	in.scratch = s.buffer
}
