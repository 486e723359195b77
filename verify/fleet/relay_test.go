package fleet

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// relay passes TCP connections on to its targets in turn, and spoils them when it is told to.
type relay struct {
	addr   string
	l      net.Listener
	all    sync.WaitGroup
	closed chan struct{}

	mu      sync.Mutex // guards what follows
	targets []string
	turn    int
	links   map[*relayed]struct{}
	passing chan struct{} // closed while bytes pass
	down    bool          // no connection is taken
}

// relayed is one connection through a relay.
type relayed struct{ near, far *net.TCPConn }

func newRelay(t *testing.T, targets ...string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), l: l, closed: make(chan struct{}), targets: targets, links: map[*relayed]struct{}{}, passing: make(chan struct{})}
	close(r.passing)
	r.all.Go(r.accept)
	t.Cleanup(func() {
		_ = l.Close()
		close(r.closed)
		r.setDown(true)
		r.all.Wait()
	})
	return r
}

// add and remove change the targets; open connections stay.
func (r *relay) add(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets = append(r.targets, target)
}

func (r *relay) remove(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var left []string
	for _, t := range r.targets {
		if t != target {
			left = append(left, t)
		}
	}
	r.targets = left
}

// cut resets all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range r.links {
		k.reset()
	}
}

// setDown refuses connections, and resets those that are there; or takes them again.
func (r *relay) setDown(down bool) {
	r.mu.Lock()
	r.down = down
	r.mu.Unlock()
	if down {
		r.cut()
	}
}

// stall holds all bytes back, in both directions, until it is called again with false.
func (r *relay) stall(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.passing = make(chan struct{})
	} else {
		close(r.passing)
	}
}

func (r *relay) accept() {
	for {
		near, err := r.l.Accept()
		if err != nil {
			return // closed
		}
		r.all.Go(func() { r.carry(near.(*net.TCPConn)) })
	}
}

// carry takes one connection to a target and back.
func (r *relay) carry(near *net.TCPConn) {
	far := r.dial()
	if far == nil {
		(&relayed{near: near}).reset()
		return
	}
	k := &relayed{near, far}
	r.mu.Lock()
	r.links[k] = struct{}{}
	if r.down { // since it was dialed
		k.reset()
	}
	r.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { r.pass(k, far, near) })
	r.pass(k, near, far)
	back.Wait()
	_, _ = near.Close(), far.Close() // both directions have ended
	r.mu.Lock()
	delete(r.links, k)
	r.mu.Unlock()
}

// dial connects to the next target that takes it; nil if none does.
func (r *relay) dial() *net.TCPConn {
	r.mu.Lock()
	var order []string
	if !r.down {
		for i := range r.targets {
			order = append(order, r.targets[(r.turn+i)%len(r.targets)])
		}
	}
	r.turn++
	r.mu.Unlock()
	for _, target := range order {
		if far, err := net.Dial("tcp", target); err == nil {
			return far.(*net.TCPConn)
		}
	}
	return nil
}

// pass passes bytes on until either side ends.
func (r *relay) pass(k *relayed, from, to *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if !r.mayPass() {
			err = net.ErrClosed
		}
		if n > 0 {
			if _, failed := to.Write(buf[:n]); failed != nil {
				err = failed
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite() // what is under way the other way may still arrive
			return
		}
		if err != nil {
			k.reset()
			return
		}
	}
}

// mayPass waits until bytes pass. It is false when the relay closes.
func (r *relay) mayPass() bool {
	r.mu.Lock()
	passing := r.passing
	r.mu.Unlock()
	select {
	case <-passing:
		return true
	case <-r.closed:
		return false
	}
}

func (k *relayed) reset() {
	for _, c := range []*net.TCPConn{k.near, k.far} {
		if c != nil {
			_ = c.SetLinger(0) // fails only if closed already
			_ = c.Close()
		}
	}
}
