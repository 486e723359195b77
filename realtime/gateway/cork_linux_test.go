package gateway_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway"
)

// segments is how many segments with data have come to a client: on loopback, how often the server wrote.
func (p *peer) segments() int {
	p.t.Helper()
	raw, err := p.ws.NetConn().(*net.TCPConn).SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	var info [256]byte // struct tcp_info of linux/tcp.h
	size, failed := uint32(len(info)), syscall.Errno(0)
	if err := raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	}); err != nil || failed != 0 || size < 156 {
		untested := p.t.Skipf
		if os.Getenv("CI") == "true" {
			untested = p.t.Fatalf
		}
		untested("NOT TESTED: no TCP_INFO: %v, %v, %d bytes", err, failed, size)
	}
	return int(binary.NativeEndian.Uint32(info[152:])) // tcpi_data_segs_in
}

// The answers to what comes together go out together: to the subscriptions of a first frame, and to many frames.
func TestAnswersAreCorked(t *testing.T) {
	t.Parallel()
	doc := much()
	doc.Limits.ConnectsPerSecond = 1000
	s := start(t, gateway.Options{}, doc)
	subscriptions := make([]string, 100)
	for i := range subscriptions {
		subscriptions[i] = fmt.Sprintf(`{"channel":"a:%d"}`, i)
	}
	all := strings.Join(subscriptions, ",")
	warm := s.connect("acme", "ann") // the topic is followed from here on, and its channels are known
	warm.send(`{"type":"connect","subscriptions":[` + all + `]}`)
	warm.take(100)

	p := s.dial("")
	p.send(`{"type":"connect","token":"` + s.token("acme", "bob") + `","subscriptions":[` + all + `]}`)
	p.take(101)
	if n := p.segments(); n > 4 { // the handshake, and 20 KB of answers
		t.Errorf("the welcome and a hundred answers came in %d writes", n)
	}
	p = s.connect("acme", "cid")
	before := p.segments()
	var frames []byte
	for i := range 30 {
		frames = append(frames, raw(0x81, fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":"a:%d"}`, i, i))...)
	}
	p.write(frames)
	p.take(30)
	if n := p.segments() - before; n > 3 {
		t.Errorf("thirty answers came in %d writes", n)
	}
}

// A pong does not overtake the answers to what came before its ping.
func TestPongComesBehindAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{}, much())
	p := s.connect("acme", "ann")
	for range 20 {
		p.write(append(raw(0x81, `{"type":"unsubscribe","id":1,"channel":"a:1"}`), raw(0x81, `{"type":"ping","id":2}`)...))
		p.expect(`{"type":"error","id":1}`, `{"type":"pong","id":2}`)
	}
}

// Nothing that is answered waits for what the client sends later.
func TestCorkedAnswersDoNotWaitForInput(t *testing.T) {
	t.Parallel()
	s := start(t, gateway.Options{}, much())
	p := s.connect("acme", "ann")
	next := raw(0x81, `{"type":"subscribe","id":2,"channel":"a:2"}`)
	for cut := range len(next) {
		channel := fmt.Sprintf("b:%d", cut)
		p.write(append(raw(0x81, `{"type":"subscribe","id":1,"channel":"`+channel+`"}`), next[:cut]...))
		p.expect(`{"type":"ok","id":1}`)
		p.write(next[cut:])
		p.expect(`{"type":"ok","id":2}`)
		p.send(`{"type":"unsubscribe","id":3,"channel":"a:2"}`, `{"type":"unsubscribe","id":4,"channel":"`+channel+`"}`)
		p.expect(`{"type":"ok","id":3}`, `{"type":"ok","id":4}`)
	}
	// Nor for its rate.
	slow := tenant("slow")
	slow.Limits = realtime.Limits{FramesPerSecond: 5}
	if _, err := s.tenants.Put(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	p = s.connect("slow", "ann")
	var frames []byte
	for i := range 10 {
		frames = append(frames, raw(0x81, fmt.Sprintf(`{"type":"presence","id":%d,"channel":"a:1"}`, i))...)
	}
	for i := range 12 { // more than two seconds' worth
		frames = append(frames, raw(0x81, fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a:1","data":1}`, 10+i))...)
	}
	p.write(frames)
	p.take(10)
	if n := s.counts.of(realtime.CountPublishes, "stored"); n == 12 {
		t.Error("the answers waited for all that came behind them")
	}
	p.take(12)
}
