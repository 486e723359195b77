package yjs

// maxKnown bounds the spans that a door remembers of a document, of edits and of deletions, while it loads it. What it does not remember the client
// is asked for again.
const maxKnown = 1 << 15

// known is what a document has.
type known struct{ edits, deleted Ranges }

func newKnown() *known { return &known{edits: Ranges{}, deleted: Ranges{}} }

func (k *known) add(u *Update) {
	for client, pieces := range u.pieces {
		for i := range pieces {
			k.edits.add(client, pieces[i].span)
		}
	}
	for client, spans := range u.deleted {
		for _, s := range spans {
			k.deleted.add(client, s)
		}
	}
	k.edits.bound(maxKnown)
	k.deleted.bound(maxKnown)
}

// bound forgets whole clients, so that there are not more than so many spans.
func (r Ranges) bound(most int) {
	if n := r.len(); n > most {
		for client, all := range r {
			if n <= most/2 {
				return
			}
			n -= len(all)
			delete(r, client)
		}
	}
}
