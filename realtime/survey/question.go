package survey

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/census"
	"github.com/tidewire/tidewire/realtime/contain"
	"github.com/tidewire/tidewire/realtime/internal/uid"
)

// How a question is asked.
const (
	keptFor  = time.Second            // what was answered is answered again
	askAgain = 700 * time.Millisecond // who has not answered is asked again, once, in case a message was lost
)

// Heard says what an answer is made of.
type Heard struct {
	Complete bool      // all instances that follow the topic have answered
	Missing  []string  // those that are known to and have not
	At       time.Time // when it was asked: what happened before is known
}

// about tells questions apart.
type about struct {
	topic realtime.Topic
	query census.Query
}

// question is asked of all instances.
type question struct {
	surveyor *Surveyor
	about

	done  chan struct{}
	ended time.Time // guarded by Surveyor.mu

	// Not changed once done is closed.
	heard   Heard
	answers map[string]*answer // by instance
	err     error
}

// answer is what one instance answers: the parts that have come, and how many there are when that is known.
type answer struct {
	parts map[int]*census.Answer
	all   int
}

func (a *answer) whole() bool { return a != nil && a.all > 0 && len(a.parts) == a.all }

// ask returns what all instances answer. It joins a question that is under way, or was answered a moment ago.
func (s *Surveyor) ask(ctx context.Context, t *realtime.Tenant, q census.Query) (*question, error) {
	q.Tenant = t.ID
	is := about{realtime.ReadTopic(s.o.Placement, t, time.Now()), q}
	asked, err := s.join(is)
	if err != nil {
		return nil, err
	}
	select {
	case <-asked.done:
		return asked, asked.err
	case <-ctx.Done():
		return nil, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the instances did not answer in time", RetryAfter: time.Second, Err: ctx.Err()}
	}
}

func (s *Surveyor) join(is about) (*question, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.questions, func(_ about, q *question) bool {
		return !q.ended.IsZero() && (q.err != nil || now.Sub(q.ended) >= keptFor)
	})
	if q := s.questions[is]; q != nil {
		return q, nil
	}
	switch {
	case s.closed:
		return nil, &realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: time.Second}
	case s.underWay >= s.o.Parallel || len(s.questions) >= 4*s.o.Parallel:
		return nil, &realtime.Error{Code: realtime.CodeLimited, Limit: "surveys", Message: "the instances are being asked too many questions", RetryAfter: time.Second}
	}
	q := &question{surveyor: s, about: is, done: make(chan struct{})}
	s.questions[is] = q
	s.underWay++
	s.running.Go(q.run)
	return q, nil
}

// run asks, and is done.
func (q *question) run() {
	s := q.surveyor
	err := q.tryAll()
	reason := realtime.ReasonAnswered
	switch {
	case err != nil:
		reason = realtime.ReasonFailed
		s.o.Logger.Warn("the instances could not be asked", realtime.KeyTopic, q.topic, realtime.KeyError, err)
		if code := realtime.CodeOf(err); code != realtime.CodeLimited && code != realtime.CodeNotFound {
			err = &realtime.Error{Code: realtime.CodeUnavailable, Message: "the instances could not be asked", RetryAfter: 2 * time.Second, Err: err}
		}
	case !q.heard.Complete:
		reason = realtime.ReasonIncomplete
	}
	s.o.Metrics.Add(realtime.CountSurveys, q.query.Tenant, reason, 1)
	s.mu.Lock()
	q.err, q.ended = err, time.Now()
	s.underWay--
	s.mu.Unlock()
	close(q.done)
}

