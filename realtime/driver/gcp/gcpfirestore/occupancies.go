package gcpfirestore

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/internal/holding"
)

var _ realtime.Occupancies = (*Occupancies)(nil)

// Occupancies is a realtime.Occupancies on Firestore: tenants/{tenant}/occupancies/{channel}. What an instance says is one reading and one
// write, whose condition is that the document is as it was read; what was told is the same once more. Occupy and Vacate write even if nothing
// changes: so the condition of an earlier write that is still under way fails, and nothing is undone by what was given up.
type Occupancies struct {
	db        *firestore.Client
	timeout   time.Duration
	malformed malformed
}

// OccupanciesOptions configure Occupancies. The zero value works.
type OccupanciesOptions struct {
	// Timeout bounds one call; 0 is 5 s.
	Timeout time.Duration
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each; nil discards.
	Logger *slog.Logger
}

// NewOccupancies returns Occupancies on a client, which stays open.
func NewOccupancies(db *firestore.Client, o OccupanciesOptions) *Occupancies {
	return &Occupancies{db, cmp.Or(o.Timeout, storeTimeout), newMalformed(o.Metrics, o.Logger)}
}

// occupancyDocument is tenants/{tenant}/occupancies/{channel}. What nobody asks by is in one field, which has no index.
type occupancyDocument struct {
	Instances []string        `firestore:"instances"`
	Due       *time.Time      `firestore:"dueAt"`
	Expires   *time.Time      `firestore:"expireAt"`
	Occupancy occupancyFields `firestore:"occupancy"`
}

// occupancyFields are those of a holding.Record.
type occupancyFields struct {
	Epoch      string               `firestore:"epoch"`
	Generation int64                `firestore:"generation"`
	Occupied   bool                 `firestore:"occupied"`
	Holders    map[string]time.Time `firestore:"holders"`
	Untold     []untoldFields       `firestore:"untold"`
}

// untoldFields are those of a realtime.ChannelEvent.
type untoldFields struct {
	Occupied   bool      `firestore:"occupied"`
	Generation int64     `firestore:"generation"`
	Time       time.Time `firestore:"time"`
}

func encodeOccupancy(r *holding.Record) []firestore.Update {
	f := occupancyFields{Epoch: r.Epoch, Generation: r.Generation, Occupied: r.Occupied, Holders: map[string]time.Time{}}
	for instance, ends := range r.Holders {
		f.Holders[encodeName(instance)] = ends
	}
	for _, e := range r.Untold {
		f.Untold = append(f.Untold, untoldFields{e.Occupied, e.Generation, e.Time})
	}
	return updates(map[string]any{
		"instances": slices.Sorted(maps.Keys(r.Holders)), "occupancy": f, "dueAt": momentOr(r.Due()), "expireAt": momentOr(r.Expires),
	})
}

// momentOr is a field that is missing if the moment is zero.
func momentOr(t time.Time) any {
	if t.IsZero() {
		return firestore.Delete
	}
	return t
}

func decodeOccupancy(s *firestore.DocumentSnapshot) (*holding.Record, error) {
	var d occupancyDocument
	if err := s.DataTo(&d); err != nil {
		return nil, err
	}
	f := &d.Occupancy
	if f.Epoch == "" || f.Generation < 0 {
		return nil, errors.New("occupancy: its epoch or generation is missing")
	}
	r := &holding.Record{Epoch: f.Epoch, Generation: f.Generation, Occupied: f.Occupied, Holders: map[string]time.Time{}}
	for instance, ends := range f.Holders {
		if ends.Year() <= 1 {
			ends = time.Time{}
		}
		r.Holders[decodeName(instance)] = ends
	}
	for _, e := range f.Untold {
		r.Untold = append(r.Untold, realtime.ChannelEvent{Occupied: e.Occupied, Generation: e.Generation, Time: e.Time, Epoch: f.Epoch})
	}
	if d.Expires != nil {
		r.Expires = *d.Expires
	}
	return r, nil
}

