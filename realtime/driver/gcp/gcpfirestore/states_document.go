package gcpfirestore

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
)

// stateKept is for how long it stays known that a key was deleted, or a channel cleared, or what has expired: far longer than a Save that is
// under way.
const stateKept = 24 * time.Hour

// stateDocument is tenants/{tenant}/channels/{channel}/state/{key}. What nobody asks by is in one field, which has no index.
type stateDocument struct {
	Key     string       `firestore:"key"`
	Change  changeFields `firestore:"change"`
	Expires time.Time    `firestore:"expireAt"` // when the document is removed
}

// changeFields are those of the newest change of a key.
type changeFields struct {
	Op          string            `firestore:"op"`
	ID          string            `firestore:"id"`
	Time        time.Time         `firestore:"time"`
	After       string            `firestore:"after,omitempty"` // the clear of the same time that it came after
	Data        []byte            `firestore:"data"`
	Tags        map[string]string `firestore:"tags,omitempty"`
	TTL         int64             `firestore:"ttl,omitempty"` // ms
	EventType   string            `firestore:"eventType,omitempty"`
	Source      string            `firestore:"source,omitempty"`
	ContentType string            `firestore:"contentType,omitempty"`
	Over        *time.Time        `firestore:"endsAt,omitempty"` // when the entry is over
}

// channelDocument is tenants/{tenant}/channels/{channel}.
type channelDocument struct {
	Cleared clearFields `firestore:"cleared"`
	Expires time.Time   `firestore:"expireAt"`
}

// clearFields are those of a channel's last clear.
type clearFields struct {
	ID   string    `firestore:"id"`
	Time time.Time `firestore:"time"`
}

// topicDocument is topics/{topic}.
type topicDocument struct {
	Keeper string     `firestore:"keeper"`
	Until  time.Time  `firestore:"claimUntil"`
	Mark   markFields `firestore:"mark"`
}

// markFields are those of a realtime.StateMark.
type markFields struct {
	Watermark time.Time                       `firestore:"watermark"`
	Since     map[string]map[string]time.Time `firestore:"since"` // by tenant and namespace
	Pending   []pendingFields                 `firestore:"pending,omitempty"`
	Recent    []byte                          `firestore:"recent"` // 24 bytes each
}

// pendingFields are those of a realtime.PendingState.
type pendingFields struct {
	Tenant    string    `firestore:"tenant"`
	Namespace string    `firestore:"namespace"`
	At        time.Time `firestore:"at"`
	Since     time.Time `firestore:"since"`
}

// encodeState returns the fields of a change's document, without expireAt if it has none.
func encodeState(c *realtime.StateChange, after string, now time.Time) map[string]any {
	change := changeFields{
		Op: string(c.Op), ID: c.ID, Time: c.Time, After: after, Data: c.Data, TTL: c.TTL.Milliseconds(),
		EventType: c.EventType, Source: c.Source, ContentType: c.ContentType, Tags: make(map[string]string, len(c.Tags)),
	}
	for name, value := range c.Tags {
		change.Tags[encodeName(name)] = value
	}
	fields := map[string]any{"key": c.Key}
	switch {
	case c.Op != realtime.OpSet:
		fields["expireAt"] = now.Add(stateKept)
	case !c.Expires.IsZero():
		change.Over = &c.Expires
		fields["expireAt"] = c.Expires.Add(stateKept)
	}
	fields["change"] = change
	return fields
}

// stateBytes is about what a change takes in a request.
func stateBytes(c *realtime.StateChange) int {
	n := 500 + len(c.Data) + len(c.ID) + 4*len(c.Key) + 3*len(c.Channel.Name())
	for name, value := range c.Tags {
		n += len(name) + len(value)
	}
	return n
}

func decodeState(s *firestore.DocumentSnapshot) (*stateDocument, error) {
	var d stateDocument
	if err := s.DataTo(&d); err != nil {
		return nil, err
	}
	switch {
	case d.Change.ID == "" || d.Change.Time.UnixMilli() <= 0:
		return nil, errors.New("change: its id or time is missing")
	case encodeName(d.Key) != s.Ref.ID:
		return nil, errors.New("key: must be that of the document's name")
	}
	return &d, nil
}

