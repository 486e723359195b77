package browser

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// network is the way between the browser and the server: a TCP proxy that can be cut.
type network struct {
	URL      string
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	changed *sync.Cond // state has changed
	state   string
	conns   map[*net.TCPConn]bool
}

// The states of a network.
const (
	up      = "up"
	down    = "down"    // resets what is open and what comes
	stalled = "stalled" // takes everything and delivers nothing: a cable pulled, a sleeping host
	ended   = "ended"
)

func startNetwork(t *testing.T, url string) *network {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{
		URL: "http://" + listener.Addr().String(), target: strings.TrimPrefix(url, "http://"),
		listener: listener, state: up, conns: map[*net.TCPConn]bool{},
	}
	n.changed = sync.NewCond(&n.mu)
	n.running.Go(n.accept)
	t.Cleanup(func() {
		n.set(ended)
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		n.running.Wait()
	})
	return n
}

// set changes the state of the network, for what is open too.
func (n *network) set(state string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state = state
	n.changed.Broadcast()
	if state == down || state == ended {
		for c := range n.conns {
			reset(c)
		}
	}
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // the close below sends RST
	_ = c.Close()
}

func (n *network) accept() {
	for {
		c, err := n.listener.Accept()
		if err != nil {
			return
		}
		client, ok := c.(*net.TCPConn)
		if !ok || !n.keep(client) {
			continue
		}
		n.running.Go(func() { n.carry(client) })
	}
}

// keep remembers a connection, and refuses it while the network is down.
func (n *network) keep(c *net.TCPConn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == down || n.state == ended {
		reset(c)
		return false
	}
	n.conns[c] = true
	return true
}

// carry joins a client with the server until one of them ends.
func (n *network) carry(client *net.TCPConn) {
	defer n.drop(client)
	c, err := net.Dial("tcp", n.target)
	if err != nil {
		return
	}
	server, ok := c.(*net.TCPConn)
	if !ok || !n.keep(server) {
		return
	}
	defer n.drop(server)
	var both sync.WaitGroup
	both.Go(func() { n.copy(server, client) })
	both.Go(func() { n.copy(client, server) })
	both.Wait()
}

func (n *network) drop(c *net.TCPConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	_ = c.Close()
}

// copy delivers what comes, and holds it back while the network is stalled.
func (n *network) copy(to, from *net.TCPConn) {
	buffer := make([]byte, 16<<10)
	for {
		read, err := from.Read(buffer)
		n.mu.Lock()
		for n.state == stalled {
			n.changed.Wait()
		}
		n.mu.Unlock()
		if read > 0 {
			if _, err := to.Write(buffer[:read]); err != nil {
				_ = from.Close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite()
			return
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}
