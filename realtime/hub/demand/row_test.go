package demand

import (
	"slices"
	"strconv"
	"testing"
)

// Keys that are too many to be named are all wanted: better a value too many than one too few.
func TestManyKeysAreAll(t *testing.T) {
	t.Parallel()
	keys := make([]string, MostKeys)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	full := count(slices.Values([]Reader{{User: "ann", Keys: keys}}))
	if len(full.Keys) != MostKeys {
		t.Errorf("%d keys, want %d", len(full.Keys), MostKeys)
	}
	if over := count(slices.Values([]Reader{{User: "ann", Keys: keys}, {User: "bob", Keys: []string{"x"}}})); over.Keys != nil {
		t.Errorf("%d keys are named", len(over.Keys))
	}
	other := count(slices.Values([]Reader{{User: "carl", Keys: []string{"x"}}}))
	if total := Sum(slices.Values([]*Row{full, other})); total.Keys != nil {
		t.Errorf("%d keys of two instances are named", len(total.Keys))
	}
}
