package realtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

func TestCheckFieldsOfOperations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", realtime.MaxTypeBytes+1)
	for name, c := range map[string]struct {
		p    realtime.Publication
		says string // empty: it is good
	}{
		"event":                {realtime.Publication{Data: []byte("1")}, ""},
		"set with a ttl":       {realtime.Publication{Key: "k", TTL: realtime.MinTTL, Data: []byte("1")}, ""},
		"set for long":         {realtime.Publication{Key: "k", TTL: realtime.MaxTTL}, ""},
		"delete":               {realtime.Publication{Key: "k", Op: realtime.OpDelete}, ""},
		"clear":                {realtime.Publication{Op: realtime.OpClear}, ""},
		"ttl without a key":    {realtime.Publication{TTL: time.Minute}, "ttl: needs a key"},
		"ttl of a deletion":    {realtime.Publication{Key: "k", Op: realtime.OpDelete, TTL: time.Minute}, "ttl: needs a key"},
		"short ttl":            {realtime.Publication{Key: "k", TTL: realtime.MinTTL - 1}, "ttl: must be between 1s and 744h, got 999.999999ms"},
		"long ttl":             {realtime.Publication{Key: "k", TTL: realtime.MaxTTL + 1}, "ttl: must be between"},
		"delete nothing":       {realtime.Publication{Op: realtime.OpDelete}, "key: is missing"},
		"delete with data":     {realtime.Publication{Key: "k", Op: realtime.OpDelete, Data: []byte("null")}, "data: must be left out of delete"},
		"clear a key":          {realtime.Publication{Key: "k", Op: realtime.OpClear}, "key: must be left out of clear"},
		"clear with data":      {realtime.Publication{Op: realtime.OpClear, Data: []byte("1")}, "data: must be left out of clear"},
		"unknown":              {realtime.Publication{Op: "merge"}, `op: must be "delete", "clear" or empty, got "merge"`},
		"long event type":      {realtime.Publication{EventType: long}, "eventType: must be at most 256 bytes, got 257"},
		"long source":          {realtime.Publication{Source: long}, "source: must be at most"},
		"content type by line": {realtime.Publication{ContentType: "a\nb"}, "contentType: contains a control character"},
	} {
		err := c.p.CheckFields()
		if c.says == "" && err != nil || c.says != "" && (realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestParseTTL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"1s": time.Second, "1m30s": 90 * time.Second, "744h": realtime.MaxTTL, "+2.5s": 2500 * time.Millisecond} {
		if got, err := realtime.ParseTTL(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "30", "0", "-1s", "999ms", "745h", "1d", "1s ", "1e9h", strings.Repeat("9", 1000) + "s"} {
		if got, err := realtime.ParseTTL(text); realtime.CodeOf(err) != realtime.CodeBadRequest || len(err.Error()) > 200 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
