package socket

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime/outbox"
)

// Answers that are held back until all input is handled are not what makes the queue of a client that reads full.
func TestCorkedAnswersDoNotFillTheQueue(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{}, func(x *session) {
		x.outbox = outbox.New(nil, &outbox.Limits{Messages: 10, Bytes: 20_000})
	})
	c, x := s.dial(t)
	x.conn.Cork()
	const answers = 300
	var want []string
	for i := range answers {
		text := fmt.Sprint(i, strings.Repeat(".", 60))
		want = append(want, "text "+text)
		if _, ok := x.outbox.Push(&outbox.Delivery{Frame: tell(text)}); !ok {
			t.Fatalf("the queue was full at answer %d", i)
		}
		x.conn.Flush()
	}
	x.conn.Uncork()
	c.want(want...)
	c.send(closeFrame(1000, ""))
	c.want("close 1000")
	x.end(t)
}
