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

// stateDocument is tenants/{tenant}/channels/{channel}/state/{key}.
type stateDocument struct {
	Key         string            `firestore:"key"`
	Op          string            `firestore:"op"`
	ID          string            `firestore:"id"`
	Time        time.Time         `firestore:"time"`
	After       string            `firestore:"after"` // the clear of the same time that it came after
	Data        []byte            `firestore:"data"`
	Tags        map[string]string `firestore:"tags"`
	TTL         int64             `firestore:"ttl"` // ms
	EventType   string            `firestore:"eventType"`
	Source      string            `firestore:"source"`
	ContentType string            `firestore:"contentType"`
	Over        time.Time         `firestore:"endsAt"`   // when the entry is over
	Expires     time.Time         `firestore:"expireAt"` // when the document is
}

// channelDocument is tenants/{tenant}/channels/{channel}.
type channelDocument struct {
	Cleared time.Time `firestore:"clearedAt"`
	ID      string    `firestore:"clearedId"`
	Expires time.Time `firestore:"expireAt"`
}

// topicDocument is topics/{topic}.
type topicDocument struct {
	Keeper    string                          `firestore:"keeper"`
	Until     time.Time                       `firestore:"claimUntil"`
	Watermark time.Time                       `firestore:"watermark"`
	Since     map[string]map[string]time.Time `firestore:"since"`  // by tenant and namespace
	Recent    []byte                          `firestore:"recent"` // 24 bytes each
}

// encodeState returns the fields of a change's document, all of them, so that those of an older one are replaced.
func encodeState(c *realtime.StateChange, after string, now time.Time) map[string]any {
	tags := make(map[string]string, len(c.Tags))
	for name, value := range c.Tags {
		tags[encodeName(name)] = value
	}
	fields := map[string]any{
		"key": c.Key, "op": string(c.Op), "id": c.ID, "time": c.Time, "after": after, "data": c.Data, "tags": tags, "ttl": c.TTL.Milliseconds(),
		"eventType": c.EventType, "source": c.Source, "contentType": c.ContentType,
	}
	switch {
	case c.Op != realtime.OpSet:
		fields["expireAt"] = now.Add(stateKept)
	case !c.Expires.IsZero():
		fields["endsAt"], fields["expireAt"] = c.Expires, c.Expires.Add(stateKept)
	}
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
	case d.ID == "" || d.Time.UnixMilli() <= 0:
		return nil, errors.New("id, time: one is missing")
	case encodeName(d.Key) != s.Ref.ID:
		return nil, errors.New("key: must be that of the document's name")
	}
	return &d, nil
}

// entry is what a reader is told.
func (d *stateDocument) entry(c realtime.Channel) realtime.StateEntry {
	e := realtime.StateEntry{Expires: d.Over, Publication: realtime.Publication{
		Channel: c, ID: d.ID, Key: d.Key, Data: d.Data, Time: d.Time, TTL: time.Duration(d.TTL) * time.Millisecond,
		EventType: d.EventType, Source: d.Source, ContentType: d.ContentType,
	}}
	if len(d.Tags) > 0 {
		e.Tags = make(map[string]string, len(d.Tags))
		for name, value := range d.Tags {
			e.Tags[decodeName(name)] = value
		}
	}
	return e
}

// visibility is which documents of a channel are entries.
type visibility struct {
	since   time.Time
	cleared channelDocument
	now     time.Time
}

func (v *visibility) shows(d *stateDocument) bool {
	return d.Op == string(realtime.OpSet) && (d.Over.IsZero() || d.Over.After(v.now)) && !d.Time.Before(v.since) && !v.cleared.covers(d)
}

// covers reports whether a clear has removed what a document says.
func (c *channelDocument) covers(d *stateDocument) bool {
	return d.Time.Before(c.Cleared) || d.Time.Equal(c.Cleared) && d.After != c.ID
}

// clearOf reads when a channel was cleared; never, if the document is not there or malformed.
func (s *States) clearOf(ctx context.Context, snapshot *firestore.DocumentSnapshot) (d channelDocument) {
	if !snapshot.Exists() {
		return d
	}
	if err := snapshot.DataTo(&d); err != nil {
		s.malformed.found(ctx, stateKind, pathOf(snapshot.Ref), err)
		return channelDocument{}
	}
	return d
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
	m := &realtime.StateMark{Watermark: d.Watermark}
	for tenant, namespaces := range d.Since {
		for namespace, since := range namespaces {
			if m.Since == nil {
				m.Since = map[realtime.NamespaceRef]time.Time{}
			}
			m.Since[realtime.NamespaceRef{Tenant: tenant, Namespace: decodeName(namespace)}] = since
		}
	}
	for b := d.Recent; len(b) >= recentBytes; b = b[recentBytes:] {
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
	recent := make([]byte, 0, recentBytes*len(m.Recent))
	for _, r := range m.Recent {
		recent = binary.BigEndian.AppendUint64(recent, r.Channel)
		recent = binary.BigEndian.AppendUint64(recent, r.ID)
		recent = binary.BigEndian.AppendUint64(recent, uint64(r.Time)) //nolint:gosec // it is read back as what it is
	}
	return map[string]any{"watermark": laterOf(m.Watermark, have.Watermark), "since": since, "recent": recent}
}

// updates writes fields over those of a document, whose others stay.
func updates(fields map[string]any) []firestore.Update {
	all := make([]firestore.Update, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, firestore.Update{Path: name, Value: fields[name]})
	}
	return all
}
