package canary

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/words"
)

// Rights are what one authority lets a viewer see: a token, the rules of the tenant, or what the viewer asks for itself. What several
// say holds together.
type Rights struct {
	// Channels are the names that may be read; nil is all. Only tokens say it.
	Channels []string
	// Clients are the values of the tag "client" of publications that are shown; nil is all. Shared is always one of them.
	Clients []string
	// Columns are the members of data that are shown; nil is all. Shown is always one of them.
	Columns []string
	// Demand says that the demand for the namespace of AllChannels may be seen. Only tokens say it.
	Demand bool
}

// Shared is the client whose publications all rights show, and ClientTag the tag that names it.
const (
	Shared    = "shared"
	ClientTag = "client"
)

// Shown is the member of data that all rights show. Hidden and Deep are the others.
const (
	Shown  = frames.Shown
	Hidden = frames.Hidden
	Deep   = frames.Deep
)

func (r Rights) shows(w *word) bool {
	return within(r.Channels, granting(w.of.Channel.Name())) && within(r.Clients, w.client) && (w.column == "" || within(r.Columns, w.column))
}

func within(list []string, s string) bool { return list == nil || slices.Contains(list, s) }

// view is all that holds for one viewer at a time.
type view struct {
	user   string
	rights [3]Rights // of the token, the tenant, and what the viewer asks for
	passed bool      // it has no state of what is transient
}

func (v view) shows(w *word) bool {
	rights := v.rights[:]
	switch {
	case w.place == inTracked && w.of.Channel.Namespace() == demandedNamespace && v.rights[0].Demand:
		return true
	case w.to != "":
		return w.to == v.user
	case w.of.Transient && v.passed:
		return false
	case w.of.Transient:
		rights = v.rights[:2] // it is read by subscriptions that ask for all
	}
	for _, r := range rights {
		if !r.shows(w) {
			return false
		}
	}
	return true
}

// place is where a word stands.
type place string

const (
	inData   place = "data"
	inName   place = "a name in data"
	inTag    place = "a tag"
	inKey    place = "the key"
	inType   place = "the event type"
	inSource place = "the source"
)

// dictionary finds words, of which a hit is one.
type (
	dictionary = words.Dictionary[*word]
	hit        = words.Hit[*word]
)

// word is a canary.
type word struct {
	text   string
	of     *realtime.Publication
	client string // whose it is
	place  place
	column string // the member of data that it is in
	to     string // the user that it was sent to, on no channel
}
