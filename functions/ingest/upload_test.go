package ingest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
)

// dial begins a request by hand and writes only the first part of its body.
func (d *door) dial(t *testing.T, length int, part string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the server may have closed it
	_, err = fmt.Fprintf(c, "POST /v1/tenants/acme/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		d.token(t, "acme", "**"), length, part)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSlowUpload(t *testing.T) {
	t.Parallel()
	d := open(t, func(o *ingest.Options) { o.ReadTimeout = 100 * time.Millisecond })
	c := d.dial(t, 1000, `{"channel":`)
	stop := make(chan struct{})
	trickled := make(chan struct{})
	go func() { // a byte now and then shows life, and buys no time
		defer close(trickled)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				if _, err := c.Write([]byte(" ")); err != nil {
					return
				}
			}
		}
	}()
	others := d.post(t, "application/json", `{"channel":"board:7","data":1}`)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	close(stop)
	<-trickled
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout || !res.Close {
		t.Errorf("status %d, close %t; want 408 and the end of the connection", res.StatusCode, res.Close)
	}
	if others.Status != 200 {
		t.Errorf("another producer got %d meanwhile: %s", others.Status, others.Raw)
	}
	if pubs := d.tap.taken(); len(pubs) != 1 {
		t.Errorf("%d events were published, want the other producer's", len(pubs))
	}
}

func TestBrokenUpload(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.dial(t, 1000, `{"channel":"board:7","data":1}`)
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if pubs := d.tap.taken(); res.StatusCode != http.StatusBadRequest || len(pubs) != 0 {
		t.Errorf("status %d, %d published; a body cut short must not count, even if it is JSON so far", res.StatusCode, len(pubs))
	}
}

// A body that has arrived may be published for longer than it was allowed to take.
func TestReadTimeoutEndsWithTheBody(t *testing.T) {
	t.Parallel()
	d := open(t, func(o *ingest.Options) {
		o.ReadTimeout = 50 * time.Millisecond
		o.Limiter = pause{150 * time.Millisecond}
	})
	for range 2 { // on one connection
		if a := d.post(t, "application/json", `{"channel":"board:7","data":1}`); a.Status != 200 {
			t.Errorf("status %d: %s", a.Status, a.Raw)
		}
	}
}

// pause is a Limiter that takes its time.
type pause struct{ d time.Duration }

func (p pause) Publish(*realtime.Tenant, string, int) error {
	<-time.After(p.d)
	return nil
}

// The whole way to a hub's stream, over the real publisher and broker.
func TestEventsComeThroughTheBroker(t *testing.T) {
	t.Parallel()
	d := open(t)
	s, err := d.broker.Follow(t.Context(), realtime.OwnTopic(d.document(t, "acme")), realtime.Following{Instance: "a", Generation: 1, Since: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for _, body := range []string{`{"channel":"board:7","data":1,"id":"a","tags":{"n":"x"}}`, "[" + strings.Repeat(`{"channel":"board:7","id":"b","data":[ 2 ]},`, 2) + `{"channel":"prices:fx","id":"c","data":3}]`} {
		if a := d.post(t, "application/json", body); a.Status != 200 {
			t.Fatalf("status %d: %s", a.Status, a.Raw)
		}
	}
	var got []string
	for len(got) < 4 {
		messages, err := s.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			got = append(got, fmt.Sprintf("%s %s %d %s", m.Channel.Name(), m.ID, m.Number, m.Data))
		}
	}
	want := []string{"board:7 a 1 1", "board:7 b 2 [2]", "board:7 b 3 [2]", "prices:fx c 1 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
