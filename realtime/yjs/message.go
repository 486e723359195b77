package yjs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/tidewire/tidewire/realtime/outbox"
)

// The messages of y-websocket, by their first bytes.
const (
	messageSync           = 0
	messageAwareness      = 1
	messageAuth           = 2
	messageQueryAwareness = 3

	syncStep1  = 0 // the state vector of whoever sends it, who wants to have what it lacks
	syncStep2  = 1 // an answer to that
	syncUpdate = 2

	authDenied = 0
)

// binaryFrame is the first byte of a frame of a WebSocket: a whole binary message.
const binaryFrame = 0x82

// appendFrame appends a frame with a message.
func appendFrame(b, message []byte) []byte {
	return append(outbox.AppendFrameHeader(b, binaryFrame, len(message)), message...)
}

// appendSync appends a frame with a message of the kind sync.
func appendSync(b []byte, kind byte, data []byte) []byte {
	var length [maxVarint]byte
	size := appendInteger(length[:0], uint64(len(data)))
	b = outbox.AppendFrameHeader(b, binaryFrame, 2+len(size)+len(data))
	return append(append(append(b, messageSync, kind), size...), data...)
}

// nothing is an update that says nothing: step 2 for who has everything.
var nothing = []byte{0, 0} //nolint:gochecknoglobals // a constant

// alive is an awareness message of nobody, from which a client sees that its server is there.
func alive() []byte { return appendFrame(nil, []byte{messageAwareness, 1, 0}) }

// denied tells a client that it may not do something. It goes on without.
func denied(why string) []byte {
	return appendFrame(nil, appendBytes([]byte{messageAuth, authDenied}, why))
}

// mark is where a client is, and who: one entry of an awareness message, and the Data of the Publication that carries it.
type mark struct {
	Client uint64          `json:"client"` // its number, as in the document
	Clock  uint64          `json:"clock"`
	State  json.RawMessage `json:"state"` // null if it is not there any more
}

func (m *mark) gone() bool { return string(m.State) == "null" }

// maxMarks is how many entries an awareness message of a client may have.
const maxMarks = 1 << 12

// parseMarks reads an awareness message.
func parseMarks(b []byte) ([]mark, error) {
	r := &reader{b: b}
	n := r.integer()
	if n > maxMarks {
		return nil, errDamaged
	}
	var all []mark
	for ; n > 0 && !r.bad; n-- {
		m := mark{Client: r.integer(), Clock: r.integer()}
		state := r.text()
		if r.bad || !json.Valid(state) {
			return nil, errDamaged
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, state); err != nil {
			return nil, errDamaged
		}
		m.State = compact.Bytes()
		all = append(all, m)
	}
	if r.bad || len(r.b) > 0 {
		return nil, errDamaged
	}
	return all, nil
}

// appendMarks appends a frame with an awareness message.
func appendMarks(b []byte, all []mark) []byte {
	m := appendInteger(nil, uint64(len(all)))
	for i := range all {
		m = appendInteger(appendInteger(m, all[i].Client), all[i].Clock)
		m = appendBytes(m, []byte(all[i].State))
	}
	return appendFrame(b, appendBytes([]byte{messageAwareness}, m))
}

// toData is the Data of a Publication with an update: base64 as JSON.
func toData(update []byte) []byte {
	b := make([]byte, 0, base64.StdEncoding.EncodedLen(len(update))+2)
	b = base64.StdEncoding.AppendEncode(append(b, '"'), update)
	return append(b, '"')
}

// ofData returns the update in a Publication's Data; nil if it has none.
func ofData(data []byte) []byte {
	if len(data) < 2 || data[0] != '"' {
		return nil
	}
	update, err := base64.StdEncoding.AppendDecode(nil, data[1:len(data)-1])
	if err != nil {
		return nil
	}
	return update
}

// bytesIn is how long an update may be whose Data has at most so many bytes.
func bytesIn(data int) int { return (data - 2) / 4 * 3 }
