package demand

import (
	"encoding/json"
	"iter"

	"github.com/tidewire/tidewire/realtime/internal/distinct"
)

// NamedUsers is how many users of a channel at an instance are told apart from those at others: up to as many together, Row.Users is exact.
const NamedUsers = 32

// Row is what is shown of a channel that is read, or what one instance says of it.
type Row struct {
	Watchers int `json:"watchers"` // subscriptions that are not paused
	// Users is how many users have them. Over several instances it is exact up to NamedUsers, and an estimate of more.
	Users   int            `json:"users"`
	Keys    map[string]int `json:"keys,omitzero"`     // those tracked, and by how many; absent if some subscription has all, or they are more than MostKeys
	MaxRate float64        `json:"maxRate,omitempty"` // of the fastest; absent if one is without bound
	Since   int64          `json:"since"`             // when it was first read, ms

	Who *distinct.Sketch `json:"who,omitempty"` // the users, for instances only
}

// count is what the readers of a channel make.
func count(readers iter.Seq[Reader]) *Row {
	is := &Row{Keys: map[string]int{}, Who: distinct.New(NamedUsers)}
	users, all, rated := map[string]struct{}{}, false, true
	for r := range readers {
		if r.Paused {
			continue
		}
		is.Watchers++
		if _, has := users[r.User]; !has {
			users[r.User] = struct{}{}
			is.Who.Add(r.User)
		}
		all = all || r.Keys == nil
		for _, k := range r.Keys {
			is.Keys[k]++
		}
		all = all || len(is.Keys) > MostKeys
		rated = rated && r.MaxRate > 0
		is.MaxRate = max(is.MaxRate, r.MaxRate)
	}
	is.Users = len(users)
	if all {
		is.Keys = nil
	}
	if !rated {
		is.MaxRate = 0
	}
	return is
}

// Parse reads what an instance says of a channel; nil: what it cannot have said. It may be called at any time.
func Parse(value json.RawMessage) *Row {
	is := new(Row)
	if json.Unmarshal(value, is) != nil || is.Watchers < 0 || is.Users < 0 {
		return nil
	}
	return is
}

// Sum is what instances say of a channel together. It has no Who.
func Sum(said iter.Seq[*Row]) *Row {
	total := &Row{Keys: map[string]int{}}
	all, unbounded := false, false
	users := distinct.Union{Most: NamedUsers}
	for is := range said {
		total.Watchers += is.Watchers
		users.Add(is.Users, is.Who)
		if total.Since == 0 || is.Since < total.Since {
			total.Since = is.Since
		}
		// Who has just gone is about to come back: what it wanted is wanted still, by nobody.
		all = all || is.Keys == nil
		unbounded = unbounded || is.MaxRate == 0
		total.MaxRate = max(total.MaxRate, is.MaxRate)
		for k, n := range is.Keys {
			if is.Watchers == 0 {
				n = 0
			}
			total.Keys[k] += n
		}
		all = all || len(total.Keys) > MostKeys
	}
	total.Users = users.Count()
	if all {
		total.Keys = nil
	}
	if unbounded {
		total.MaxRate = 0
	}
	return total
}

// rowCost is about what a row takes, and what one instance says of it, besides its keys; keyCost is what one of these takes.
const (
	rowCost = 400
	keyCost = 64
)

// cost is about what it takes.
func (r *row) cost(key string) int {
	n := rowCost + 2*len(key) + len(r.shown)
	add := func(is *Row) {
		n += rowCost
		for k := range is.Keys {
			n += keyCost + len(k)
		}
	}
	if r.own != nil {
		add(r.own)
	}
	for _, is := range r.others {
		add(is)
	}
	return n
}

// sum is what all instances say of a channel together.
func (r *row) sum() *Row {
	return Sum(func(yield func(*Row) bool) {
		if r.own != nil && !yield(r.own) {
			return
		}
		for _, is := range r.others {
			if !yield(is) {
				return
			}
		}
	})
}

// shown encodes what is shown.
func shown(r *Row) json.RawMessage {
	is := *r
	is.Who = nil
	return Encode(&is)
}

// Encode returns it as Parse reads it.
func Encode(r *Row) json.RawMessage {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // its fields always can be
	}
	return text
}
