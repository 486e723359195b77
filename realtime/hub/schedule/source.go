package schedule

import "context"

// Source is where connections are handed over from. It remembers what was handed over and has not been flushed yet. The
// zero value is ready; it belongs to one Scheduler, whose lock guards it.
type Source struct {
	oldest, newest *batch // not flushed yet
	handed         uint64 // batches so far
	tasks          []task // in the order of until
}

// task is to be done once the batches up to a number have been flushed.
type task struct {
	until uint64
	do    func()
}

// After calls do once all has been flushed that was handed over from the source before: at once, or on the goroutine of a
// worker. So do must not block.
func (s *Scheduler) After(src *Source, do func()) {
	s.mu.Lock()
	if src.oldest != nil {
		src.tasks = append(src.tasks, task{src.handed, do})
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	do()
}

// Wait returns once all has been flushed that was handed over from the source before, or ctx ends. Whoever flushes must not call it.
func (s *Scheduler) Wait(ctx context.Context, src *Source) error {
	s.mu.Lock()
	if src.oldest == nil {
		s.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	src.tasks = append(src.tasks, task{src.handed, func() { close(done) }})
	s.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add enters a batch. s.mu is held.
func (src *Source) add(b *batch) {
	src.handed++
	b.source, b.number = src, src.handed
	b.older = src.newest
	if src.newest != nil {
		src.newest.newer = b
	} else {
		src.oldest = b
	}
	src.newest = b
}

// remove takes out a batch that has been flushed, and returns what is to be done now. s.mu is held.
func (src *Source) remove(b *batch) (due []task) {
	if b.newer != nil {
		b.newer.older = b.older
	} else {
		src.newest = b.older
	}
	if b.older != nil {
		b.older.newer = b.newer
		return nil
	}
	src.oldest = b.newer
	n := 0
	for n < len(src.tasks) && (src.oldest == nil || src.tasks[n].until < src.oldest.number) {
		n++
	}
	due = src.tasks[:n:n]
	if src.tasks = src.tasks[n:]; len(src.tasks) == 0 {
		src.tasks = nil
	}
	return due
}
