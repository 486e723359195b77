package fleet

import "github.com/tidewire/tidewire/realtime"

// Audience is told of the readers of channels, each once, but not of those that came by a pattern, nor of reserved channels. It is told under the
// lock of the topic, and so does not wait, nor call back. It is safe for concurrent use.
type Audience interface {
	// Joined is told of a reader, with the rules of its namespace, and Left that it has gone.
	Joined(c realtime.Channel, rules *realtime.Namespace)
	Left(c realtime.Channel)
	// Obey is told of a tenant's newer document, perhaps more than once.
	Obey(t *realtime.Tenant)
}

// audible reports whether an audience is told of a reader.
func audible[W comparable](f *Fleet[W], c realtime.Channel, roams bool) bool {
	if f.readers == nil || roams {
		return false
	}
	kind, _ := c.Reserved()
	return kind == ""
}
