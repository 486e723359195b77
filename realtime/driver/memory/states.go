package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

var (
	_ realtime.StateStore  = (*States)(nil)
	_ realtime.StateWriter = (*States)(nil)
)

// States is a realtime.StateStore and StateWriter within one process. What has expired, and what tells that a key was deleted, is
// removed when something is saved, at most a minute apart; what is left is what channels hold.
type States struct {
	mu       sync.Mutex // guards what follows
	topics   map[realtime.Topic]*statesOfTopic
	channels map[realtime.Channel]*channelState
	swept    time.Time
}

// statesOfTopic is who keeps a topic, and how far it has come.
type statesOfTopic struct {
	keeper string
	until  time.Time // of the claim
	mark   realtime.StateMark
}

// channelState is what is stored of a channel.
type channelState struct {
	cleared stamp
	keys    map[string]storedChange
}

// stamp is the ID and Time of a change.
type stamp struct {
	id string
	at time.Time
}

// storedChange is the newest change of a key. after is the clear of the same Time that it came after.
type storedChange struct {
	realtime.StateChange
	after string
	saved time.Time
}

// buried is how long it is remembered that a key was deleted: longer than a Save that is under way.
const buried = time.Hour

// NewStates returns one without any.
func NewStates() *States {
	return &States{topics: map[realtime.Topic]*statesOfTopic{}, channels: map[realtime.Channel]*channelState{}, swept: time.Now()}
}

// Watermark returns the moment before which all is stored.
func (s *States) Watermark(ctx context.Context, topic realtime.Topic) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[topic]; t != nil {
		return t.mark.Watermark, nil
	}
	return time.Time{}, nil
}

// Channels looks at all.
func (s *States) Channels(ctx context.Context, tenant string, p realtime.Pattern, most int) (all []realtime.Channel, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.channels {
		if c.Tenant() == tenant && p.Match(c.Name(), "", nil) && len(all) <= most {
			all = append(all, c)
		}
	}
	return all, nil
}

// Checkpoint returns all of a channel.
func (s *States) Checkpoint(ctx context.Context, topic realtime.Topic, c realtime.Channel) (*realtime.Checkpoint, error) {
	page, _, err := s.entries(ctx, topic, c, realtime.StateQuery{Limit: -1})
	return page, err
}

// Entries returns a part of a channel.
func (s *States) Entries(ctx context.Context, topic realtime.Topic, c realtime.Channel, q realtime.StateQuery) (*realtime.Checkpoint, bool, error) {
	q, err := q.Check()
	if err != nil {
		return nil, false, err
	}
	return s.entries(ctx, topic, c, q)
}

// entries selects; a negative limit is none.
func (s *States) entries(ctx context.Context, topic realtime.Topic, c realtime.Channel, q realtime.StateQuery) (*realtime.Checkpoint, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := &realtime.Checkpoint{}
	t, stored := s.topics[topic], s.channels[c]
	if t == nil || t.mark.Of(c).IsZero() {
		return page, false, nil
	}
	page.Watermark = t.mark.Watermark
	if stored == nil {
		return page, false, nil
	}
	now, since := time.Now(), t.mark.Of(c)
	for key, change := range stored.keys {
		if key <= q.After || !strings.HasPrefix(key, q.Prefix) || !stored.holds(&change, now) || change.Time.Before(since) {
			continue
		}
		page.Entries = append(page.Entries, realtime.StateEntry{Publication: change.Publication, Expires: change.Expires})
	}
	slices.SortFunc(page.Entries, func(a, b realtime.StateEntry) int { return cmp.Compare(a.Key, b.Key) })
	more := q.Limit >= 0 && len(page.Entries) > q.Limit
	if more {
		page.Entries = slices.Clip(page.Entries[:q.Limit])
	}
	return page, more, nil
}

// holds reports whether a change is an entry of the state.
func (c *channelState) holds(change *storedChange, now time.Time) bool {
	if change.Op != realtime.OpSet || !change.Expires.IsZero() && !change.Expires.After(now) {
		return false
	}
	return change.Time.After(c.cleared.at) || change.Time.Equal(c.cleared.at) && change.after == c.cleared.id
}

