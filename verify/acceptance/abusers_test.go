package acceptance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// abuser connects a user of its own.
func abuser(t *testing.T, s *service) *client {
	t.Helper()
	return s.connect(t, "acme", strings.NewReplacer(" ", "-", "/", "-", ",", "").Replace(t.Name()))
}

// closes sends bytes, and expects a close code after an error frame with the error's code, if there is one.
func closes(raw []byte, code int, told realtime.Code) func(*testing.T, *service) {
	return func(t *testing.T, s *service) {
		c := abuser(t, s)
		if err := c.write(raw); err != nil {
			t.Fatal(err)
		}
		if got, last := c.end(t); got != code || last.Code != told {
			t.Errorf("closed with %d after %+v, want %d after %q", got, last, code, told)
		}
	}
}

// answers sends a frame and expects it to be answered with an error, and the connection to go on.
func answers(frame string, code realtime.Code) func(*testing.T, *service) {
	return func(t *testing.T, s *service) {
		c := abuser(t, s)
		for _, f := range []string{`{"type":"subscribe","id":"s","channel":"own:one"}`, frame, `{"type":"ping","id":"p"}`} {
			if err := c.say(f); err != nil {
				t.Fatal(err)
			}
		}
		f := c.until(t, "an error", func(f wire.ServerFrame) bool { return f.Type == "error" })
		if f.Code != code || f.Message == "" {
			t.Errorf("answered %+v, want %s", f, code)
		}
		if f := c.until(t, "a pong", func(f wire.ServerFrame) bool { return f.Type == "pong" || f.Type == "error" }); f.Type == "error" {
			t.Errorf("a second error: %+v", f)
		}
	}
}

func text(frame string) []byte { return frameOf(opText, []byte(frame)) }

func badFrames() map[string]func(*testing.T, *service) {
	huge := binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<62)
	part := append([]byte{0x01, 0xfe, 0x40, 0x00, 0, 0, 0, 0}, make([]byte, 16<<10)...) // not final
	more := append([]byte{0x00}, part[1:]...)
	return map[string]func(*testing.T, *service){
		"truncated JSON":        closes(text(`{"type":"ping","id":"p`), 4400, realtime.CodeBadRequest),
		"no object":             closes(text(`"ping"`), 4400, realtime.CodeBadRequest),
		"deeply nested":         closes(text(`{"type":"call","id":1,"route":"r","data":`+strings.Repeat(`[`, 30_000)+strings.Repeat(`]`, 30_000)+`}`), 4400, realtime.CodeBadRequest),
		"deep and open":         closes(text(strings.Repeat(`{"a":[`, 10_000)), 4400, realtime.CodeBadRequest),
		"huge":                  closes(text(`{"type":"ping","x":"`+strings.Repeat("x", 70_000)+`"}`), 4413, realtime.CodeTooLarge),
		"huge by its header":    closes(append(huge, 0, 0, 0, 0), 4413, realtime.CodeTooLarge),
		"endless fragments":     closes(bytes.Join([][]byte{part, more, more, more, more}, nil), 4413, realtime.CodeTooLarge),
		"binary":                closes(frameOf(opBinary, []byte(`{"type":"ping"}`)), 1003, ""),
		"invalid UTF-8":         closes(text("{\"type\":\"ping\",\"x\":\"\xc0\xaf\"}"), 1007, ""),
		"not masked":            closes([]byte("\x81\x0f{\"type\":\"ping\"}"), 1002, ""),
		"unknown opcode":        closes(frameOf(3, nil), 1002, ""),
		"long ping":             closes(frameOf(opPing, make([]byte, 126)), 1002, ""),
		"type of a wrong type":  answers(`{"type":{},"id":1}`, realtime.CodeBadRequest),
		"type unknown":          answers(`{"type":"explode","id":1}`, realtime.CodeBadRequest),
		"channel of wrong type": answers(`{"type":"subscribe","id":1,"channel":["own:one"]}`, realtime.CodeBadRequest),
		"a list for an id":      answers(`{"type":"subscribe","id":[1],"channel":"own:two"}`, realtime.CodeBadRequest),
		"duplicate subscribe":   answers(`{"type":"subscribe","id":1,"channel":"own:one"}`, realtime.CodeConflict),
		"2,000 at once":         answers(`{"type":"connect","id":1,"subscriptions":[{"channel":"own:two"}`+strings.Repeat(`,{"channel":"own:two"}`, 1999)+`]}`, realtime.CodeBadRequest),
	}
}

