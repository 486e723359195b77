package socket

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// exchange is what a client sends, and what it gets until the connection ends. A
// case whose connection would go on is ended by the client with code 1000.
type exchange struct {
	name string
	send [][]byte
	want []string
}

func exchanges() (all []exchange) {
	add := func(name string, want []string, send ...[]byte) {
		all = append(all, exchange{name, send, want})
	}
	is := func(s ...string) []string { return s }
	protocolError := func(why string) []string { return is("close 1002 "+why, "end") }

	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 65537} {
		p := strings.Repeat("*", n)
		add(fmt.Sprintf("text of %d bytes", n), is(describe(0x81, []byte(p))), text(p))
		add(fmt.Sprintf("binary of %d bytes", n), is(describe(0x82, []byte(p))), frame(0x82, p))
	}

	add("ping", is("pong"), frame(0x89, ""))
	add("ping with payload", is("pong hello"), frame(0x89, "hello"))
	add("ping with bytes", is("pong \x00\xff\xfe\xfd"), frame(0x89, "\x00\xff\xfe\xfd"))
	add("ping of 125 bytes", is("pong "+strings.Repeat("x", 125)), frame(0x89, strings.Repeat("x", 125)))
	add("ping of 126 bytes", protocolError("len > 125 for control"), frame(0x89, strings.Repeat("x", 126)))
	add("pong unasked", nil, frame(0x8a, "hello"))
	add("pong, then ping", is("pong b"), frame(0x8a, "a"), frame(0x89, "b"))
	add("ping, then text", is("pong a", "text b"), frame(0x89, "a"), text("b"))
	add("text, then ping", is("text a", "pong b"), text("a"), frame(0x89, "b"))
	add("ten pings", is("pong 0", "pong 1", "pong 2", "pong 3", "pong 4", "pong 5", "pong 6", "pong 7", "pong 8", "pong 9"),
		frame(0x89, "0"), frame(0x89, "1"), frame(0x89, "2"), frame(0x89, "3"), frame(0x89, "4"),
		frame(0x89, "5"), frame(0x89, "6"), frame(0x89, "7"), frame(0x89, "8"), frame(0x89, "9"))

	add("RSV1", protocolError("RSV1 set"), frame(0xc1, "a"))
	add("RSV2", protocolError("RSV2 set"), frame(0xa1, "a"))
	add("RSV3", protocolError("RSV3 set"), frame(0x91, "a"))
	add("RSV3 after a message", is("text a", "close 1002 RSV3 set", "end"), text("a"), frame(0x91, "a"))
	add("RSV1 on a ping", protocolError("RSV1 set"), frame(0xc9, ""))
	add("RSV2 on a pong", protocolError("RSV2 set"), frame(0xaa, ""))
	add("RSV3 on a close", protocolError("RSV3 set"), frame(0x98, ""))
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprintf("opcode %d", op), protocolError(fmt.Sprintf("bad opcode %d", op)), frame(0x80|op, "a"))
	}
	add("text not masked", protocolError("bad MASK"), []byte{0x81, 1, 'a'})
	add("ping not masked", protocolError("bad MASK"), []byte{0x89, 1, 'a'})

	add("fragments", is("text abc"), frame(0x01, "a"), frame(0x00, "b"), frame(0x80, "c"))
	add("empty fragments", is("text b"), frame(0x01, ""), frame(0x00, "b"), frame(0x80, ""))
	add("nothing but empty fragments", is("text"), frame(0x01, ""), frame(0x00, ""), frame(0x80, ""))
	add("binary fragments", is("binary abc"), frame(0x02, "ab"), frame(0x80, "c"))
	add("ping between fragments", is("pong p", "text ab"), frame(0x01, "a"), frame(0x89, "p"), frame(0x80, "b"))
	add("pong between fragments", is("text ab"), frame(0x01, "a"), frame(0x8a, "p"), frame(0x80, "b"))
	add("close between fragments", is("close 1001", "end"), frame(0x01, "a"), closeFrame(1001, ""), frame(0x80, "b"))
	add("ping in fragments", protocolError("FIN not set on control"), frame(0x09, "a"), frame(0x80, "b"))
	add("continuation of nothing", protocolError("continuation after FIN"), frame(0x80, "a"))
	add("unfinished continuation of nothing", protocolError("continuation after FIN"), frame(0x00, "a"))
	add("text within a message", protocolError("data before FIN"), frame(0x01, "a"), text("b"))
	add("two messages in fragments", is("text ab", "text cd"), frame(0x01, "a"), frame(0x80, "b"), frame(0x01, "c"), frame(0x80, "d"))

	add("UTF-8", is("text Hällö-µ@ßöä-𐍈"), text("Hällö-µ@ßöä-𐍈"))
	add("UTF-8 split in a rune", is("text κόσμε"), frame(0x01, "κόσμε"[:1]), frame(0x00, "κόσμε"[1:4]), frame(0x80, "κόσμε"[4:]))
	add("last code point", is("text \U0010ffff"), text("\U0010ffff"))
	for _, bad := range []string{"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xce\xba\xe1", "ok\x80", "\xf8\x88\x80\x80\x80"} {
		add(fmt.Sprintf("UTF-8 that is wrong: %x", bad), is("close 1007 a text message is not valid UTF-8", "end"), text(bad))
	}
	add("wrong UTF-8 in fragments", is("close 1007 a text message is not valid UTF-8", "end"), frame(0x01, "\xce"), frame(0x80, "a"))
	add("wrong UTF-8 in binary", is("binary \xff"), frame(0x82, "\xff"))

	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999} {
		add(fmt.Sprintf("close %d", code), is(fmt.Sprintf("close %d", code), "end"), closeFrame(code, ""))
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(fmt.Sprintf("close %d", code), protocolError(fmt.Sprintf("bad close code %d", code)), closeFrame(code, ""))
	}
	add("close without a code", is("close", "end"), frame(0x88, ""))
	add("close with half a code", protocolError("a close frame with an incomplete code"), frame(0x88, "\x03"))
	add("close with half a code after a message", is("text a", "close 1002 a close frame with an incomplete code", "end"), text("a"), frame(0x88, "\x03"))
	add("close with a reason", is("close 1000", "end"), closeFrame(1000, "goodbye"))
	add("close with the longest reason", is("close 1000", "end"), closeFrame(1000, strings.Repeat("x", 123)))
	add("close too long", protocolError("len > 125 for control"), closeFrame(1000, strings.Repeat("x", 124)))
	add("close with wrong UTF-8", protocolError("invalid utf8 payload in close frame"), closeFrame(1000, "\xce\xba\xff"))
	add("text, then close", is("text a", "close 1000", "end"), text("a"), closeFrame(1000, ""))
	add("text after close", is("close 1000", "end"), closeFrame(1000, ""), text("a"))
	add("ping after close", is("close 1000", "end"), closeFrame(1000, ""), frame(0x89, "a"))
	add("close twice", is("close 1000", "end"), closeFrame(1000, ""), closeFrame(1001, ""))
	return all
}

