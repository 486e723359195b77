package acceptance

import (
	"net"
	"sync"
	"testing"
)

// proxy passes TCP on to a server until it is told to cut, which it does with a
// reset of both sides.
type proxy struct {
	addr   string
	target string
	l      net.Listener
	all    sync.WaitGroup

	mu    sync.Mutex // guards links, and what is in them
	links map[*link]struct{}
}

// link is one connection through the proxy.
type link struct {
	near, far *net.TCPConn
	left      int // bytes that may still come from the server; negative is all
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), target: target, l: l, links: map[*link]struct{}{}}
	p.all.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut(0)
		p.all.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		near, err := p.l.Accept()
		if err != nil {
			return // closed
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			resetConn(near)
			continue
		}
		k := &link{near: near.(*net.TCPConn), far: far.(*net.TCPConn), left: -1}
		p.mu.Lock()
		p.links[k] = struct{}{}
		p.mu.Unlock()
		p.all.Go(func() { p.pass(k, k.far, k.near) })
		p.all.Go(func() { p.pass(k, k.near, k.far) })
	}
}

// cut cuts every link after so many more bytes from the server.
func (p *proxy) cut(after int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.links {
		if k.left = after; after == 0 {
			p.end(k)
		}
	}
}

// end resets both sides. p.mu is held.
func (p *proxy) end(k *link) {
	resetConn(k.near)
	resetConn(k.far)
	delete(p.links, k)
}

func (p *proxy) pass(k *link, from, to *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		over := err != nil
		if from == k.far && k.left >= 0 {
			over = over || n >= k.left
			n = min(n, k.left)
			k.left -= n
		}
		if _, err := to.Write(buf[:n]); err != nil || over {
			p.end(k)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}
