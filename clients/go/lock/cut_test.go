package lock_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/clients/go/lock"
	"github.com/tidewire/tidewire/realtime"
)

// network is what lies between a client and a gateway. Once it is cut, it carries nothing more and says nothing of it.
type network struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu   sync.Mutex // guards what follows
	cut  bool
	ends []net.Conn
}

// between returns a network, and the URL of the gateway behind it.
func between(t *testing.T, gateway string) (*network, string) {
	t.Helper()
	to, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{to: to.Host}
	if n.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	n.running.Go(n.accept)
	t.Cleanup(func() {
		_ = n.listener.Close()
		n.mu.Lock()
		for _, c := range n.ends {
			_ = c.Close()
		}
		n.mu.Unlock()
		n.running.Wait()
	})
	return n, "http://" + n.listener.Addr().String()
}

func (n *network) accept() {
	for {
		near, err := n.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", n.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		n.mu.Lock()
		n.ends = append(n.ends, near, far)
		n.mu.Unlock()
		n.running.Go(func() { n.carry(far, near) })
		n.running.Go(func() { n.carry(near, far) })
	}
}

func (n *network) carry(to, from net.Conn) {
	b := make([]byte, 4096)
	for {
		read, err := from.Read(b)
		if n.isCut() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err == nil {
			_, err = to.Write(b[:read])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

func (n *network) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

// A holder whose network carries nothing any more has lost its lock when the next one has it, and knows it without being told.
func TestCutWhileHeld(t *testing.T) {
	t.Parallel()
	urls := gateways(t, 2)
	network, behind := between(t, urls[0])
	ann, bob := connect(t, behind, "ann"), connect(t, urls[1], "bob")
	held, err := lock.Take(t.Context(), ann, "lock:board", "7", lock.Options{TTL: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	first := held.Position()
	for held.Position() == first { // it is renewed while the network carries it
		select {
		case <-held.Context().Done():
			t.Fatal(context.Cause(held.Context()))
		case <-time.After(50 * time.Millisecond):
		}
	}
	network.mu.Lock()
	network.cut = true
	network.mu.Unlock()
	next, err := lock.Take(t.Context(), bob, "lock:board", "7", lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if held.Held() {
		t.Error("two have the lock")
	}
	<-held.Context().Done() // with bob's lock renewed or not, nothing reaches ann
	if cause := context.Cause(held.Context()); !errors.Is(cause, lock.ErrLost) {
		t.Errorf("its context ended with %v", cause)
	}
	if err := held.Release(t.Context()); !errors.Is(err, lock.ErrLost) {
		t.Errorf("released after it was lost: %v", err)
	}
	before, err1 := realtime.ParsePosition(held.Position())
	after, err2 := realtime.ParsePosition(next.Position())
	if err1 != nil || err2 != nil || after.Time <= before.Time {
		t.Errorf("the token went from %s to %s", held.Position(), next.Position())
	}
	if err := next.Release(t.Context()); err != nil || !errors.Is(context.Cause(next.Context()), lock.ErrReleased) {
		t.Error(err)
	}
}
