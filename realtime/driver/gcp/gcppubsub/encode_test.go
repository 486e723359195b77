package gcppubsub

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tidewire/tidewire/realtime"
)

func channel(t testing.TB, tenant, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel(tenant, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stored is a message as Pub/Sub gives it back.
func stored(m *realtime.Message, at time.Time) *pubsubpb.PubsubMessage {
	p := encode(m)
	return &pubsubpb.PubsubMessage{Data: p.Data, Attributes: p.Attributes, OrderingKey: p.OrderingKey, PublishTime: timestamppb.New(at)}
}

// What is on the topic, for programs that read it without Tidewire.
func TestEncode(t *testing.T) {
	t.Parallel()
	m := &realtime.Message{
		Kind: realtime.KindPublication, Series: "s", Number: 7, Trace: "00-105445aa7843bc8bf206b12000100000-00f067aa0ba902b7-01", Previous: time.Unix(0, 1_700_000_000_000_000_001),
		Publication: realtime.Publication{
			Channel: channel(t, "acme", "prices:fx"), ID: "q-1", Key: "EURUSD", Data: []byte(`{"bid":1}`),
			TTL: 90 * time.Second, Transient: true, If: &realtime.Condition{Is: realtime.ConditionPosition, Position: realtime.Position{Time: 17, ID: "a b"}, AsOf: 19, Known: realtime.KeyState{At: realtime.Position{Time: 18, ID: "c d"}, Ends: 20}}, EventType: "quote", Source: "//desk", ContentType: "text/csv",
			Tags: map[string]string{"desk": "eu", "tw-id": "not ours", "google": "reserved", "traceparent": "not ours either"},
		},
	}
	p := encode(m)
	if p.OrderingKey != "acme/prices:fx" || string(p.Data) != `{"bid":1}` {
		t.Errorf("ordering key %q, data %s", p.OrderingKey, p.Data)
	}
	want := map[string]string{
		"tw-id": "q-1", "tw-key": "EURUSD", "tw-series": "s", "tw-number": "7", "tw-previous": "1700000000000000001", "desk": "eu", "traceparent": m.Trace,
		"tw-ttl": "1m30s", "tw-transient": "1", "tw-if": "19 20 6 18-c d17-a b", "tw-event-type": "quote", "tw-source": "//desk", "tw-content-type": "text/csv",
	}
	for name, value := range want {
		if p.Attributes[name] != value {
			t.Errorf("%s: %q, want %q", name, p.Attributes[name], value)
		}
	}
	got, err := decode(stored(m, time.UnixMicro(1_700_000_000_123_999)))
	if err != nil {
		t.Fatal(err)
	}
	same := *m
	same.Time = time.UnixMilli(1_700_000_000_123)
	if diff := cmp.Diff(same, got, cmp.Comparer(func(a, b realtime.Channel) bool { return a == b })); diff != "" {
		t.Errorf("(-encoded +decoded):\n%s", diff)
	}
}

// The caller may use its bytes again.
func TestEncodeCopies(t *testing.T) {
	t.Parallel()
	m := &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: channel(t, "acme", "a"), Data: []byte("before")}}
	p := encode(m)
	copy(m.Data, "after!")
	if string(p.Data) != "before" {
		t.Errorf("data became %q", p.Data)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := func() *pubsubpb.PubsubMessage {
		return &pubsubpb.PubsubMessage{OrderingKey: "acme/a", Attributes: map[string]string{attrID: "1"}}
	}
	for name, spoil := range map[string]func(*pubsubpb.PubsubMessage){
		"no attributes":         func(p *pubsubpb.PubsubMessage) { p.Attributes = nil },
		"no ordering key":       func(p *pubsubpb.PubsubMessage) { p.OrderingKey = "" },
		"key without a tenant":  func(p *pubsubpb.PubsubMessage) { p.OrderingKey = "/a" },
		"key without a channel": func(p *pubsubpb.PubsubMessage) { p.OrderingKey = "acme/" },
		"key of a bad channel":  func(p *pubsubpb.PubsubMessage) { p.OrderingKey = "acme/a b" },
		"fence without a key": func(p *pubsubpb.PubsubMessage) {
			p.OrderingKey, p.Attributes[attrKind] = "", "fence"
		},
		"unknown kind":   func(p *pubsubpb.PubsubMessage) { p.Attributes[attrKind] = "publication" },
		"bad condition":  func(p *pubsubpb.PubsubMessage) { p.Attributes[attrIf] = "maybe" },
		"bad ttl":        func(p *pubsubpb.PubsubMessage) { p.Attributes[attrTTL] = "soon" },
		"bad number":     func(p *pubsubpb.PubsubMessage) { p.Attributes[attrNumber] = "-1" },
		"bad time":       func(p *pubsubpb.PubsubMessage) { p.Attributes[attrPrevious] = "yesterday" },
		"bad revocation": func(p *pubsubpb.PubsubMessage) { p.Attributes[attrBefore] = "1e9" },
		"a pair for a tag that needs none": func(p *pubsubpb.PubsubMessage) {
			p.Attributes["desk"], p.Attributes[attrTagName+"0"], p.Attributes[attrTagValue+"0"] = "eu", "desk", "us"
		},
		"a tag twice": func(p *pubsubpb.PubsubMessage) {
			p.Attributes[attrTagName+"0"], p.Attributes[attrTagValue+"0"] = "tw-a", "eu"
			p.Attributes[attrTagName+"1"], p.Attributes[attrTagValue+"1"] = "tw-a", "us"
		},
	} {
		p := good()
		if _, err := decode(p); err != nil {
			t.Fatalf("the good one: %v", err)
		}
		spoil(p)
		if m, err := decode(p); err == nil {
			t.Errorf("%s: decoded as %+v", name, m)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(uint8(1), "prices:fx", "id", "k", "tag", "v", []byte("{}"), int64(0))
	f.Add(uint8(1), "prices:fx", "id", "delete", "", "v", []byte(nil), int64(1))
	f.Add(uint8(5), "a", "", "", "tw-name-0", "tw-value-0", []byte(nil), int64(-1))
	f.Fuzz(func(t *testing.T, kind uint8, name, id, key, tag, value string, data []byte, at int64) {
		c, err := realtime.NewChannel("acme", name)
		if err != nil {
			c = channel(t, "acme", "a")
		}
		m := &realtime.Message{Kind: realtime.Kind(kind%6 + 1), Publication: realtime.Publication{Channel: c, ID: id, Key: key, Data: data, Tags: map[string]string{}}}
		if tag != "" {
			m.Tags[tag] = value
		}
		if at != 0 {
			m.Before = time.Unix(0, at)
			m.Op, m.TTL, m.EventType, m.Source, m.ContentType = realtime.Op(key), time.Duration(at), tag, value, id
		}
		got, err := decode(stored(m, time.UnixMilli(5)))
		if err != nil {
			t.Fatal(err)
		}
		m.Time = time.UnixMilli(5)
		if diff := cmp.Diff(*m, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b realtime.Channel) bool { return a == b })); diff != "" {
			t.Fatalf("(-encoded +decoded):\n%s", diff)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	m := &realtime.Message{Kind: realtime.KindPublication, Series: "0123456789abcdef", Number: 123456, Previous: time.Unix(1, 1), Publication: realtime.Publication{
		Channel: channel(b, "acme", "prices:fx"), ID: "9VOLDLIk0mGejyg5zM_rzA", Key: "EURUSD", Data: make([]byte, 200),
	}}
	b.ReportAllocs()
	for b.Loop() {
		encode(m)
	}
}

func BenchmarkDecode(b *testing.B) {
	p := stored(&realtime.Message{Kind: realtime.KindPublication, Series: "0123456789abcdef", Number: 123456, Previous: time.Unix(1, 1), Publication: realtime.Publication{
		Channel: channel(b, "acme", "prices:fx"), ID: "9VOLDLIk0mGejyg5zM_rzA", Key: "EURUSD", Data: make([]byte, 200),
	}}, time.Unix(1, 0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(p); err != nil {
			b.Fatal(err)
		}
	}
}
