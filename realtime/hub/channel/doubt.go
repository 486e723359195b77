package channel

// While something may be missing of a state, those who read it are told what changes, with Positions that promise more than they have been
// told. They are told first that what they have is by no View: who comes back from there, here or on another instance, is given all of it anew.

// Doubted has those who read the state told so.
func Doubted(k *Keyed) {
	for r := range k.sights.Readers() {
		if r.pace.state && r.pace.snapshot == nil && !k.tellDoubt(r) {
			k.fx.Fail(r.client) // it takes nothing, and must not come back as if it had everything
		}
	}
}

// Trusted has those told that what they have is by their Views again, who have had everything.
func Trusted(k *Keyed) {
	for r := range k.sights.Readers() {
		if r.pace.doubts && !r.pace.lags {
			k.tellTrust(r)
		}
	}
}

// doubtful reports whether something may be missing.
func (k *Keyed) doubtful() bool { return k.Doubtful != nil && k.Doubtful() }

// tellDoubt tells a reader of a state that is in doubt, unless it knows. It reports whether there was room.
func (k *Keyed) tellDoubt(r *Reader) bool {
	if !r.pace.state || r.pace.doubts || !k.doubtful() {
		return true
	}
	r.pace.doubt(k.viewed(r, noView))
	return r.pace.doubts
}

// tellTrust tells a reader that has had everything, unless it knows. Without room, it is told another time: until then it loses nothing by it.
func (k *Keyed) tellTrust(r *Reader) {
	if !r.pace.doubts || k.doubtful() {
		return
	}
	r.pace.doubt(!k.viewed(r, r.view.Digest()))
}

// shownBy is what a reader that has been given all of a state is told that it is shown it by.
func (k *Keyed) shownBy(r *Reader) string {
	if r.pace.doubt(r.pace.state && k.doubtful()); r.pace.doubts {
		return noView
	}
	return r.view.Digest()
}
