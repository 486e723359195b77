package session

import (
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
	"github.com/tidewire/tidewire/realtime/yjs"
)

// document is the socket.Handler of a client of Yjs. Its door makes frames of what the client sends.
type document struct{ *Session }

var (
	_ socket.BinaryHandler = document{}
	_ socket.Leaver        = document{}
)

// NewDocument returns the session of a client of Yjs. It ends as one of New does.
func (c *Config) NewDocument() *Session {
	s := c.New(&Protocol{Encoder: yjs.Encoder{}})
	s.door = yjs.New(yjs.Options{Shared: c.Documents, End: s.Close}) // of one who is refused
	return s
}

// Edit says which document an admitted client of a session edits, a channel of its tenant. It refuses one that is none.
func Edit(s *Session, name string) *realtime.Error {
	client := s.handler.client
	ch, err := realtime.NewChannel(client.Tenant.ID, name)
	if err == nil {
		err = yjs.CheckRules(ch, client.Tenant)
	}
	if err == nil && !client.Principal.May(realtime.ActionSubscribe, ch) {
		err = realtime.Errorf(realtime.CodeForbidden, "channel: no grant to subscribe to %q", name)
	}
	if err != nil {
		return s.c.Reporter.Report(s.c.Life, "opening a document", err)
	}
	s.door = yjs.New(yjs.Options{
		Channel: name, DataBytes: client.Tenant.Limits.WithDefaults().MessageBytes, Shared: s.c.Documents, End: s.Close,
		MayPublish: func() bool { return client.Connection().Principal().May(realtime.ActionPublish, ch) },
	})
	return nil
}

// Message refuses text.
func (d document) Message([]byte) *realtime.Error {
	return realtime.Errorf(realtime.CodeBadRequest, "a client of Yjs sends binary messages; for frames of text use GET /v1/socket")
}

// Binary handles a message. A client that sends faster than it may is held up: an edit cannot be refused and sent again.
func (d document) Binary(payload []byte) *realtime.Error {
	if refused := d.wait(len(payload)); refused != nil {
		return refused
	}
	asked, refused := d.door.Read(payload)
	if refused != nil {
		return refused
	}
	if asked.Answer != nil {
		d.sock.Uncork()
		d.handler.client.Connection().Send(outbox.Frame{Bytes: asked.Answer})
	}
	for _, frames := range [][]wire.ClientFrame{asked.Frames, asked.Tidying} {
		for i := range frames {
			if refused := d.take(&queuedFrame{ClientFrame: frames[i], size: len(frames[i].Data)}); refused != nil {
				return refused
			}
		}
	}
	return nil
}

// heldUp is how long a client is held up for one message at most.
const heldUp = 30 * time.Second

// wait waits until the client may send a message of so many bytes.
func (d document) wait(size int) *realtime.Error {
	seat, patience := d.handler.client.Seat, heldUp
	for {
		wait, err := seat.PublishFrame(size, patience)
		if wait == 0 {
			goOn(d.Session)
			return err
		}
		pause(d.Session)
		patience -= wait
		select {
		case <-time.After(wait):
		case <-d.c.Life.Done():
			return nil // it is closed anyway
		}
	}
}
