package channel

import (
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// lane has the readers of a channel who are shown the same: what they are shown is decided once for all of them. The readers
// of a channel who are shown everything are in its first lane.
type lane struct {
	view    *view.View
	readers []*Reader
	by      *view.Equality // by which it is found; nil: it is asked about everything
}

// lanes are those of a channel. Who asks for nothing pays for nothing: without Views there is the one lane.
type lanes struct {
	plain    lane
	filtered []*lane           // those with a View that no name decides, and of those whose View only projects
	byValue  map[value][]*lane // those with a View that shows only what has one of some values under a name
	names    map[string]int    // how many lanes are in byValue for each name
	byID     map[string]*lane
}

// value is what a name has to be.
type value struct{ name, value string }

// of returns the lane of a View.
func (ls *lanes) of(v *view.View) *lane {
	if v == nil {
		return &ls.plain
	}
	if l := ls.byID[v.ID()]; l != nil {
		return l
	}
	l := &lane{view: v}
	if ls.byID == nil {
		ls.byID, ls.byValue, ls.names = map[string]*lane{}, map[value][]*lane{}, map[string]int{}
	}
	ls.byID[v.ID()] = l
	if l.by = ls.choose(v); l.by == nil {
		ls.filtered = append(ls.filtered, l)
		return l
	}
	for _, is := range l.by.Values {
		key := value{l.by.Name, is}
		ls.byValue[key] = append(ls.byValue[key], l)
	}
	ls.names[l.by.Name]++
	return l
}

// choose returns the equality by which the fewest others are found with a View: it tells Views apart best.
func (ls *lanes) choose(v *view.View) (best *view.Equality) {
	fewest := 0
	for _, e := range v.Equalities() {
		most := 0
		for _, is := range e.Values {
			most = max(most, len(ls.byValue[value{e.Name, is}]))
		}
		if best == nil || most < fewest {
			best, fewest = &e, most
		}
	}
	return best
}

// drop forgets a lane that has no readers.
func (ls *lanes) drop(l *lane) {
	if l == &ls.plain || len(l.readers) > 0 {
		return
	}
	delete(ls.byID, l.view.ID())
	if l.by == nil {
		ls.filtered = without(ls.filtered, l)
		return
	}
	for _, is := range l.by.Values {
		key := value{l.by.Name, is}
		if rest := without(ls.byValue[key], l); len(rest) > 0 {
			ls.byValue[key] = rest
		} else {
			delete(ls.byValue, key)
		}
	}
	if ls.names[l.by.Name]--; ls.names[l.by.Name] == 0 {
		delete(ls.names, l.by.Name)
	}
}

func without(all []*lane, l *lane) []*lane {
	for i, have := range all {
		if have == l {
			all[i] = all[len(all)-1]
			all[len(all)-1] = nil
			return all[:len(all)-1]
		}
	}
	return all
}

// enter puts a reader into the lane of its View, and exit takes it out.
func (ls *lanes) enter(r *Reader) {
	l := ls.of(r.view)
	r.lane, r.seat = l, len(l.readers)
	l.readers = append(l.readers, r)
}

func (ls *lanes) exit(r *Reader) {
	l := r.lane
	last := len(l.readers) - 1
	l.readers[r.seat] = l.readers[last]
	l.readers[r.seat].seat = r.seat
	l.readers[last] = nil
	l.readers, r.lane = l.readers[:last], nil
	ls.drop(l)
}

// Immediate returns the readers of a channel that are given all that comes, at once. It is good until one comes or goes.
func Immediate(m *Machine) []*Reader { return m.lanes.plain.readers }