// entry is what a reader is told.
func (d *stateDocument) entry(c realtime.Channel) realtime.StateEntry {
	f := &d.Change
	e := realtime.StateEntry{Publication: realtime.Publication{
		Channel: c, ID: f.ID, Key: d.Key, Data: f.Data, Time: f.Time, TTL: time.Duration(f.TTL) * time.Millisecond,
		EventType: f.EventType, Source: f.Source, ContentType: f.ContentType,
	}}
	if f.Over != nil {
		e.Expires = *f.Over
	}
	if len(f.Tags) > 0 {
		e.Tags = make(map[string]string, len(f.Tags))
		for name, value := range f.Tags {
			e.Tags[decodeName(name)] = value
		}
	}
	return e
}

// visibility is which documents of a channel are entries.
type visibility struct {
	since   time.Time
	cleared clearFields
	now     time.Time
}

func (v *visibility) shows(d *stateDocument) bool {
	f := &d.Change
	return f.Op == string(realtime.OpSet) && (f.Over == nil || f.Over.After(v.now)) && !f.Time.Before(v.since) && !v.cleared.covers(f)
}

// covers reports whether a clear has removed what a document says.
func (c *clearFields) covers(f *changeFields) bool {
	return f.Time.Before(c.Time) || f.Time.Equal(c.Time) && f.After != c.ID
}

// clearOf reads when a channel was cleared; never, if the document is not there or malformed.
func (s *States) clearOf(ctx context.Context, snapshot *firestore.DocumentSnapshot) clearFields {
	var d channelDocument
	if !snapshot.Exists() {
		return d.Cleared
	}
	if err := snapshot.DataTo(&d); err != nil {
		s.malformed.found(ctx, stateKind, pathOf(snapshot.Ref), err)
		return clearFields{}
	}
	return d.Cleared
}

// topicOf reads a topic's document; nobody keeps it, if it is not there or malformed.
func (s *States) topicOf(ctx context.Context, snapshot *firestore.DocumentSnapshot) *topicDocument {
	var d topicDocument
	if snapshot.Exists() {
		if err := snapshot.DataTo(&d); err != nil {
			s.malformed.found(ctx, stateKind, pathOf(snapshot.Ref), err)
			return &topicDocument{}
		}
	}
	return &d
}

// recentBytes is what one RecentPublication takes.
const recentBytes = 24

func (d *topicDocument) mark() *realtime.StateMark {
	m := &realtime.StateMark{Watermark: d.Mark.Watermark}
	for tenant, namespaces := range d.Mark.Since {
		for namespace, since := range namespaces {
			if m.Since == nil {
				m.Since = map[realtime.NamespaceRef]time.Time{}
			}
			m.Since[realtime.NamespaceRef{Tenant: tenant, Namespace: decodeName(namespace)}] = since
		}
	}
	for _, p := range d.Mark.Pending {
		if m.Pending == nil {
			m.Pending = map[realtime.NamespaceRef]realtime.PendingState{}
		}
		m.Pending[realtime.NamespaceRef{Tenant: p.Tenant, Namespace: p.Namespace}] = realtime.PendingState{At: p.At, Since: p.Since}
	}
	for b := d.Mark.Recent; len(b) >= recentBytes; b = b[recentBytes:] {
		m.Recent = append(m.Recent, realtime.RecentPublication{
			Channel: binary.BigEndian.Uint64(b), ID: binary.BigEndian.Uint64(b[8:]), Time: int64(binary.BigEndian.Uint64(b[16:])), //nolint:gosec // it was one
		})
	}
	return m
}

// encodeMark returns the fields of a mark; the watermark is not before that of have.
func encodeMark(m *realtime.StateMark, have *topicDocument) map[string]any {
	since := map[string]map[string]time.Time{}
	for ref, at := range m.Since {
		if since[ref.Tenant] == nil {
			since[ref.Tenant] = map[string]time.Time{}
		}
		since[ref.Tenant][encodeName(ref.Namespace)] = at
	}
	var pending []pendingFields
	for ref, p := range m.Pending {
		pending = append(pending, pendingFields{ref.Tenant, ref.Namespace, p.At, p.Since})
	}
	recent := make([]byte, 0, recentBytes*len(m.Recent))
	for _, r := range m.Recent {
		recent = binary.BigEndian.AppendUint64(recent, r.Channel)
		recent = binary.BigEndian.AppendUint64(recent, r.ID)
		recent = binary.BigEndian.AppendUint64(recent, uint64(r.Time)) //nolint:gosec // it is read back as what it is
	}
	return map[string]any{"mark": markFields{laterOf(m.Watermark, have.Mark.Watermark), since, pending, recent}}
}

// updates writes fields over those of a document, whose others stay.
func updates(fields map[string]any) []firestore.Update {
	all := make([]firestore.Update, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, firestore.Update{Path: name, Value: fields[name]})
	}
	return all
}
