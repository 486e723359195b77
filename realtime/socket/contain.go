package socket

import (
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// report reports a panic that has been recovered, whose stack is still there.
func (a *Acceptor) report(fault any) *realtime.Error {
	return contain.Do(a.o.Logger, a.o.Metrics, contain.Connection, func() { panic(fault) })
}

// contain is deferred by what reads. A panic, of the Handler too, ends the connection and nothing else.
func (r *reader) contain() {
	fault := recover()
	if fault == nil {
		return
	}
	c := r.c
	err := c.acceptor.report(fault)
	defer func() {
		if again := recover(); again != nil { // in ending it
			_ = c.acceptor.report(again)
			c.stream.abort(true)
		}
	}()
	if r.finishing {
		c.stream.abort(true)
		return
	}
	r.finish(err)
}

// contain is deferred by what writes, which may be anybody's goroutine. After a panic nothing is written any more;
// the reading goroutine does the rest.
func (w *writer) contain() {
	fault := recover()
	if fault == nil {
		return
	}
	c := w.c
	_ = c.acceptor.report(fault)
	defer func() {
		if again := recover(); again != nil {
			_ = c.acceptor.report(again)
			c.stream.abort(true)
		}
	}()
	defer w.stop()
	w.fail(errPanic)
}

var errPanic = errors.New("a panic in writing")
