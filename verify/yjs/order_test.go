package yjs

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// In whatever order the entries of a document come, such as that of their keys in a checkpoint: Yjs is sent them in one in which it shows them all.
func TestNothingWaitsForever(t *testing.T) {
	t.Parallel()
	folder := packages(t)
	control := httptest.NewServer(http.HandlerFunc(loadByDoor))
	t.Cleanup(control.Close)
	t.Log(node(t, folder, "order.mjs", control.URL))
}

// loadByDoor answers with what a door sends, message by message.
func loadByDoor(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Vector  []byte
		Updates []string
	}
	channel, err := realtime.NewChannel("acme", "docs:1")
	if err == nil {
		err = json.NewDecoder(r.Body).Decode(&asked)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	door := yjs.New(yjs.Options{
		Channel: "docs:1", DataBytes: 64 << 10, Shared: yjs.NewShared(), MayPublish: func() bool { return true }, End: func(*realtime.Error) {},
	})
	step1 := append([]byte{0, 0, byte(len(asked.Vector))}, asked.Vector...) // it is short
	if _, refused := door.Read(step1); refused != nil {
		http.Error(w, refused.Error(), http.StatusBadRequest)
		return
	}
	messages, encoder := []string{}, yjs.Encoder{}
	for i, update := range asked.Updates {
		data, _ := json.Marshal(update) // a string
		entry := encoder.Entry(nil, &realtime.Publication{Channel: channel, Key: string(rune('a' + i)), ID: "1", Time: time.UnixMilli(1), Data: data})
		part := outbox.Snapshot{Entries: entry, More: i < len(asked.Updates)-1}
		for b := door.Translate(encoder.Snapshot(channel, &part).Bytes); len(b) > 0; {
			payload := outbox.Frame{Bytes: b}.Payload()
			size := int(b[1])
			switch head := len(b) - len(payload); size {
			case 126:
				size = int(b[2])<<8 | int(b[3])
				payload, b = payload[:size], b[head+size:]
			case 127:
				payload, b = payload[:], nil
			default:
				payload, b = payload[:size], b[head+size:]
			}
			messages = append(messages, base64.StdEncoding.EncodeToString(payload))
		}
	}
	_ = json.NewEncoder(w).Encode(messages)
}