// tryAll asks by a line, and by another if that ends meanwhile.
func (q *question) tryAll() (err error) {
	s := q.surveyor
	defer func() {
		if fault := recover(); fault != nil {
			contain.Report(s.o.Logger, s.o.Metrics, contain.Request, fault, nil)
			err = realtime.Errorf(realtime.CodeInternal, "something went wrong")
		}
	}()
	ctx, cancel := context.WithTimeout(s.life, s.o.Opening+2*s.o.Within)
	defer cancel()
	expected, known, err := s.follows.instances(ctx, q.topic)
	if err != nil { // who answers is shown all the same
		s.o.Logger.Warn("nobody knows who follows a topic", realtime.KeyTopic, q.topic, realtime.KeyError, err)
	}
	if known && len(expected) == 0 {
		q.heard = Heard{Complete: true, At: time.Now()}
		return nil
	}
	for range 2 {
		var l *line
		if l, err = s.dial(ctx, address{q.topic, q.query.Tenant}); err != nil {
			return err
		}
		if err = q.ask(ctx, l, expected, known); !errors.Is(err, errLineEnded) {
			return err
		}
	}
	return err
}

// ask publishes the query, and waits until all have answered who are expected.
func (q *question) ask(ctx context.Context, l *line, expected map[string]struct{}, known bool) error {
	s := q.surveyor
	query := q.query
	query.ID = uid.New()
	answered := l.expect(query.ID)
	defer l.forget(query.ID)
	q.answers, q.heard = map[string]*answer{}, Heard{At: time.Now()}
	if err := s.publish(ctx, q.topic, &query); err != nil {
		return err
	}
	again, end := time.NewTimer(min(askAgain, s.o.Within/2)), time.NewTimer(s.o.Within)
	defer again.Stop()
	defer end.Stop()
	for !known || !q.has(expected) {
		select {
		case said := <-answered:
			q.take(said)
		case <-again.C:
			if expected = s.alive(ctx, expected, q.lacks); known && q.has(expected) {
				break
			}
			query.Again++
			if err := s.publish(ctx, q.topic, &query); err != nil {
				return err
			}
		case <-end.C:
			q.heard.Missing = slices.Sorted(slices.Values(q.missing(expected)))
			return nil
		case <-l.ended:
			return errLineEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	q.heard.Complete = true
	return nil
}

// take takes in a part of an answer.
func (q *question) take(said said) {
	a := q.answers[said.instance]
	if a == nil {
		a = &answer{parts: map[int]*census.Answer{}}
		q.answers[said.instance] = a
	}
	a.parts[said.part.Part] = said.part
	if said.part.Last {
		a.all = said.part.Part + 1
	}
}

func (q *question) lacks(instance string) bool { return !q.answers[instance].whole() }

// has reports whether all have answered.
func (q *question) has(expected map[string]struct{}) bool { return len(q.missing(expected)) == 0 }

func (q *question) missing(expected map[string]struct{}) (names []string) {
	for instance := range expected {
		if q.lacks(instance) {
			names = append(names, instance)
		}
	}
	for instance, a := range q.answers { // who has begun to
		if _, is := expected[instance]; !is && !a.whole() {
			names = append(names, instance)
		}
	}
	return names
}

// alive returns those of whom lacks says nothing, and the others that live by their leases.
func (s *Surveyor) alive(ctx context.Context, all map[string]struct{}, lacks func(string) bool) map[string]struct{} {
	if s.o.Leases == nil {
		return all
	}
	living := map[string]struct{}{}
	for instance := range all {
		if lacks(instance) {
			lease, err := s.o.Leases.Lease(ctx, instance)
			if err != nil && realtime.CodeOf(err) == realtime.CodeNotFound || err == nil && !lease.Until.After(time.Now()) {
				s.follows.bury(instance)
				continue
			}
		}
		living[instance] = struct{}{}
	}
	return living
}

// publish publishes a query.
func (s *Surveyor) publish(ctx context.Context, topic realtime.Topic, q *census.Query) error {
	s.mu.Lock()
	s.sent++
	m := q.Message(s.name, s.sent)
	s.mu.Unlock()
	stored := make(chan error, 1)
	s.o.Broker.Publish(ctx, topic, m, func(err error) { stored <- err })
	return <-stored
}

// rows yields what was answered, by key, once for each instance that has it.
func (q *question) rows(yield func(key string, value json.RawMessage) bool) {
	for _, a := range q.answers {
		for _, part := range a.parts {
			for key, value := range part.Rows {
				if !yield(key, value) {
					return
				}
			}
		}
	}
}
