package census

import (
	"bytes"
	"encoding/json"

	"github.com/tidewire/tidewire/realtime"
)

// body is the Data of a message. One with a report has the subject as its Channel, whose order it keeps, and one with an answer has AnswersTo; the others have none.
type body struct {
	Epoch  uint64  `json:"epoch"` // of the sender's Census: a later one of the same instance has a larger
	N      uint64  `json:"n"`     // numbers what a Census sends
	Asks   []ask   `json:"asks,omitempty"`
	Report *report `json:"report,omitempty"`
	Query  *Query  `json:"query,omitempty"`
	Answer *Answer `json:"answer,omitempty"`
	Bye    bool    `json:"bye,omitempty"` // it says no more
}

// what is what a body says, for a metric.
func (b *body) what() realtime.Reason {
	switch {
	case b.Report != nil:
		return realtime.ReasonReport
	case b.Answer != nil:
		return realtime.ReasonQuery
	case len(b.Asks) > 0:
		return realtime.ReasonAsk
	}
	return realtime.ReasonAlive
}

// ask says that its sender wants to know of a subject, for AskFor; or that it does no more.
type ask struct {
	Tenant  string `json:"tenant"`
	Channel string `json:"channel"`
	Fresh   bool   `json:"fresh,omitempty"` // it lacks all, or some, of what was reported
	Ends    bool   `json:"ends,omitempty"`
	// Have are the numbers of the last reports heard, by instance, so that one of whom too little has been heard notices.
	Have map[string]uint64 `json:"have,omitempty"`
}

// report says what its sender has of a subject.
type report struct {
	After uint64                     `json:"after,omitempty"` // the number of the one before; 0: this begins a whole report
	More  bool                       `json:"more,omitempty"`  // the whole report goes on in the next
	Set   map[string]json.RawMessage `json:"set,omitempty"`
	Gone  []string                   `json:"gone,omitempty"`
}

// mostBytes is about how large a message becomes.
const mostBytes = 48 << 10

// Parse reads a value that an instance reports of a subject; nil: it is none that could be said. It is called without locks, at any time.
type Parse func(subject realtime.Channel, value json.RawMessage) any

// Said is what a message says, read and checked, so that whoever guards a Census by a lock need not hold it meanwhile.
type Said struct {
	*body
	values map[string]any // of body.Report.Set
}

// Decode reads a message of a Census; nil: it is not for a Census. An error says that it is none.
func Decode(m *realtime.Message, parse Parse) (*Said, error) {
	if isAnswer(m) {
		return nil, nil
	}
	b := new(body)
	if err := json.Unmarshal(m.Data, b); err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: is no body of a census: %v", err)
	}
	switch {
	case b.Epoch == 0 || b.N == 0:
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: epoch and n must be positive")
	case (b.Report != nil) != !m.Channel.IsZero():
		return nil, realtime.Errorf(realtime.CodeBadRequest, "channel: must be that of a report, and empty without one")
	case b.Report != nil && b.Report.After >= b.N:
		return nil, realtime.Errorf(realtime.CodeBadRequest, "data: report.after must be less than n, %d, got %d", b.N, b.Report.After)
	}
	said := &Said{body: b}
	if b.Report == nil {
		return said, nil
	}
	said.values = make(map[string]any, len(b.Report.Set))
	for key, value := range b.Report.Set {
		if len(value) == 0 || bytes.Equal(value, []byte("null")) {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "data: report.set[%.40q] has no value", key)
		}
		said.values[key] = parse(m.Channel, value)
	}
	b.Report.Set = nil
	return said, nil
}
