package fleet

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/resumetest"
	"github.com/tidewire/tidewire/realtime/wire"
)

// What a faulty server sends, as frames of one connection, is found.
func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	const first = "p3 ok"
	tests := []struct{ name, story, want string }{
		{"all is well", "p6 4 5 6", ""},
		{"lost", "p6 4 6", "missing 1"},
		{"lost at the end", "p6 4 5", "missing 1"},
		{"doubled", "p6 4 5 5 6", "repeated 1"},
		{"doubled much later", "p6 4 5 6 4", "repeated 1"},
		{"swapped", "p6 4 6 5", "disordered 1, missing 1"},
		{"of another tenant", "p6 4 globex/5 5 6", "foreign 1, repeated 1"},
		{"of another tenant, never published here", "p6 4 globex/77 5 6", "foreign 1, unknown 1"},
		{"of another channel", "p6 4 acme.orders:b/5 5 6", "foreign 1, repeated 1"},
		{"a gap that is announced", "p6 4 gap 6", "gaps 1"},
		{"a gap announced behind its place", "p6 4 6 gap", "gaps 1, missing 1"},
		{"a gap announced before its place", "p4 gap p6 4 6", "gaps 1, missing 1"},
		{"dropped", "p6 4 dropped 6", "dropped 1, missing 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			c := newClient("c1", "acme", "", "", b, channel(t, "acme", "orders:a"))
			l := &link{client: c, record: c.keeper.Open(), opened: time.Now(), owed: map[string]bool{"orders:b": true}}
			l.record.Ask(c.channels[0])
			play(t, l, first+" "+tt.story)
			b.checker.Finish()
			if diff := cmp.Diff(tt.want, found(c)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// play has a connection take frames: p6 publishes up to event 6, ok is the answer to the subscribe, 5 is
// event 5, globex/5 is event 5 with data that was another tenant's.
func play(t *testing.T, l *link, story string) {
	t.Helper()
	const name = "orders:a"
	published := 0
	now := time.Now().UnixMilli()
	for word := range strings.FieldsSeq(story) {
		f := wire.ServerFrame{Channel: name, Position: fmt.Sprintf("%d-", now)}
		from, number, strays := strings.Cut(word, "/")
		if !strays {
			from, number = "acme."+name, word
		} else if !strings.Contains(from, ".") {
			from += "." + name
		}
		var n int64
		switch _, err := fmt.Sscanf(number, "%d", &n); {
		case word[0] == 'p':
			for _, _ = fmt.Sscanf(word, "p%d", &n); int64(published) < n; { // it is a number
				published++
				l.client.book.checker.Published(l.client.channels[0], fmt.Sprint(published))
			}
			continue
		case word == "ok":
			f.Type = wire.TypeOK
		case word == "gap" || word == "dropped":
			f.Type, f.Code = wire.TypeNotice, map[string]realtime.Code{"gap": wire.NoticeGap, "dropped": wire.NoticeDropped}[word]
		case err == nil:
			tenant, channel, _ := strings.Cut(from, ".")
			f.Type, f.Position = wire.TypeMessage, fmt.Sprintf("%d-%d", now+n, n)
			f.Data, _ = json.Marshal(payload{Tenant: tenant, Channel: channel, N: n}) // it is flat
		default:
			t.Fatalf("the story has no word %q", word)
		}
		l.take(&f)
	}
}

// found are the faults and gaps in short, by name.
func found(c *client) string {
	all := map[string]int{}
	for _, f := range c.book.checker.Faults() {
		all[string(f.Kind)]++
	}
	counts := c.book.checker.Counts()
	for name, n := range map[string]int{
		"gaps": counts.Gaps, "foreign": c.book.counted("foreign"), "dropped": c.book.counted("faults") - c.book.counted("foreign"),
		string(resumetest.FaultRepeated): c.keeper.Repeated(), // which the client has dropped
	} {
		if all[name] += n; all[name] == 0 {
			delete(all, name)
		}
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, fmt.Sprintf("%s %d", name, all[name]))
	}
	return strings.Join(words, ", ")
}
