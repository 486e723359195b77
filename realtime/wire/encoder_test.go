package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// payloadOf reads a frame's header as RFC 6455 section 5.2 has it and returns what follows.
func payloadOf(t testing.TB, frame []byte) []byte {
	t.Helper()
	if len(frame) < 2 || frame[0] != 0x81 {
		t.Fatalf("%q does not begin a whole text frame", frame[:min(len(frame), 2)])
	}
	length, header := uint64(frame[1]), 2 // the mask bit would make it 128 or more
	switch length {
	case 126:
		length, header = uint64(binary.BigEndian.Uint16(frame[2:])), 4
	case 127:
		length, header = binary.BigEndian.Uint64(frame[2:]), 10
	}
	if length != uint64(len(frame)-header) {
		t.Fatalf("the header says %d bytes, %d follow", length, len(frame)-header)
	}
	if shortest := len(outbox.AppendFrameHeader(nil, 0x81, int(length))); header != shortest {
		t.Fatalf("the header has %d bytes, %d would do", header, shortest)
	}
	return frame[header:]
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0:         "\x81\x00",
		125:       "\x81\x7d",
		126:       "\x81\x7e\x00\x7e",
		65535:     "\x81\x7e\xff\xff",
		65536:     "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
		1<<32 + 1: "\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x01",
	} {
		if got := string(outbox.AppendFrameHeader([]byte("before"), 0x81, n)); got != "before"+want {
			t.Errorf("%d: %q, want %q", n, got, "before"+want)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	const controls = "\x00\x1f\"\\/\n\r\t<>&\u2028\u2029\x7f ü😀"
	tags := map[string]string{}
	for i := range realtime.MaxTags + 8 { // more than any API accepts
		tags[strings.Repeat("t", i+1)] = controls
	}
	for name, p := range map[string]realtime.Publication{
		"zero":                 {},
		"everything escaped":   {ID: controls, Key: controls, Tags: map[string]string{controls: controls, "": ""}, Data: []byte(`"` + "\u2028" + `"`)},
		"many tags":            {Tags: tags, Data: []byte(`1`)},
		"payload of 125 bytes": {Data: []byte(`"` + strings.Repeat("x", 62) + `"`)},
		"payload of 126 bytes": {Data: []byte(`"` + strings.Repeat("x", 63) + `"`)},
		"payload of 64 KiB":    {Data: []byte(`"` + strings.Repeat("x", 65536) + `"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.Channel, p.Time = channel("a"), time.UnixMilli(1)
			checkMessage(t, &p)
		})
	}
}

// checkMessage encodes a Publication and reads it back.
func checkMessage(t testing.TB, p *realtime.Publication) {
	t.Helper()
	frame := messageOf(p)
	payload := payloadOf(t, frame.Bytes)
	if !bytes.Equal(payload, frame.Payload()) {
		t.Fatalf("the payload is %q, want %q", frame.Payload(), payload)
	}
	if bytes.ContainsAny(payload, "\r\n") {
		t.Fatalf("a raw line break in %q", payload)
	}
	got, err := wire.DecodeServer(payload)
	if err != nil {
		t.Fatalf("%v in %q", err, payload)
	}
	want := wire.ServerFrame{
		Type: wire.TypeMessage, Channel: p.Channel.Name(), Position: p.Position().String(),
		Key: p.Key, Time: p.Time.UnixMilli(), Tags: p.Tags, Data: json.RawMessage(p.Data),
	}
	if len(p.Tags) == 0 {
		want.Tags = nil
	}
	if len(p.Data) == 0 {
		want.Data = json.RawMessage("null")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("read back (-want +got):\n%s", diff)
	}
	if again := messageOf(p); !bytes.Equal(again.Bytes, frame.Bytes) {
		t.Fatalf("the same Publication makes other bytes:\n%s\n%s", frame.Bytes, again.Bytes)
	}
}

func TestMessageReplacesWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	p := realtime.Publication{Channel: channel("a"), Key: "a\xff\xfeb\xc3", Data: []byte(`1`), Time: time.UnixMilli(1)}
	got, err := wire.DecodeServer(messageOf(&p).Payload())
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\ufffd\ufffdb\ufffd"; got.Key != want {
		t.Errorf("key is %q, want %q", got.Key, want)
	}
}

func TestFramesHaveNoLineBreak(t *testing.T) {
	t.Parallel()
	data := []byte("{\r\n\t\"a\": [\n1,\r2\n]\n}\n")
	p := realtime.Publication{Channel: channel("a"), Data: data, Time: time.UnixMilli(1)}
	for name, frame := range map[string]outbox.Frame{
		"message": messageOf(&p),
		"call":    wire.Encoder{}.CallOK(`1`, data),
		"error":   wire.Encoder{}.Error("", "", realtime.Errorf(realtime.CodeInternal, "a\r\nb")),
	} {
		payload := payloadOf(t, frame.Bytes)
		if bytes.ContainsAny(payload, "\r\n") || !json.Valid(payload) {
			t.Errorf("%s: %q", name, payload)
		}
	}
	if string(data) != "{\r\n\t\"a\": [\n1,\r2\n]\n}\n" {
		t.Error("the data itself was changed")
	}
}

// TestErrorHidesTheCause checks that what is for logs stays there.
func TestErrorHidesTheCause(t *testing.T) {
	t.Parallel()
	err := &realtime.Error{Code: realtime.CodeUnavailable, Message: "try again", Err: realtime.Errorf(realtime.CodeInternal, "db-7 refused")}
	if got := string(wire.Encoder{}.Error("", "", err).Payload()); got != `{"type":"error","code":"unavailable","message":"try again"}` {
		t.Errorf("got %s", got)
	}
}

func TestMessageAllocatesOnce(t *testing.T) {
	p := realtime.Publication{
		Channel: channel("prices:fx"), ID: "e1", Key: "EURUSD", Time: time.UnixMilli(ms1),
		Tags: map[string]string{"region": "eu", "desk": "spot"}, Data: []byte(`{"bid":1.08412}`),
	}
	if n := testing.AllocsPerRun(100, func() { messageOf(&p) }); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

func TestDecodeServerRefuses(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{``, `null`, `[]`, `{}`, `{"type":1}`, `{"type":"pong"} x`, `{"type":"message","time":"now"}`} {
		if f, err := wire.DecodeServer([]byte(payload)); err == nil {
			t.Errorf("%s decodes to %+v", payload, f)
		}
	}
	if f, err := wire.DecodeServer([]byte(`{"type":"later","new":1}`)); err != nil || f.Type != "later" {
		t.Errorf("an unknown type: %+v, %v; a client has to be able to ignore it", f, err)
	}
}

func messageOf(p *realtime.Publication) outbox.Frame {
	f, _ := wire.Encoder{}.Message(p)
	return f
}

// A record keeps the data of a message as the part of its frame that Message says holds it.
func TestMessageSaysWhereItsDataIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data string
		kept bool
	}{
		"an object": {`{"bid":1.08412}`, true}, "nothing": {"", false}, "line breaks": {"[1,\n2]", false}, "long": {`"` + strings.Repeat("x", 70_000) + `"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, data := wire.Encoder{}.Message(&realtime.Publication{Channel: channel("prices:fx"), ID: "e1", Data: []byte(tc.data)})
			switch {
			case tc.kept && string(data) != tc.data:
				t.Errorf("got %.100q", data)
			case tc.kept && &data[0] != &f.Bytes[len(f.Bytes)-1-len(data)]:
				t.Error("it is a copy")
			case !tc.kept && len(data) > 0:
				t.Errorf("got %.100q, which the frame does not hold as it is", data)
			}
		})
	}
}
