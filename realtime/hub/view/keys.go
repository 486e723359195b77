package view

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// keys is a Filter that passes some keys, and what has none.
type keys struct {
	names    map[string]struct{}
	prefixes []string
	id       string
}

// newKeys returns the Filter of names, and of beginnings of names with a "*" behind.
func newKeys(list []string) (*keys, error) {
	k := &keys{names: make(map[string]struct{}, len(list)), id: "keys\x00" + strings.Join(slices.Sorted(slices.Values(list)), "\x00")}
	for _, name := range list {
		switch i := strings.IndexByte(name, '*'); i {
		case -1:
			k.names[name] = struct{}{}
		case len(name) - 1:
			k.prefixes = append(k.prefixes, name[:i])
		default:
			return nil, realtime.Errorf(realtime.CodeBadRequest, "keys: \"*\" may stand at the end only, got %.64q", name)
		}
	}
	return k, nil
}

func (k *keys) Match(p *realtime.Publication, _ *Memo) bool {
	if _, has := k.names[p.Key]; has || p.Key == "" {
		return true
	}
	return slices.ContainsFunc(k.prefixes, func(prefix string) bool { return strings.HasPrefix(p.Key, prefix) })
}

func (k *keys) Why(p *realtime.Publication, m *Memo) string {
	if k.Match(p, m) {
		return ""
	}
	return "the subscription is for other keys"
}

func (k *keys) ID() string { return k.id }
