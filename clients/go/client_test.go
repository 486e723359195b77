package tidewire

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
	"github.com/tidewire/tidewire/realtime/socket"
)

// closeError is what socket.Client makes of an end.
func closeError(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return &socket.CloseError{Code: closed.Code, Reason: closed.Text}
	}
	return err
}

func TestPublishAndRead(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		s, err := c.Subscribe("prices:fx", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if u := next(t, s); u.Kind != KindLive || u.Resumed || u.Position == "" {
			t.Fatalf("first came %+v", u)
		}
		sent := Event{
			Channel: "prices:fx", ID: "q1", Key: "EURUSD", Tags: map[string]string{"desk": "eu"}, Data: json.RawMessage(`{"bid":1.08}`),
			TTL: realtime.Duration(time.Minute), EventType: "quote", Source: "//desk", ContentType: "text/csv",
		}
		id, err := c.Publish(t.Context(), sent)
		if err != nil || id != "q1" {
			t.Fatalf("%q, %v", id, err)
		}
		u := next(t, s)
		m := u.Message
		if u.Kind != KindMessage || m.ID != "q1" || m.Key != "EURUSD" || m.Tags["desk"] != "eu" || string(m.Data) != `{"bid":1.08}` || m.Position != u.Position ||
			m.EventType != "quote" || m.Source != "//desk" || m.ContentType != "text/csv" || !m.Expires.Equal(m.Time.Add(time.Minute)) {
			t.Errorf("%+v of %+v", m, u)
		}
		if _, err := c.Publish(t.Context(), Event{Channel: "prices:fx", Key: "EURUSD", Delete: true}); err != nil {
			t.Fatal(err)
		}
		if m := next(t, s).Message; m == nil || !m.Deleted || m.Key != "EURUSD" || m.Data != nil {
			t.Errorf("%+v", m)
		}
		members, count, err := c.Presence(t.Context(), "prices:fx")
		if err != nil || count != 1 || len(members) != 1 || members[0].User != "ann" {
			t.Errorf("present: %+v, %d, %v", members, count, err)
		}
		if _, err := c.Call(t.Context(), "orders.place", nil); realtime.CodeOf(err) != realtime.CodeNotFound {
			t.Errorf("call: %v", err)
		}
		s.Close()
		if _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		again, err := c.Subscribe("prices:fx", SubscribeOptions{Since: u.Position})
		if err != nil {
			t.Fatal(err)
		}
		if u := next(t, again); u.Kind != KindLive || !u.Resumed {
			t.Errorf("resumed: %+v", u)
		}
		if m := next(t, again).Message; m == nil || !m.Deleted {
			t.Errorf("resumed: %+v", m)
		}
		if s := c.State(); s.Phase != PhaseLive || s.User != "ann" || s.Tenant != "acme" {
			t.Errorf("%+v", s)
		}
	})
}

// TestComesBack cuts a client again and again: it has every event once and in order.
func TestComesBack(t *testing.T) {
	t.Parallel()
	bubble(t, gateway.Options{}, func(t *testing.T, d *deployment) {
		c := d.client("ann")
		defer c.Close()
		s, err := c.Subscribe("prices:fx", SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next(t, s)
		go func() {
			for i := range 100 {
				if i%7 == 0 {
					d.cut()
				}
				if _, err := c.Publish(t.Context(), Event{Channel: "prices:fx", Data: json.RawMessage(strconv.Itoa(i))}); err != nil {
					t.Error(err)
				}
			}
		}()
		for i := 0; i < 100; {
			switch u := next(t, s); u.Kind {
			case KindMessage:
				if string(u.Message.Data) != strconv.Itoa(i) {
					t.Fatalf("%s came, and not %d", u.Message.Data, i)
				}
				i++
			case KindLive:
				if !u.Resumed {
					t.Errorf("%+v", u)
				}
			default:
				t.Fatalf("%+v", u)
			}
		}
		synctest.Wait()
	})
}
