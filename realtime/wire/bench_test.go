package wire_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

func BenchmarkDecode(b *testing.B) {
	for _, frame := range []struct{ name, json string }{
		{"connect", `{"type":"connect","asOf":1767225600000,"subscriptions":[{"channel":"prices:fx","since":"1767225600123-6f1c"},{"channel":"alerts:ann"}]}`},
		{"subscribe", `{"id":1,"type":"subscribe","channel":"prices:fx","since":"1767225600123-6f1c"}`},
		{"publish", `{"id":3,"type":"publish","channel":"board:7","key":"cursor:ann","tags":{"page":"2"},"data":{"x":0.25,"y":0.75,"path":[1,2,3,4,5,6,7,8]}}`},
		{"ping", `{"type":"ping"}`},
	} {
		b.Run(frame.name, func(b *testing.B) {
			payload := []byte(frame.json)
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				if _, err := wire.Decode(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMessage(b *testing.B) {
	channel, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		b.Fatal(err)
	}
	p := realtime.Publication{
		Channel: channel, ID: "6f1c", Key: "EURUSD", Time: time.UnixMilli(1767225600123),
		Tags: map[string]string{"region": "eu", "venue": "x1"},
		Data: []byte(`{"bid":1.08412,"ask":1.08415,"sizes":[1000000,2500000,5000000,10000000],"source":"composite","session":"london"}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		if f, _ := (wire.Encoder{}).Message(&p); f.IsZero() {
			b.Fatal("no frame")
		}
	}
}

func BenchmarkSubscribed(b *testing.B) {
	channel, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		b.Fatal(err)
	}
	a := outbox.Answer{Resumed: true, Position: realtime.Position{Time: 1767225600123, ID: "6f1c"}}
	b.ReportAllocs()
	for b.Loop() {
		if f := (wire.Encoder{}).Subscribed("1", channel, a); f.IsZero() {
			b.Fatal("no frame")
		}
	}
}
