package socket

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
)

// Acceptor accepts WebSockets. It owns the buffers that its connections share
// and is safe for concurrent use.
type Acceptor struct {
	o        Options
	upgrader websocket.Upgrader
	deflate  *deflater // nil: no connection compresses

	inputs   sync.Pool // *[]byte of ReadBuffer bytes: what was read from the network
	readers  sync.Pool // *bufio.Reader: what the parser sees of it
	messages sync.Pool // *bytes.Buffer: the payload being handled
	batches  sync.Pool // *batch: what is being written
}

// NewAcceptor returns an Acceptor. o is not changed and may be reused.
func NewAcceptor(o Options) *Acceptor {
	a := &Acceptor{o: o.withDefaults()}
	a.inputs.New = func() any { b := make([]byte, a.o.ReadBuffer); return &b }
	a.readers.New = func() any { return bufio.NewReaderSize(nil, readAhead) }
	a.messages.New = newMessageBuffer
	a.batches.New = newBatch
	a.upgrader = websocket.Upgrader{
		CheckOrigin: a.o.CheckOrigin,
		Error:       refuseHandshake,
		// Its writer only ever writes the handshake; see stream.Write.
		WriteBufferPool: &sync.Pool{},
	}
	if a.upgrader.CheckOrigin == nil {
		a.upgrader.CheckOrigin = func(*http.Request) bool { return true }
	}
	if a.o.Compress {
		a.deflate = newDeflater()
	}
	return a
}

// Accept answers the handshake. When it returns an error, a *realtime.Error, the request has
// been answered with an HTTP error. The Conn has to be started even if it is to be
// shut at once; until then nothing is read or written.
func (a *Acceptor) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	var header http.Header
	protocol := a.Subprotocol(r)
	if protocol != "" {
		header = http.Header{"Sec-Websocket-Protocol": {protocol}}
	}
	upgrader := a.upgrader
	upgrader.EnableCompression = a.deflate != nil && offersDeflate(r)
	h := &hijacker{ResponseWriter: w, a: a}
	ws, err := upgrader.Upgrade(h, r, header)
	if err != nil {
		code := realtime.CodeBadRequest
		switch h.status {
		case http.StatusForbidden:
			code = realtime.CodeForbidden
		case http.StatusInternalServerError:
			code = realtime.CodeInternal
		}
		return nil, &realtime.Error{Code: code, Message: "websocket handshake refused", Err: err}
	}
	h.stream.upgraded = true
	h.stream.freeBuffer()
	c := &Conn{acceptor: a, ws: ws, stream: h.stream}
	c.reader.c, c.writer.c, h.stream.conn = c, c, c
	c.SetReadLimit(a.o.ReadLimit)
	ws.SetPingHandler(func(payload string) error { c.reader.ping([]byte(payload)); return nil })
	ws.SetPongHandler(func(string) error { c.liveness.heard(); return nil })
	ws.SetCloseHandler(func(int, string) error { return nil })
	return c, nil
}

// Subprotocol returns the one that Accept agrees on, the first of Options.Subprotocols that the client offers; it is
// empty if it offers none of them. It returns our own string: the client's is part of a header that may hold a
// token, and would keep it in memory.
func (a *Acceptor) Subprotocol(r *http.Request) string {
	for _, ours := range a.o.Subprotocols {
		for _, line := range r.Header.Values("Sec-Websocket-Protocol") {
			for offered := range strings.SplitSeq(line, ",") {
				if strings.TrimSpace(offered) == ours {
					return ours
				}
			}
		}
	}
	return ""
}

// offersDeflate reports whether the client offers the one kind of permessage-deflate
// there is here. Who wants to bound our window (RFC 7692 section 7.1.2.1) is declined.
func offersDeflate(r *http.Request) bool {
	offer := strings.Join(r.Header.Values("Sec-Websocket-Extensions"), ",")
	return strings.Contains(offer, "permessage-deflate") && !strings.Contains(offer, "server_max_window_bits")
}

func refuseHandshake(w http.ResponseWriter, _ *http.Request, status int, reason error) {
	w.Header().Set("Sec-WebSocket-Version", "13")
	http.Error(w, reason.Error(), status)
}

// hijacker puts a stream between the upgrader and the network.
type hijacker struct {
	http.ResponseWriter
	a      *Acceptor
	stream *stream
	status int // of a refusal
}

// WriteHeader remembers how the handshake was refused.
func (h *hijacker) WriteHeader(status int) {
	h.status = status
	h.ResponseWriter.WriteHeader(status)
}

// readAhead is how many bytes the parser takes at a time. Gorilla's takes a reader that
// it is given only if its buffer has more than 256.
const readAhead = 512

// Hijack takes the connection over from the HTTP server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, brw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.stream = newStream(nc, h.a)
	if brw.Reader.Buffered() > 0 {
		return h.stream, brw, nil // the upgrader refuses it (RFC 6455 section 4.1: the client must wait)
	}
	return h.stream, bufio.NewReadWriter(h.stream.parsed, brw.Writer), nil
}