func TestRFC6455(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{ReadLimit: 1 << 20}, nil)
	ways := map[string]func(c *client, frames [][]byte){
		"frame by frame": func(c *client, frames [][]byte) {
			for _, f := range frames {
				c.send(f)
			}
		},
		"at once": func(c *client, frames [][]byte) { c.send(bytes.Join(frames, nil)) },
		"byte by byte": func(c *client, frames [][]byte) {
			for _, b := range bytes.Join(frames, nil) {
				c.send([]byte{b})
			}
		},
	}
	for way, send := range ways {
		for _, x := range exchanges() {
			if way == "byte by byte" && len(bytes.Join(x.send, nil)) > 1000 {
				continue
			}
			t.Run(way+"/"+x.name, func(t *testing.T) {
				t.Parallel()
				c, session := s.dial(t)
				want := x.want
				if len(want) == 0 || want[len(want)-1] != "end" {
					x.send = append(x.send[:len(x.send):len(x.send)], closeFrame(1000, ""))
					want = append(want[:len(want):len(want)], "close 1000", "end")
				}
				go send(&client{Conn: unfailing{c.Conn}, t: t}, x.send)
				if diff := cmp.Diff(want, c.rest()); diff != "" {
					t.Error("frames (-want +got):\n", diff)
				}
				c.Close()
				session.end(t)
			})
		}
	}
}
