package view

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime/jsontext"
)

// Columns are the top-level members of Data that are shown. Those of one Builder are equal only if they are the same.
type Columns struct {
	names []string // in order
	keys  [][]byte // the same as members of an object begin: quoted, with a colon
}

func newColumns(names []string) *Columns {
	c := &Columns{names: names}
	for _, n := range names {
		key, err := json.Marshal(n)
		if err != nil {
			panic(err) // a string can be written
		}
		c.keys = append(c.keys, append(key, ':'))
	}
	return c
}

// Names returns them in order.
func (c *Columns) Names() []string { return slices.Clone(c.names) }

// Project returns data with these members only, in their order; null if data is no object. It is nil if data is.
func (c *Columns) Project(data []byte) []byte {
	switch {
	case c == nil || len(data) == 0:
		return data
	case jsontext.Begins(data) != '{':
		return []byte("null")
	}
	out := append(make([]byte, 0, len(data)), '{')
	for name, value := range jsontext.Members(data) {
		i, shown := slices.BinarySearchFunc(c.names, name, func(have string, want []byte) int { return strings.Compare(have, string(want)) })
		if !shown {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, c.keys[i]...)
		out = append(out, value...)
	}
	return append(out, '}')
}

// common returns the names that are in all of some lists, in order; all says that there is no list.
func common(lists [][]string) (names []string, all bool) {
	if len(lists) == 0 {
		return nil, true
	}
	names = slices.Clone(lists[0])
	slices.Sort(names)
	names = slices.Compact(names)
	for _, list := range lists[1:] {
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(list, n) })
	}
	return names, false
}

func (c *Columns) id() string {
	if c == nil {
		return ""
	}
	return "\x00columns\x00" + strings.Join(c.names, "\x00")
}
