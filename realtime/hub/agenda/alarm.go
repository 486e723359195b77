package agenda

import "time"

// Alarm calls a function when the first of several moments comes. It is guarded by the lock of whoever has it.
type Alarm struct {
	timer *time.Timer // nil while it is not set
	due   time.Time
}

// Set has do called at a moment, unless it is called before. do calls Passed. The zero moment is never.
func (a *Alarm) Set(at time.Time, do func()) {
	switch {
	case at.IsZero(), a.timer != nil && !at.Before(a.due):
		return
	case a.timer != nil:
		a.timer.Reset(time.Until(at))
	default:
		a.timer = time.AfterFunc(time.Until(at), do)
	}
	a.due = at
}

// Passed says that what was due is done.
func (a *Alarm) Passed() { a.timer = nil }

// Stop has nothing called any more, but for a call that is under way.
func (a *Alarm) Stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
