package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// MaxViews bounds the patterns of filters, and those of columns, that a token has.
const MaxViews = 64

// maxRoles bounds the filters of one pattern.
const maxRoles = 16

// filtersOf reads the filters of a token by pattern: one, or a list of which one has to pass. They are compiled when a channel
// is asked for. An empty list passes nothing.
func filtersOf(value string) (map[realtime.Pattern][]string, error) {
	return viewsOf(value, func(value string) ([]string, error) {
		texts := []string{}
		if value[0] == '[' {
			all, err := stringsOf(value, maxRoles)
			if err != nil {
				return nil, err
			}
			texts = append(texts, all...)
		} else {
			one, err := stringOf(value)
			if err != nil {
				return nil, err
			}
			texts = append(texts, one)
		}
		for _, text := range texts {
			if text == "" || len(text) > realtime.MaxFilterBytes {
				return nil, fmt.Errorf("must be 1 to %d bytes, has %d", realtime.MaxFilterBytes, len(text))
			}
		}
		return texts, nil
	})
}

// columnsOf reads the columns of a token by pattern. An empty list shows none.
func columnsOf(value string) (map[realtime.Pattern][]string, error) {
	return viewsOf(value, func(value string) ([]string, error) {
		names, err := stringsOf(value, realtime.MaxColumns)
		if err != nil {
			return nil, err
		}
		return append([]string{}, names...), realtime.CheckColumns("names", names)
	})
}

// viewsOf reads an object of patterns. What cannot be read refuses the token: left out, it would show more.
func viewsOf(value string, read func(value string) ([]string, error)) (map[realtime.Pattern][]string, error) {
	if value[0] != '{' {
		return nil, errors.New("is not an object")
	}
	all := map[realtime.Pattern][]string{}
	err := object(value).each(func(name, value string) error {
		if len(all) == MaxViews {
			return fmt.Errorf("has more than %d patterns", MaxViews)
		}
		if err := realtime.CheckPattern(name); err != nil {
			return fmt.Errorf("%.64q: %w", name, err)
		}
		list, err := read(value)
		if err != nil {
			return fmt.Errorf("%.64q: %w", name, err)
		}
		all[realtime.Pattern(strings.Clone(name))] = list
		return nil
	})
	return all, err
}
