package canary

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// mostLeaks bounds what an error tells of.
const mostLeaks = 10

// Leak is a word that a viewer was sent and must not have seen.
type Leak struct {
	Viewer string
	Acts   []string // what was done on the connection, the last ones last
	Place  string   // where the word stands in the publication
	Client string   // whose the publication is
	Form   string   // how it was found
	Near   string   // what was sent
}

// Error describes the leak.
func (l Leak) Error() string {
	return fmt.Sprintf("%s was sent a word in %s of a publication of client %q, %s, after %v: …%s…", l.Viewer, l.Place, l.Client, l.Form, l.Acts, l.Near)
}

// judge looks through all that a viewer was sent on a connection that has ended.
func (w *World) judge(v *Viewer, c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range c.epochs {
		to := c.tap.Len()
		if i+1 < len(c.epochs) {
			to = c.epochs[i+1].from
		}
		var said []byte // without what the protocol puts between
		for _, f := range c.frames {
			if f.End > e.from && f.End <= to {
				said = append(said, f.Raw...)
			}
		}
		raw := c.tap.Part(e.from, to)
		hits := append(w.words.Plain(raw, "as it is"), w.words.Binary(raw, "as bytes")...)
		hits = append(hits, w.words.Find(said)...)
		if i == 0 && len(c.frames) > 0 { // the answer's head
			hits = append(hits, w.words.Find(c.tap.Part(0, c.frames[0].End))...)
		}
		found := map[*word]hit{}
		for _, h := range hits {
			found[h.Word] = h
		}
		for _, made := range w.ofKeys {
			if e.shows(made) {
				v.keys[made] = true
			}
		}
		for _, made := range slices.SortedFunc(maps.Keys(found), compare) {
			if h := found[made]; !e.shows(made) && !v.keys[made] {
				w.leaks = append(w.leaks, Leak{v.User, c.acts, string(made.place), made.client, h.Form, h.Near})
			}
		}
	}
}

func compare(a, b *word) int { return strings.Compare(a.text, b.text) }

func (e epoch) shows(w *word) bool {
	return slices.ContainsFunc(e.views, func(v view) bool { return v.shows(w) })
}
