package fleet

import (
	"errors"
	"net/http"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// visitor is one connection of somebody who wants to know how it ends, and does not come back.
type visitor struct {
	t        *testing.T
	conn     *socket.Client
	instance string
}

// ended is how a connection ended: the close code, and the error frame before it.
type ended struct {
	code int
	why  wire.ServerFrame
}

// visit connects to a gateway. If it is not let in, the visitor is nil.
func visit(t *testing.T, addr, token string) (*visitor, ended) {
	t.Helper()
	conn, err := socket.Dial(t.Context(), "ws://"+addr+"/v1/socket", http.Header{}, wire.Subprotocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // it may have ended
	v := &visitor{t: t, conn: conn}
	v.say(wire.ClientFrame{Type: wire.TypeConnect, Token: token})
	f, end := v.next()
	if end == nil && f.Type == wire.TypeWelcome {
		v.instance = f.Instance
		return v, ended{}
	}
	if end == nil {
		end = v.end(f)
	}
	return nil, *end
}

func (v *visitor) say(f wire.ClientFrame) {
	v.t.Helper()
	if err := v.conn.Write(f.AppendJSON(nil)); err != nil {
		v.t.Error(err)
	}
}

// next returns the next frame that is no heartbeat, or how the connection ended.
func (v *visitor) next() (wire.ServerFrame, *ended) {
	v.t.Helper()
	for {
		message, err := v.conn.Read(patience)
		if closed := (*socket.CloseError)(nil); errors.As(err, &closed) {
			return wire.ServerFrame{}, &ended{code: closed.Code}
		}
		if err != nil {
			v.t.Fatalf("neither a frame nor a close frame: %v", err)
		}
		f, err := wire.DecodeServer(message)
		if err != nil {
			v.t.Fatal(err)
		}
		if f.Type != wire.TypeHeartbeat {
			return f, nil
		}
	}
}

// end reads until the connection ends, and returns how. last is a frame that was read before.
func (v *visitor) end(last wire.ServerFrame) *ended {
	v.t.Helper()
	for {
		f, end := v.next()
		if end != nil {
			if last.Type == wire.TypeError {
				end.why = last
			}
			return end
		}
		last = f
	}
}

// refused connects and expects to be refused with a code.
func refused(t *testing.T, addr, token string, code realtime.Code) ended {
	t.Helper()
	v, end := visit(t, addr, token)
	if v != nil {
		t.Errorf("let in instead of %s", code)
		return ended{}
	}
	if m := code.Meaning(); end.code != m.Close || end.why.Code != code {
		t.Errorf("closed with %d %q (%s), want %d %q", end.code, end.why.Code, end.why.Message, m.Close, code)
	}
	return end
}

// lets reports whether a gateway lets somebody in.
func lets(t *testing.T, addr, token string) bool {
	t.Helper()
	v, _ := visit(t, addr, token)
	if v != nil {
		_ = v.conn.Close()
	}
	return v != nil
}
