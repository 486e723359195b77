package gcpfirestore

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

var (
	_ realtime.StateStore  = (*States)(nil)
	_ realtime.StateWriter = (*States)(nil)
)

// States is a realtime.StateStore and StateWriter on Firestore:
//
//	tenants/{tenant}/channels/{channel}/state/{key}  the newest change of a key; a deletion, or what has expired, stays for a day
//	tenants/{tenant}/channels/{channel}              when the channel was cleared last, for a day
//	topics/{topic}                                   who keeps it until when, and how far it has come
//
// A write never replaces what its writer has not seen. Save reads, at one moment, the documents that it is about to write, the clear
// of their channels, and whose the topic is; each write has the condition that its document is as it was then. If that fails, because somebody
// has written meanwhile, it begins again. So a keeper that was replaced writes nothing over what its successor has saved: either
// its condition fails, or it reads that the topic is another's. What it may still write are documents that nobody has written since, of
// changes that its successor reads again.
//
// A clear is written before the documents that it removes: from then on readers leave them out.
type States struct {
	db        *firestore.Client
	timeout   time.Duration
	malformed malformed
}

// StatesOptions configure States. The zero value works.
type StatesOptions struct {
	// Timeout bounds one call of Firestore; 0 is 5 s.
	Timeout time.Duration
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each; nil discards.
	Logger *slog.Logger
}

// NewStates returns States on a client, which stays open.
func NewStates(db *firestore.Client, o StatesOptions) *States {
	return &States{db, cmp.Or(o.Timeout, storeTimeout), newMalformed(o.Metrics, o.Logger)}
}

func (s *States) topic(t realtime.Topic) *firestore.DocumentRef {
	return s.db.Collection(topicsCollection).Doc(encodeName(string(t)))
}

func (s *States) channel(c realtime.Channel) *firestore.DocumentRef {
	return s.db.Collection(tenantsCollection).Doc(c.Tenant()).Collection(channelsCollection).Doc(encodeName(c.Name()))
}

func (s *States) entry(c realtime.Channel, key string) *firestore.DocumentRef {
	return s.channel(c).Collection(stateCollection).Doc(encodeName(key))
}

// all reads documents as they are at one moment.
func (s *States) all(ctx context.Context, refs []*firestore.DocumentRef) ([]*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.db.GetAll(ctx, refs)
}

// Watermark reads one document.
func (s *States) Watermark(ctx context.Context, topic realtime.Topic) (time.Time, error) {
	found, err := s.all(ctx, []*firestore.DocumentRef{s.topic(topic)})
	if err != nil {
		return time.Time{}, storeError("read the watermark of topic "+string(topic), err)
	}
	return s.topicOf(ctx, found[0]).Mark.Watermark, nil
}

// Checkpoint reads all of a channel, in pages.
func (s *States) Checkpoint(ctx context.Context, topic realtime.Topic, c realtime.Channel) (*realtime.Checkpoint, error) {
	page, _, err := s.read(ctx, topic, c, realtime.StateQuery{Limit: -1})
	return page, err
}

// Entries reads a part of a channel. What was deleted lately is read as well.
func (s *States) Entries(ctx context.Context, topic realtime.Topic, c realtime.Channel, q realtime.StateQuery) (*realtime.Checkpoint, bool, error) {
	q, err := q.Check()
	if err != nil {
		return nil, false, err
	}
	return s.read(ctx, topic, c, q)
}

func (s *States) read(ctx context.Context, topic realtime.Topic, c realtime.Channel, q realtime.StateQuery) (page *realtime.Checkpoint, more bool, err error) {
	found, err := s.all(ctx, []*firestore.DocumentRef{s.topic(topic), s.channel(c)})
	if err != nil {
		return nil, false, storeError("read the state of "+c.String(), err)
	}
	mark := s.topicOf(ctx, found[0]).mark()
	page = &realtime.Checkpoint{}
	since := mark.Of(c)
	if since.IsZero() {
		return page, false, nil
	}
	page.Watermark = mark.Watermark
	shown := visibility{since, s.clearOf(ctx, found[1]), time.Now()}
	more, err = s.pages(ctx, c, q, func(d *stateDocument) bool {
		if shown.shows(d) {
			if len(page.Entries) == q.Limit {
				return false
			}
			page.Entries = append(page.Entries, d.entry(c))
		}
		return true
	})
	return page, more, storeError("read the state of "+c.String(), err)
}

