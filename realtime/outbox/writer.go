package outbox

// Begin reports whether the caller is now the one writer. It is false while
// another is, and when there is nothing to write.
func (o *Outbox) Begin() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing || o.idleLocked() && len(o.control.frames) == 0 {
		return false
	}
	o.writing = true
	return true
}

// Next moves the frames to write next, control first, to the end of buf: at
// least one and about most bytes, or none, and then the caller is the writer no longer. Among them are
// those that tell what was dropped.
func (o *Outbox) Next(buf [][]byte, most int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more && o.data.replayed < o.most/2 {
		o.mu.Unlock()
		o.source()
		o.mu.Lock()
	}
	size, start := 0, len(buf)
	buf = o.control.take(buf)
	for _, f := range buf[start:] {
		size += len(f)
	}
	for c, n := range o.dropped {
		if o.encoder != nil {
			if f := o.encoder.Dropped(c, n); !f.IsZero() {
				buf = append(buf, f.Bytes)
				size += len(f.Bytes)
			}
		}
		delete(o.dropped, c)
	}
	for x := o.data.first(); x != nil; x = o.data.first() {
		n := len(x.frame.Bytes)
		if size > 0 && size+n > most {
			break
		}
		buf = append(buf, x.frame.Bytes)
		size += n
		o.data.remove(o.data.order.first)
	}
	if o.data.len == 0 {
		o.data.release()
		o.dropped = nil
		o.control.release()
	}
	if len(buf) == start {
		o.writing = false
	}
	return buf
}