// Claim makes a keeper the only one.
func (s *States) Claim(ctx context.Context, topic realtime.Topic, keeper string, until time.Time) (*realtime.StateMark, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if keeper == "" {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "keeper: is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topic]
	if t == nil {
		t = &statesOfTopic{}
		s.topics[topic] = t
	}
	mine, ended := t.keeper == keeper, t.keeper == "" || !t.until.After(time.Now())
	switch {
	case !mine && !ended && !until.IsZero():
		return nil, conflict(topic, t.keeper)
	case until.IsZero() && mine:
		t.keeper, t.until = "", time.Time{}
	case !until.IsZero():
		t.keeper, t.until = keeper, until
	}
	return cloneMark(&t.mark), nil
}

func conflict(topic realtime.Topic, keeper string) error {
	return realtime.Errorf(realtime.CodeConflict, "topic: the state of %q is kept by %q", topic, keeper)
}

func cloneMark(m *realtime.StateMark) *realtime.StateMark {
	return &realtime.StateMark{Watermark: m.Watermark, Since: maps.Clone(m.Since), Pending: maps.Clone(m.Pending), Recent: slices.Clone(m.Recent)}
}

// Save stores changes: all of them, or none if one of them cannot be stored.
func (s *States) Save(ctx context.Context, topic realtime.Topic, keeper string, changes []realtime.StateChange, mark *realtime.StateMark) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topic]
	if t == nil || t.keeper == "" {
		return realtime.Errorf(realtime.CodeConflict, "topic: nobody has claimed the state of %q", topic)
	}
	if t.keeper != keeper {
		return conflict(topic, t.keeper)
	}
	now := time.Now()
	for i := range changes {
		s.save(&changes[i], now)
	}
	if mark != nil {
		watermark := t.mark.Watermark
		t.mark = *cloneMark(mark)
		if t.mark.Watermark.Before(watermark) {
			t.mark.Watermark = watermark
		}
	}
	s.sweep(now)
	return nil
}

func (s *States) save(change *realtime.StateChange, now time.Time) {
	c := s.channels[change.Channel]
	if c == nil {
		c = &channelState{keys: map[string]storedChange{}}
		s.channels[change.Channel] = c
	}
	if change.Op == realtime.OpClear {
		c.clear(change)
		return
	}
	have, stored := c.keys[change.Key]
	if stored && !change.Replaces(have.ID, have.Time) || !change.Replaces(c.cleared.id, c.cleared.at) {
		return
	}
	have = storedChange{StateChange: *change, saved: now}
	have.Tags = maps.Clone(change.Tags)
	if have.Time.Equal(c.cleared.at) {
		have.after = c.cleared.id
	}
	c.keys[change.Key] = have
}

// clear removes what came before, and remembers when that was.
func (c *channelState) clear(change *realtime.StateChange) {
	if !change.Replaces(c.cleared.id, c.cleared.at) {
		return
	}
	maps.DeleteFunc(c.keys, func(_ string, have storedChange) bool { return !have.Time.After(change.Time) })
	c.cleared = stamp{change.ID, change.Time}
}

// sweep removes what nobody is told any more.
func (s *States) sweep(now time.Time) {
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for _, c := range s.channels {
		maps.DeleteFunc(c.keys, func(_ string, change storedChange) bool {
			return !c.holds(&change, now) && now.Sub(change.saved) >= buried
		})
	}
}

// Newest looks each of them up.
func (s *States) Newest(ctx context.Context, keys []realtime.StateRef) ([]realtime.StateChange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]realtime.StateChange, len(keys))
	for i, ref := range keys {
		c := s.channels[ref.Channel]
		if c == nil {
			continue
		}
		change, stored := c.keys[ref.Key]
		switch {
		case stored && (change.Time.After(c.cleared.at) || change.Time.Equal(c.cleared.at) && change.after == c.cleared.id):
			all[i] = change.StateChange
			all[i].Tags = maps.Clone(change.Tags)
		case c.cleared.id != "":
			all[i] = realtime.StateChange{Publication: realtime.Publication{Channel: ref.Channel, ID: c.cleared.id, Op: realtime.OpClear, Time: c.cleared.at}}
		}
	}
	return all, nil
}
