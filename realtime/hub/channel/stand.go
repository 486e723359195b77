package channel

import (
	"github.com/tidewire/tidewire/realtime/hub/record"
)

// Stand is how a reader is given what comes.
type Stand struct {
	Answered bool // its subscribe has been
	State    bool // it reads the state
	Paused   bool
	Paced    bool // it is given the newest of each key from time to time
	Behind   bool // its client has yet to be given, or to take, some of what has come
	Left     bool // told of the key in question would be that it has gone: the reader is shown what the channel keeps of it
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
		s.Left = key != "" && record.ShowsKey(p.keyed.Table, key, r.view)
	}
	return s
}