// pages hands over what is stored of the keys of a query, in order, until it is told that there is no room: then there is more.
func (s *States) pages(ctx context.Context, c realtime.Channel, q realtime.StateQuery, take func(*stateDocument) bool) (more bool, err error) {
	size := pageRead
	if q.Limit > 0 {
		size = min(size, q.Limit+1)
	}
	query := s.channel(c).Collection(stateCollection).OrderBy("key", firestore.Asc).Limit(size)
	next := query.StartAt(q.Prefix)
	if q.After >= q.Prefix {
		next = query.StartAfter(q.After)
	}
	for {
		found, err := s.page(ctx, next)
		if err != nil {
			return false, err
		}
		for _, one := range found {
			d, err := decodeState(one)
			if err != nil {
				s.malformed.found(ctx, stateKind, pathOf(one.Ref), err)
				continue
			}
			if !strings.HasPrefix(d.Key, q.Prefix) {
				return false, nil
			}
			if !take(d) {
				return true, nil
			}
		}
		if len(found) < size {
			return false, nil
		}
		next = query.StartAfter(found[len(found)-1].Data()["key"])
	}
}

func (s *States) page(ctx context.Context, q firestore.Query) ([]*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return q.Documents(ctx).GetAll()
}

// Claim makes a keeper the only one: a reading and a write, begun again if somebody else was faster.
func (s *States) Claim(ctx context.Context, topic realtime.Topic, keeper string, until time.Time) (*realtime.StateMark, error) {
	if keeper == "" {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "keeper: is missing")
	}
	var mark *realtime.StateMark
	err := s.changeTopic(ctx, topic, func(d *topicDocument) (map[string]any, error) {
		mark = d.mark()
		mine, ended := d.Keeper == keeper, d.Keeper == "" || !d.Until.After(time.Now())
		switch {
		case !mine && !ended && !until.IsZero():
			return nil, anothers(topic, d.Keeper)
		case until.IsZero() && mine:
			return map[string]any{"keeper": "", "claimUntil": time.Time{}}, nil
		case !until.IsZero():
			return map[string]any{"keeper": keeper, "claimUntil": until}, nil
		}
		return nil, nil
	})
	if err != nil {
		return nil, storeError("claim the state of topic "+string(topic), err)
	}
	return mark, nil
}

func anothers(topic realtime.Topic, keeper string) error {
	if keeper == "" {
		return realtime.Errorf(realtime.CodeConflict, "topic: nobody has claimed the state of %q", topic)
	}
	return realtime.Errorf(realtime.CodeConflict, "topic: the state of %q is kept by %q", topic, keeper)
}

// changeTopic changes fields of a topic's document, as change says of what is stored.
func (s *States) changeTopic(ctx context.Context, topic realtime.Topic, change func(*topicDocument) (map[string]any, error)) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	ref := s.topic(topic)
	for {
		snapshot, err := ref.Get(ctx)
		if err != nil && status.Code(err) != codes.NotFound {
			return err
		}
		fields, err := change(s.topicOf(ctx, snapshot))
		if err != nil || fields == nil {
			return err
		}
		if snapshot.Exists() {
			_, err = ref.Update(ctx, updates(fields), firestore.LastUpdateTime(snapshot.UpdateTime))
		} else {
			_, err = ref.Create(ctx, fields)
		}
		if !outrun(err) {
			return err
		}
		if err := backOff(ctx); err != nil {
			return err
		}
	}
}
