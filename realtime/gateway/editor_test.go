package gateway_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// editor is a client of a document that keeps to the protocol of y-websocket, and comes back whenever its connection ends.
type editor struct {
	number uint64
	token  string
	path   string
	dial   func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex // guards what follows
	doc    edits
	ws     *websocket.Conn // nil: there is none
	out    chan []byte     // to it, as an operating system keeps what was written
	online bool            // it is to have one
	synced bool
	over   bool
	change chan struct{} // closed when online or over changes
	bad    []string
	heard  []string // why connections ended
}

func newEditor(number uint64, token string, dial func(context.Context, string, string) (net.Conn, error)) *editor {
	return &editor{number: number, token: token, dial: dial, doc: newEdits(), online: true, change: make(chan struct{})}
}

// run connects until stop is called.
func (e *editor) run() {
	for e.wait() {
		if err := e.connect(); err != nil {
			e.note(err)
		}
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
	}
}

func (e *editor) note(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.heard) < 100 {
		e.heard = append(e.heard, time.Now().Format("15:04:05.000 ")+err.Error())
	}
}

// wait waits until it is to connect; false is never again.
func (e *editor) wait() bool {
	for {
		e.mu.Lock()
		online, over, change := e.online, e.over, e.change
		e.mu.Unlock()
		if online || over {
			return !over
		}
		<-change
	}
}

// set changes what it is to do, and ends the connection if it is to have none.
func (e *editor) set(online, over bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.online, e.over = online, over
	close(e.change)
	e.change = make(chan struct{})
	if !online && e.ws != nil {
		_ = e.ws.Close()
		e.ws, e.synced = nil, false
	}
}

// connect is one connection, from its beginning to its end.
func (e *editor) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dialer := &websocket.Dialer{NetDialContext: e.dial}
	ws, resp, err := dialer.DialContext(ctx, "ws://gateway/v1/yjs/docs:1", http.Header{"Sec-Websocket-Protocol": {"tidewire.yjs, bearer." + e.token}})
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	defer func() { _ = ws.Close() }()
	e.mu.Lock()
	if !e.online || e.over {
		e.mu.Unlock()
		return nil
	}
	e.ws, e.synced, e.out = ws, false, make(chan []byte, 1<<12)
	var writing sync.WaitGroup
	out, over := e.out, make(chan struct{})
	writing.Go(func() { write(ws, out, over) })
	e.send(0, encodeVector(e.doc.vector()))
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		if e.ws == ws {
			e.ws, e.synced = nil, false
		}
		e.mu.Unlock()
		_ = ws.Close()
		close(over)
		writing.Wait()
	}()
	for {
		_, message, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		time.Sleep(lag())
		e.take(ws, message)
	}
}

// send sends a message about the document. e.mu is held.
func (e *editor) send(kind uint64, payload []byte) {
	if e.ws == nil {
		return
	}
	b := varint(varint(nil, 0), kind)
	e.out <- varbytes(b, string(payload))
}

// write writes what comes until over is closed.
func write(ws *websocket.Conn, out chan []byte, over chan struct{}) {
	for {
		select {
		case b := <-out:
			time.Sleep(lag())
			_ = ws.WriteMessage(websocket.BinaryMessage, b) // the connection may be over
		case <-over:
			return
		}
	}
}

// lag is how long something may take on its way.
func lag() time.Duration {
	if rand.IntN(2) == 0 {
		return 0
	}
	return time.Duration(rand.IntN(3000)) * time.Microsecond
}

// take takes a message.
func (e *editor) take(ws *websocket.Conn, message []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := &decoder{b: message}
	if e.ws != ws || d.number() != 0 { // of awareness it has none
		return
	}
	switch kind := d.number(); kind {
	case 0:
		e.send(1, e.doc.encode(decodeVector(d.take(d.number()))))
	case 1, 2:
		got, err := decodeEdits(d.take(d.number()))
		if err != nil {
			e.bad = append(e.bad, fmt.Sprintf("%v: %x", err, message))
		}
		for id, text := range got.written {
			if have := e.doc.written[id]; have != "" && have != text {
				e.bad = append(e.bad, fmt.Sprintf("edit %v is %q and %q", id, have, text))
			}
		}
		e.doc.add(got)
		e.synced = e.synced || kind == 1
	}
}

// write makes some edits at once.
func (e *editor) write(r *rand.Rand) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := map[uint64]uint64{}
	for id := range e.doc.written {
		before[id.editor] = max(before[id.editor], id.clock+1)
	}
	change := newEdits()
	if r.IntN(4) == 0 { // something is deleted, whoever has written it
		for id := range e.doc.written {
			if !e.doc.deleted[id] {
				change.deleted[id] = true
				break
			}
		}
	}
	for n := r.IntN(4); n >= 0; n-- {
		id := editID{e.number, before[e.number]}
		before[e.number]++
		change.written[id] = string(rune('a' + r.IntN(26)))
		if r.IntN(3) == 0 {
			change.written[id] = strings.Repeat("value", 1+r.IntN(20))
		}
	}
	e.doc.add(change)
	e.send(2, change.encode(nil))
}

// state is whether it is synced, and what it has.
func (e *editor) state() (synced bool, doc string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.synced, e.doc.String()
}
