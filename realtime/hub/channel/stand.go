package channel

import (
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Stand is how a reader is given what comes: its subscribe has been answered; it reads the state; it is paused; it is given the newest of each key from time to
// time; its client has yet to be given, or to take, some of what has come. Had is what is kept for it of the key in question, nil if nothing is, and Told
// that it has been told of that, or of what shows it the same.
type Stand struct {
	Answered, State, Paused, Paced, Behind, Told bool
	Had                                          *realtime.Publication
}

// StandOf says how a reader stands. key is that of what would come.
func StandOf(r *Reader, key string) Stand {
	frames, _ := r.client.Box.Len()
	s := Stand{Answered: r.On(), Behind: frames > 0 || r.state != Reading}
	p := r.pace
	if p == nil {
		return s
	}
	s.State, s.Paused, s.Paced = p.state, p.paused, p.tempo.Granted() > 0
	if p.keyed != nil {
		s.Behind = s.Behind || p.lags
		if had, number, ok := record.Stored(p.keyed.Table, key); ok {
			s.Had, s.Told = &had, number > p.cursor.Joined
		}
	}
	return s
}
