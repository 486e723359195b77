package gcppubsub

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// FuzzDecode publishes a message with any ordering key, attributes and data between two good ones, as anybody who may publish
// to a topic can, and lets it go the whole way: decode, Hub, frame. Every frame is one line of valid JSON of
// the protocol, the good ones come, and nobody is disconnected but by a message that says so.
func FuzzDecode(f *testing.F) {
	f.Add("acme/prices", "tw-id=1", []byte(`{"bid":1}`))
	f.Add("acme/prices", "tw-id=1", []byte("hello"))
	f.Add("acme/prices", "tw-id=1", []byte("{\"a\":\n1}"))
	f.Add("acme/prices", "tw-id=", []byte("1"))
	f.Add("acme/prices", "tw-id=1\ntw-kind=fence", []byte("x"))
	f.Add("acme/prices", "tw-id=1\ntw-op=delete\ntw-key=k", []byte(nil))
	f.Add("acme/prices", "tw-id=1\ntw-op=merge\ntw-key=k\ntw-ttl=30s\ntw-event-type=t\ntw-source=s\ntw-content-type=text/csv", []byte("1"))
	f.Add("globex/prices", "tw-id=1", []byte("1"))
	f.Add("", "tw-id=1\ntw-kind=direct\ntw-tenant=acme\ntw-user=ann", []byte(`"\`))
	f.Add("", "tw-id=1\ntw-kind=direct\ntw-tenant=acme\ntw-user=ann\ntw-key=k\ndesk=eu", []byte(`{"a":"b"}`))
	f.Add("", "tw-id=1\ntw-kind=close\ntw-tenant=acme\ntw-user=ann\ntw-code=bye", []byte(nil))
	f.Add("", "tw-id=1\ntw-kind=close\ntw-tenant=acme\ntw-group=desk\ntw-code=forbidden\ntw-before=9223372036854775807", []byte(nil))
	f.Add("", "tw-id=1\ntw-kind=beacon\ntw-origin=i1", []byte(nil))
	f.Add("acme/prices", "tw-id=1\ntw-series=s\ntw-number=18446744073709551615\ntw-previous=-1\ntw-name-0=tw-x\ntw-value-0=y", []byte("null"))
	f.Fuzz(func(t *testing.T, key, attributes string, data []byte) {
		p := &pubsubpb.PubsubMessage{OrderingKey: strings.ToValidUTF8(key, "?"), Data: data, Attributes: map[string]string{}}
		for line := range strings.Lines(strings.ToValidUTF8(attributes, "?")) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			p.Attributes[name] = value
		}
		synctest.Test(t, func(t *testing.T) { decodeAll(t, p) })
	})
}

func decodeAll(t *testing.T, p *pubsubpb.PubsubMessage) {
	broker := &loop{came: make(chan realtime.Message, 100)}
	h := hub.New(broker, hub.Options{Instance: "i1", Payload: wire.Compact})
	prices := channel(t, "acme", "prices")
	reader := &frames{t: t, box: outbox.New(wire.Encoder{}, &outbox.Limits{Messages: 100, Bytes: 1 << 20})}
	conn, err := h.Connect(&realtime.Tenant{ID: "acme"}, &realtime.Principal{
		Tenant: "acme", User: "ann", Groups: []string{"desk"}, Issued: time.Now(), Expires: time.Now().Add(time.Hour),
		Grants: realtime.Grants{Subscribe: []realtime.Pattern{"**"}},
	}, reader.box, reader)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		h.Disconnect(conn)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err = h.Subscribe(conn, hub.SubscribeRequest{ID: "1", Channel: prices}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	good := func(id string) *pubsubpb.PubsubMessage {
		return stored(&realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: prices, ID: id, Data: []byte("1")}}, time.Now())
	}
	p.PublishTime = timestamppb.Now()
	closes := false
	for _, m := range []*pubsubpb.PubsubMessage{good("first"), p, good("last")} {
		decoded, err := decode(m)
		if err == nil {
			closes = closes || decoded.Kind == realtime.KindClose && decoded.Check(time.Now()) == nil
			broker.came <- decoded
		}
		synctest.Wait()
	}
	if closes {
		return
	}
	reader.mu.Lock()
	defer reader.mu.Unlock()
	if !slices.Contains(reader.ids, "first") || !slices.Contains(reader.ids, "last") {
		t.Errorf("of the good ones: %q", reader.ids)
	}
	if reader.shut != nil {
		t.Errorf("the client was disconnected: %v", reader.shut)
	}
}

// loop is a broker that brings back at once what is published, through encode and decode.
type loop struct{ came chan realtime.Message }

func (l *loop) Publish(_ context.Context, _ realtime.Topic, m *realtime.Message, done func(error)) {
	back, err := decode(stored(m, time.Now()))
	if err == nil {
		l.came <- back
	}
	done(err)
}

func (l *loop) Follow(context.Context, realtime.Topic, realtime.Following) (realtime.Stream, error) {
	return looped{l.came}, nil
}

func (l *loop) Close(context.Context) error { return nil }

// looped is the stream of a loop.
type looped struct{ came chan realtime.Message }

func (l looped) Receive(ctx context.Context) ([]realtime.Message, error) {
	select {
	case m := <-l.came:
		return []realtime.Message{m}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l looped) CompleteSince() time.Time { return time.Now() }

func (l looped) Close(context.Context) error { return nil }

// frames judges what a client is sent.
type frames struct {
	t   *testing.T
	box *outbox.Outbox

	mu   sync.Mutex // guards what follows
	ids  []string
	shut *realtime.Error
}

func (f *frames) Flush() {
	for f.box.Begin() {
		for {
			all := f.box.Next(nil, 1<<16)
			if len(all) == 0 {
				break
			}
			for _, frame := range all {
				f.judge(outbox.Frame{Bytes: frame}.Payload())
			}
		}
	}
}

func (f *frames) judge(text []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	frame, err := wire.DecodeServer(text)
	if err != nil || !utf8.Valid(text) || strings.ContainsAny(string(text), "\r\n") {
		f.t.Errorf("a client was sent %q: %v", text, err)
	}
	if frame.Type != wire.TypeMessage {
		return
	}
	at, err := realtime.ParsePosition(frame.Position)
	if err != nil || at.ID == "" || frame.Channel != "prices" {
		f.t.Errorf("a client was sent %q: %v", text, err)
	}
	f.ids = append(f.ids, at.ID)
}

func (f *frames) Beat(time.Time) bool { return true }

func (f *frames) Shut(err *realtime.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = err
}