func rudeClients() map[string]func(*testing.T, *service) {
	return map[string]func(*testing.T, *service){
		"10,000 subscribes": flood(func(i int) string { return fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"own:%d"}`, i, i) }),
		"10,000 publishes":  flood(func(i int) string { return fmt.Sprintf(`{"type":"publish","id":%d,"channel":"own:x","data":1}`, i) }),
		"10,000 calls":      flood(func(i int) string { return fmt.Sprintf(`{"type":"call","id":%d,"route":"r"}`, i) }),
		"half a frame": func(t *testing.T, s *service) {
			c := abuser(t, s)
			if err := c.write(text(`{"type":"ping"}`)[:9]); err != nil {
				t.Fatal(err)
			}
			c.reset()
		},
		"a frame byte by byte": func(t *testing.T, s *service) {
			c, err := dial(t.Context(), s.addr, dialing{})
			if err != nil {
				t.Fatal(err)
			}
			done := trickle(c.conn, text(`{"type":"connect","token":"`+strings.Repeat("x", 1000)))
			if code, last := c.end(t); code != 4408 || last.Code != realtime.CodeTimeout {
				t.Errorf("closed with %d after %+v", code, last)
			}
			<-done
		},
		"handshakes byte by byte": func(t *testing.T, s *service) {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					conn, err := net.Dial("tcp", s.addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					done := trickle(conn, []byte(handshakeOf("x", dialing{header: "X: " + strings.Repeat("x", 10_000) + "\r\n"})))
					_ = conn.SetReadDeadline(time.Now().Add(patience))
					if n, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%d bytes, %v: the server waits on", n, err)
					}
					<-done
				})
			}
			all.Wait()
		},
		"endless header": refusedHandshake(dialing{header: "X: " + strings.Repeat("x", 64<<10) + "\r\n"}, 431),
		"no key": func(t *testing.T, s *service) {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, strings.Replace(handshakeOf(s.addr, dialing{}), "Sec-WebSocket-Key", "X", 1)); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || res.StatusCode != http.StatusBadRequest {
				t.Errorf("%+v, %v", res, err)
			}
		},
		"reset mid-handshake": func(t *testing.T, s *service) {
			request := handshakeOf(s.addr, dialing{token: s.token("acme", "resetter")})
			for i := range 200 {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(conn, request[:len(request)*(i%11)/10]); err != nil {
					t.Fatal(err)
				}
				resetConn(conn)
			}
		},
	}
}

// nameless opens more sockets without a token than may wait for one. Those for whom there is room may
// wait for a while, the others are sent away at once, and who has a token does not notice.
func nameless(t *testing.T, s *service) {
	clients := make([]*client, affordable(t, 1200, 2))
	for i := range clients {
		var err error
		if clients[i], err = dial(t.Context(), s.addr, dialing{}); err != nil {
			t.Fatal(err)
		}
	}
	abuser(t, s)
	codes := map[int]int{}
	for _, c := range clients {
		code, last := c.end(t)
		if codes[code]++; last.Message == "" || code == 1013 && last.RetryAfterMs == 0 {
			t.Errorf("closed with %d after %+v", code, last)
		}
	}
	if codes[4408]+codes[1013] != len(clients) || codes[4408] == 0 {
		t.Errorf("close codes: %v", codes)
	}
	// Their places are free again.
	c, err := dial(t.Context(), s.addr, dialing{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.say(`{"type":"connect","id":1,"token":` + quote(s.token("acme", "patient")) + `}`); err != nil {
		t.Fatal(err)
	}
	if f := c.answer(t, "1"); f.Type != "welcome" {
		t.Errorf("after them: %+v", f)
	}
	_ = c.conn.Close()
	t.Logf("close codes: %v", codes)
}

// flood sends 10,000 frames as fast as it can, and expects to be told of a limit, and closed for going on.
func flood(frame func(i int) string) func(*testing.T, *service) {
	return func(t *testing.T, s *service) {
		c := abuser(t, s)
		var wrote sync.WaitGroup
		wrote.Go(func() {
			for i := range 10_000 {
				if c.say(frame(i)) != nil {
					return // closed, as it should be
				}
			}
		})
		if code, last := c.end(t); code != 4429 || last.Code != realtime.CodeLimited || last.RetryAfterMs == 0 {
			t.Errorf("closed with %d after %+v", code, last)
		}
		wrote.Wait()
	}
}

func refusedHandshake(d dialing, status int) func(*testing.T, *service) {
	return func(t *testing.T, s *service) {
		if c, err := dial(t.Context(), s.addr, d); err == nil {
			c.reset()
			t.Error("it was accepted")
		} else if !strings.Contains(err.Error(), fmt.Sprint("answered ", status)) {
			t.Errorf("%v, want %d", err, status)
		}
	}
}

// trickle writes a byte now and then, until it is no longer taken.
func trickle(conn net.Conn, b []byte) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := range b {
			if _, err := conn.Write(b[i : i+1]); err != nil {
				return
			}
			<-tick.C
		}
	}()
	return done
}

