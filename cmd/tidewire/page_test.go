package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// page is a plain WebSocket client, without any code of ours.
type page struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a socket and waits for its welcome.
func dial(t *testing.T, url, token string) *page {
	t.Helper()
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http")+"/v1/socket",
		http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	p := &page{t, conn}
	if hello := p.frame(); hello["type"] != "welcome" {
		t.Fatalf("the first frame is %v", hello)
	}
	return p
}

func (p *page) send(frame string) {
	p.t.Helper()
	if err := p.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next frame, or the error that ended the connection.
func (p *page) next() (map[string]any, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(patient)); err != nil {
		return nil, err
	}
	frame := map[string]any{}
	err := p.conn.ReadJSON(&frame)
	return frame, err
}

func (p *page) frame() map[string]any {
	p.t.Helper()
	frame, err := p.next()
	if err != nil {
		p.t.Fatal(err)
	}
	return frame
}

// answer returns the frame with the id 1, and how many messages came before it.
func (p *page) answer() (frame map[string]any, messages int) {
	p.t.Helper()
	for {
		if frame = p.frame(); frame["id"] == 1.0 {
			return frame, messages
		}
		if frame["type"] == "message" {
			messages++
		}
	}
}

func (p *page) subscribe(channel string) {
	p.t.Helper()
	p.send(`{"id":1,"type":"subscribe","channel":"` + channel + `"}`)
	if f, _ := p.answer(); f["type"] != "ok" {
		p.t.Fatalf("subscribe %s: %v", channel, f)
	}
}

// untilClosed reads until the server closes with a code, and returns the last frame before.
func (p *page) untilClosed(code int) (last map[string]any) {
	p.t.Helper()
	for {
		frame, err := p.next()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed) && closed.Code == code:
			return last
		case err != nil:
			p.t.Fatalf("%v, not closed with %d", err, code)
		}
		last = frame
	}
}
