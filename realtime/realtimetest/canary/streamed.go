package canary

import (
	"errors"
	"fmt"
)

// openStream opens a stream of events of all that the token grants.
func openStream(v *Viewer, r Rights, lastID string) error {
	token, err := v.world.server.Token(v.User, r)
	if err != nil {
		return err
	}
	v.leave()
	if lastID == "" {
		v.forget()
	}
	v.tell(func(t *told) {
		t.token, t.own, t.conflates, t.paused, t.wild, t.state = r, Rights{}, false, false, false, nil
	})
	s, err := dialStream(v.world.ctx, v.world.server.URL, token, map[string][]string{"channel": r.Channels}, lastID)
	if err != nil {
		return err
	}
	v.streams = true
	v.attach(s.tap, s)
	for _, channel := range r.Channels {
		f, err := v.conn.await(v.world.options.Patience, "the answer for "+channel, 0, func(f Frame) bool { return f.Channel == channel && f.Type != "message" })
		if err != nil {
			return err
		}
		if f.Type != "ok" || lastID != "" && !f.Resumed {
			return fmt.Errorf("%s is answered %s", channel, f.Raw)
		}
		v.tell(func(t *told) { t.reads[channel] = f.Position })
	}
	return nil
}

// resumeStream takes a stream up again with its last id, and is given what was published meanwhile.
func resumeStream(v *Viewer) error {
	if !v.streams {
		return nil
	}
	s, ok := v.conn.by.(*stream)
	if !ok {
		return errors.New("not a stream")
	}
	v.leave()
	id := s.id
	for range v.rng.IntN(20) {
		if _, err := v.world.publish(true); err != nil {
			return err
		}
	}
	return openStream(v, v.told.token, id)
}
