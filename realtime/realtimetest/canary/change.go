package canary

import "reflect"

// refresh renews the token with other rights, while others publish. From the answer on the new ones hold.
func refresh(v *Viewer) error {
	if v.streams != nil {
		return nil
	}
	r := v.rights()
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	return v.change(func(t *told) { t.token = r }, func() (Frame, error) {
		return v.Call(map[string]any{"type": "refresh", "token": token})
	})
}

// change changes what holds while others publish. do returns the frame with which the server says that it has.
func (v *Viewer) change(what func(*told), do func() (Frame, error)) error {
	var before, after view
	v.tell(func(t *told) {
		before = t.view()
		next := *t
		what(&next)
		after, t.changing = next.view(), true
	})
	v.conn.begin(before, after)
	var done Frame
	err := v.world.during(func() (err error) {
		done, err = do()
		return err
	})
	if err != nil {
		return err
	}
	v.conn.beginAt(done, after)
	v.tell(func(t *told) {
		what(t)
		t.changing = false
		if t.wild && t.token.Channels != nil { // it covers the pattern no more
			t.wild = false
			clear(t.reads)
		}
		for channel := range t.reads {
			if !within(t.token.Channels, channel) {
				delete(t.reads, channel)
			}
		}
	})
	forgetEnded(v)
	if !reflect.DeepEqual(before, after) { // else what waits, as for a viewer that has paused, is due still
		v.drop(func(*word) bool { return true })
	}
	return nil
}