func badBodies() map[string]func(*testing.T, *service) {
	const good = `{"channel":"healthy:stream","data":"a hole"}`
	return map[string]func(*testing.T, *service){
		"one bad event": func(t *testing.T, s *service) {
			a := abuse(t, s, strings.NewReader(`[`+good+`,{"channel":"healthy:stream"},`+good+`]`), nil)
			if a.Status != 400 || len(a.Errors) != 1 || a.Errors[0].Index != 1 {
				t.Errorf("answered %+v", a)
			}
		},
		"invalid UTF-8":  refusedBody(strings.NewReader("{\"channel\":\"healthy:stream\",\"data\":\"\xff\"}"), 400, realtime.CodeBadRequest),
		"truncated":      refusedBody(strings.NewReader(good[:30]), 400, realtime.CodeBadRequest),
		"deeply nested":  refusedBody(strings.NewReader(strings.Repeat(`[`, 1<<17)), 400, realtime.CodeBadRequest),
		"over the limit": refusedBody(bytes.NewReader(make([]byte, 2<<20)), 413, realtime.CodeTooLarge),
		"over, chunked":  refusedBody(io.MultiReader(bytes.NewReader(make([]byte, 2<<20))), 413, realtime.CodeTooLarge),
		"gzip bomb": func(t *testing.T, s *service) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(bytes.Repeat([]byte(" "), 8<<20)) // a buffer never fails
			_ = z.Close()
			if a := abuse(t, s, &b, http.Header{"Content-Encoding": {"gzip"}}); a.Status != 413 {
				t.Errorf("answered %+v", a)
			}
		},
		"byte by byte": func(t *testing.T, s *service) {
			conn := upload(t, s, 1000, "")
			done := trickle(conn, []byte(good+strings.Repeat(" ", 1000)))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || res.StatusCode != http.StatusRequestTimeout {
				t.Errorf("%+v, %v", res, err)
			}
			_ = conn.Close()
			<-done
		},
		"reset half-way": func(t *testing.T, s *service) {
			for range 50 {
				resetConn(upload(t, s, 1000, good))
			}
		},
	}
}

// abuse posts a body.
func abuse(t *testing.T, s *service, body io.Reader, header http.Header) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/v1/tenants/acme/events", body)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.token("acme", "abuser"))
	a, err := s.send(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func refusedBody(body io.Reader, status int, code realtime.Code) func(*testing.T, *service) {
	return func(t *testing.T, s *service) {
		if a := abuse(t, s, body, nil); a.Status != status || a.Code != code || a.Detail == "" {
			t.Errorf("answered %+v, want %d %s", a, status, code)
		}
	}
}

// upload begins a request by hand.
func upload(t *testing.T, s *service, length int, part string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST /v1/tenants/acme/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		s.token("acme", "abuser"), length, part); err != nil {
		t.Fatal(err)
	}
	return conn
}
