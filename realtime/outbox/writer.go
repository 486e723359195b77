package outbox

import "time"

// Begin reports whether the caller is now the one writer. It is false while
// another is, and when there is nothing to write.
func (o *Outbox) Begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.waiting.empty() || held(o) {
		return false
	}
	o.writing = true
	return true
}

// Start is Begin, and the first Next if the caller is now the writer. Else it returns buf.
func (o *Outbox) Start(buf [][]byte, most int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.waiting.empty() || held(o) {
		return buf
	}
	o.writing = true
	return o.nextLocked(buf, most)
}

// Next moves the frames to write next, control first, to the end of buf: at
// least one and about most bytes, or none, and then the caller is the writer no longer. Among them are
// those that tell what was dropped.
func (o *Outbox) Next(buf [][]byte, most int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.nextLocked(buf, most)
}

// More is Next for somebody who helps the writer, who stays that, also if there is nothing to write.
func More(o *Outbox, buf [][]byte, most int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	buf = o.nextLocked(buf, most)
	o.writing = true
	return buf
}

func (o *Outbox) nextLocked(buf [][]byte, most int) [][]byte {
	if o.pace != nil {
		o.pace.fill(time.Now())
	}
	if o.more && o.data.replayed < o.most/2 && o.pace.allows(o.most/2) {
		func() {
			o.mu.Unlock()
			defer o.mu.Lock() // also if it panics: the caller unlocks
			o.source()
		}()
	}
	size, start := 0, len(buf)
	buf = o.control.take(buf)
	for _, f := range buf[start:] {
		size += len(f)
	}
	if len(o.dropped) > 0 {
		buf, size = o.tellDropped(o.encoder, buf, size)
	}
	o.pace.take(size)
	for x := o.data.first(); x != nil; x = o.data.first() {
		n := len(x.frame.Bytes)
		if size > 0 && size+n > most || !o.pace.allows(n) {
			break
		}
		buf = append(buf, x.frame.Bytes)
		size += n
		o.pace.take(n)
		o.data.remove(o.data.order.first)
	}
	if o.data.len == 0 {
		o.data.release()
		o.dropped = nil
		o.control.release()
	}
	o.taken += int64(size)
	if len(buf) == start {
		o.writing = false
		held(o)
	}
	return buf
}
