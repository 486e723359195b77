package agenda

import (
	"context"
	"runtime"
)

// Parts does something in parts, on a goroutine of its own that rests meanwhile, whenever it is woken. It is safe for concurrent use.
type Parts struct {
	wake chan struct{}
}

// NewParts returns Parts of what part does; that reports whether there is more. run starts the goroutine, which ends with ctx.
func NewParts(ctx context.Context, run func(func()), part func() (more bool)) *Parts {
	p := &Parts{wake: make(chan struct{}, 1)}
	run(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			}
			for part() {
				runtime.Gosched() // to who waits for the lock: who lets a lock go and wants it again has it otherwise, for a millisecond
			}
		}
	})
	return p
}

// Wake has it done. It does not wait. With nil Parts nothing is done.
func (p *Parts) Wake() {
	if p == nil {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default: // it is about to be
	}
}
