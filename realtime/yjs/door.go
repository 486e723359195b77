package yjs

import (
	"crypto/rand"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// MaxMessage is how long a message of a client may be. A client that was offline sends all that it has done in one.
const MaxMessage = 1 << 20

// Options say what a Door needs to know of its connection.
type Options struct {
	Channel string // the document, a channel of the client's tenant
	// MayPublish says whether the client may change the document, at this moment. It is called without a lock held.
	MayPublish func() bool
	// DataBytes is how long the Data of a Publication may be.
	DataBytes int
	// Shared is what all doors of a process share.
	Shared *Shared
	// End ends the connection. It does not wait.
	End func(err *realtime.Error)
}

// Door is one connection of a client of y-websocket. Read is what its client sends, and Translate what it is sent; each is called by one goroutine at a
// time, and both at once.
//
//	opened --step 1--> loading --the end of the state--> loaded --step 2--> synced
//
// While it is loading, the client is sent what it lacks, and the door learns what the document has, so that it can ask for what only the
// client has.
type Door struct {
	o  Options
	id string // in keys, of which no two doors have the same

	mu         sync.Mutex // guards all below
	phase      phase
	begun      bool            // the channel of awareness was asked for, or will not be
	have       Ranges          // what the client has, while it is loading
	known      *known          // what the document has, until synced
	loaded     *bundle         // updates that may be made one, until synced
	order      order           // of what the client is sent
	log        log             // updates of this connection
	others     map[string]mark // who is where, by key
	othersSize int             // what others takes, at most maxOthers
	seen       map[uint64]bool // clients that the client has heard of from the door
	self       uint64          // its own number; 0 is not known
	refused    bool            // it was told that it may not publish
}

type phase byte

const (
	opened phase = iota
	loading
	loaded
	synced
)

// New returns a Door.
func New(o Options) *Door {
	id := strings.ToLower(rand.Text()[:12])
	return &Door{o: o, id: id, log: log{door: id}, others: map[string]mark{}, seen: map[uint64]bool{}}
}

// Leave gives back what the door holds. It is called once, when the connection is over.
func (d *Door) Leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.o.Shared.holds(-d.order.size)
	d.order = order{}
}

// Asked is what a client asks for with a message.
type Asked struct {
	Frames []wire.ClientFrame // in this order
	// Tidying are publishes that the client has not asked for, which make many entries of the document one. They count against no rate.
	Tidying []wire.ClientFrame
	// Answer is a frame for the client; nil is none.
	Answer []byte
}

// Read reads a message of the client, which may be changed afterwards. An error ends the connection.
func (d *Door) Read(message []byte) (Asked, *realtime.Error) {
	d.o.Shared.begin(len(message))
	defer d.o.Shared.end(len(message))
	may := d.o.MayPublish()
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &reader{b: message}
	var asked Asked
	var err error
	kind := r.integer()
	switch kind {
	case messageSync:
		asked, err = d.sync(r, may)
	case messageAwareness:
		asked, err = d.awareness(r.bytes(), may)
	case messageQueryAwareness:
		asked.Answer = d.whereabouts()
	default:
		return asked, realtime.Errorf(realtime.CodeBadRequest, "a message of kind %d is none of y-websocket's", kind)
	}
	if err == nil && (r.bad || len(r.b) > 0) {
		err = errDamaged
	}
	if err != nil {
		return Asked{}, realtime.Errorf(realtime.CodeBadRequest, "a message of kind %d %v", kind, err)
	}
	d.enter(&asked, kind)
	if may {
		asked.Tidying = append(asked.Tidying, d.log.tidy(d.o.Channel, d.most())...)
	}
	return asked, nil
}

// enter asks for the awareness of others, behind the client's own, which comes first of all if it has one: what it sends later may be what it was
// told of others, which it sends back.
func (d *Door) enter(asked *Asked, kind uint64) {
	if d.begun || d.phase == opened || kind == messageSync && asked.subscribes() {
		return
	}
	d.begun = true
	asked.Frames = append(asked.Frames, subscribe(awarenessOf(d.o.Channel)))
}

func (a *Asked) subscribes() bool {
	return len(a.Frames) > 0 && a.Frames[0].Type == wire.TypeSubscribe
}

func subscribe(channel string) wire.ClientFrame {
	return wire.ClientFrame{Type: wire.TypeSubscribe, ID: "subscribe", Channel: channel, Options: wire.Options{State: true}}
}

// most is how long an update may be that is published.
func (d *Door) most() int { return bytesIn(d.o.DataBytes) }

// sync reads a message about the document.
func (d *Door) sync(r *reader, may bool) (asked Asked, err error) {
	switch kind := r.integer(); kind {
	case syncStep1:
		return d.step1(r.bytes())
	case syncStep2, syncUpdate:
		update := r.bytes()
		if r.bad || len(r.b) > 0 {
			return asked, errDamaged
		}
		return d.edit(update, kind == syncStep2, may)
	default:
		return asked, errDamaged
	}
}

func (d *Door) step1(vector []byte) (asked Asked, err error) {
	have, err := parseStateVector(vector)
	if err != nil {
		return asked, err
	}
	if d.phase != opened {
		// It has been sent all that there is, or is being.
		if d.phase > loading {
			asked.Answer = appendSync(nil, syncStep2, nothing)
		}
		return asked, nil
	}
	d.phase, d.have, d.known, d.loaded = loading, have, newKnown(), &bundle{}
	d.order.begins(have)
	asked.Frames = append(asked.Frames, subscribe(d.o.Channel))
	return asked, nil
}

// edit publishes an update, but what the document has already.
func (d *Door) edit(encoded []byte, answers, may bool) (asked Asked, err error) {
	u, err := Parse(encoded)
	if err != nil {
		return asked, err
	}
	for client, pieces := range u.pieces {
		d.order.has(client, pieces[len(pieces)-1].to)
	}
	if answers && d.phase == loaded {
		u = u.Without(d.known.edits, d.known.deleted)
		if may {
			asked.Tidying = d.log.adopt(d.loaded, d.o.Channel, d.most(), d.o.Shared)
		}
		d.phase, d.known, d.loaded = synced, nil, nil
	}
	if u.Empty() {
		return asked, nil
	}
	if !may {
		asked.Answer = d.deny("no grant to publish to " + d.o.Channel)
		return asked, nil
	}
	parts, ok := u.Split(d.most())
	if !ok {
		return asked, realtime.Errorf(realtime.CodeTooLarge, "holds an edit that cannot be cut and is longer than %d bytes (limits.messageBytes)", d.most())
	}
	for _, part := range parts {
		asked.Frames = append(asked.Frames, publish(d.o.Channel, d.log.add(part), part))
	}
	return asked, nil
}

// deny tells the client once that it may not publish. d.mu is held.
func (d *Door) deny(why string) []byte {
	if d.refused {
		return nil
	}
	d.refused = true
	return denied(why)
}

func publish(channel, key string, update []byte) wire.ClientFrame {
	return wire.ClientFrame{Type: wire.TypePublish, ID: "publish", Channel: channel, Key: key, Data: toData(update), Event: strings.ToLower(rand.Text())}
}

// CloseCode is the close code that a client is given instead of ours: y-websocket does not come back after one from 4400 to 4499, and does after one that is 100 higher.
func (*Door) CloseCode(code int) int {
	for _, passing := range []realtime.Code{realtime.CodeLimited, realtime.CodeTimeout} {
		if code == passing.Meaning().Close {
			return code + 100
		}
	}
	return code
}