// change does something to the record of a channel, again if somebody else has written meanwhile, and writes it if it has changed.
func (o *Occupancies) change(ctx context.Context, c realtime.Channel, doing string, do func(r *holding.Record, now time.Time) (bool, error)) ([]realtime.ChannelEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	ref := o.db.Collection(tenantsCollection).Doc(c.Tenant()).Collection(occupanciesCollection).Doc(encodeName(c.Name()))
	for {
		s, err := ref.Get(ctx)
		if err != nil && status.Code(err) != codes.NotFound {
			return nil, storeError(doing, err)
		}
		r := o.record(ctx, s)
		changed, err := do(r, time.Now())
		if err != nil || !changed {
			return r.Events(c), err
		}
		if s.Exists() {
			_, err = ref.Update(ctx, encodeOccupancy(r), firestore.LastUpdateTime(s.UpdateTime))
		} else {
			fields := map[string]any{}
			for _, u := range encodeOccupancy(r) {
				if u.Value != firestore.Delete {
					fields[u.Path] = u.Value
				}
			}
			_, err = ref.Create(ctx, fields)
		}
		if outrun(err) {
			if err = backOff(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, storeError(doing, err)
		}
		return r.Events(c), nil
	}
}

// record reads a document; nothing is known of the channel, if it is not there or malformed.
func (o *Occupancies) record(ctx context.Context, s *firestore.DocumentSnapshot) *holding.Record {
	if !s.Exists() {
		return &holding.Record{}
	}
	r, err := decodeOccupancy(s)
	if err != nil {
		o.malformed.found(ctx, occupancyKind, pathOf(s.Ref), err)
		return &holding.Record{}
	}
	return r
}

// Occupy says that an instance has readers on a channel.
func (o *Occupancies) Occupy(ctx context.Context, c realtime.Channel, instance string) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, "occupy "+c.String(), func(r *holding.Record, now time.Time) (bool, error) { return true, r.Occupy(instance, now) })
}

// Vacate says that it has none from a moment on.
func (o *Occupancies) Vacate(ctx context.Context, c realtime.Channel, instance string, at time.Time) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, "vacate "+c.String(), func(r *holding.Record, now time.Time) (bool, error) { return true, r.Vacate(instance, at, now) })
}

// Settle ends what was to end by now. If nothing was, it is one reading.
func (o *Occupancies) Settle(ctx context.Context, c realtime.Channel, now time.Time) ([]realtime.ChannelEvent, error) {
	return o.change(ctx, c, "settle "+c.String(), func(r *holding.Record, _ time.Time) (bool, error) { return r.Settle(now) })
}

// Told says that an event, and those before it, have been published.
func (o *Occupancies) Told(ctx context.Context, last *realtime.ChannelEvent) error {
	_, err := o.change(ctx, last.Channel, "note what was told of "+last.Channel.String(), func(r *holding.Record, _ time.Time) (bool, error) { return r.Told(last), nil })
	return err
}

// Held yields the channels that an instance holds.
func (o *Occupancies) Held(ctx context.Context, instance string) iter.Seq2[realtime.Channel, error] {
	return o.where(ctx, "list the channels of instance "+instance, o.db.CollectionGroup(occupanciesCollection).Where("instances", "array-contains", instance))
}

// Due yields the channels that somebody has to look after, the longest first.
func (o *Occupancies) Due(ctx context.Context, now time.Time) iter.Seq2[realtime.Channel, error] {
	return o.where(ctx, "list the channels that are due", o.db.CollectionGroup(occupanciesCollection).Where("dueAt", "<=", now).OrderBy("dueAt", firestore.Asc))
}

// where reads in pages: a query that is consumed slowly would end with its deadline.
func (o *Occupancies) where(ctx context.Context, doing string, q firestore.Query) iter.Seq2[realtime.Channel, error] {
	return func(yield func(realtime.Channel, error) bool) {
		for next := q.Limit(pageRead); ; {
			found, err := o.page(ctx, next)
			if err != nil {
				yield(realtime.Channel{}, storeError(doing, err))
				return
			}
			for _, s := range found {
				c, err := realtime.NewChannel(s.Ref.Parent.Parent.ID, decodeName(s.Ref.ID))
				if err != nil {
					o.malformed.found(ctx, occupancyKind, pathOf(s.Ref), err)
					continue
				}
				if !yield(c, nil) {
					return
				}
			}
			if len(found) < pageRead {
				return
			}
			next = q.Limit(pageRead).StartAfter(found[len(found)-1])
		}
	}
}

func (o *Occupancies) page(ctx context.Context, q firestore.Query) ([]*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	return q.Documents(ctx).GetAll()
}
