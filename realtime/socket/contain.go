package socket

import (
	"errors"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/contain"
)

// report tells of a panic that has been recovered, whose stack is still there.
func (c *Conn) report(fault any) *realtime.Error {
	return contain.Do(c.acceptor.o.Logger, c.acceptor.o.Metrics, contain.Connection, func() { panic(fault) })
}

// containReading is deferred by what reads. A panic, of the Handler too, ends the connection and nothing else.
func (c *Conn) containReading() {
	fault := recover()
	if fault == nil {
		return
	}
	err := c.report(fault)
	defer func() {
		if again := recover(); again != nil { // in ending it
			_ = c.report(again)
			c.stream.cut(true)
		}
	}()
	if c.finishing {
		c.stream.cut(true)
		return
	}
	c.finish(err)
}

// containWriting is deferred by what writes, which may be anybody's goroutine. After a panic nothing is written any more;
// the reading goroutine does the rest.
func (c *Conn) containWriting() {
	fault := recover()
	if fault == nil {
		return
	}
	_ = c.report(fault)
	defer func() {
		if again := recover(); again != nil {
			_ = c.report(again)
			c.stream.cut(true)
		}
	}()
	defer c.wrote()
	c.broken(errPanic)
}

var errPanic = errors.New("a panic in writing")

// wrote says that nothing will be written again.
func (c *Conn) wrote() {
	if !c.unwritten.Swap(true) {
		c.writes.Done()
	}
}
