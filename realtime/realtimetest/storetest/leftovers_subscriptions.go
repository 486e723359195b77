package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// of returns the subscriptions of an instance.
func (a *remains) of(instance string) (found []realtime.Subscription) {
	a.Helper()
	for _, s := range every(a.T, "Subscriptions", a.Subscriptions.Subscriptions(a.Context())) {
		if s.Instance == instance {
			found = append(found, s)
		}
	}
	return found
}

func (a *remains) follow(instance string) realtime.Stream {
	a.Helper()
	s, err := a.Broker.Follow(a.Context(), a.Topic, realtime.Following{Instance: instance, Generation: 1, Since: time.Now()})
	if err != nil {
		a.Fatal(err)
	}
	return s
}

// subscriptions: what an open stream uses is listed with its topic, instance and age, and is gone with it.
func (a *remains) subscriptions() {
	began := time.Now().Add(-time.Minute) // by another clock
	first, second := a.follow("i1"), a.follow("i2")
	found := a.of("i1")
	if len(found) == 0 {
		a.Fatal("a stream has no subscription")
	}
	for _, s := range found {
		if s.Topic != a.Topic || s.Name == "" || s.Created.Before(began) || s.Created.After(time.Now().Add(time.Minute)) {
			a.Errorf("%+v", s)
		}
	}
	if err := first.Close(a.Context()); err != nil {
		a.Error(err)
	}
	if found := a.of("i1"); len(found) != 0 {
		a.Errorf("of a stream that was closed: %+v", found)
	}
	if len(a.of("i2")) == 0 {
		a.Error("that of another instance is gone too")
	}
	if err := second.Close(a.Context()); err != nil {
		a.Error(err)
	}
}

// deletedUnderAStream: the stream ends, and its instance can follow anew.
func (a *remains) deletedUnderAStream() {
	s := a.follow("i1")
	for range 2 { // the second time there is none
		for _, sub := range a.of("i1") {
			if err := a.Subscriptions.DeleteSubscription(a.Context(), sub.Name); err != nil && realtime.CodeOf(err) != realtime.CodeNotFound {
				a.Error(err)
			}
		}
	}
	if err := a.Subscriptions.DeleteSubscription(a.Context(), "tw-nobody-has-made-it"); err != nil && realtime.CodeOf(err) != realtime.CodeNotFound {
		a.Errorf("one that is not there: %v", err)
	}
	ctx, cancel := context.WithTimeout(a.Context(), a.harness.Patience)
	defer cancel()
	for {
		_, err := s.Receive(ctx)
		if ctx.Err() != nil {
			a.Fatalf("the stream goes on, or waits, without a subscription: %v", err)
		}
		if err != nil && !errors.Is(err, realtime.ErrBroken) {
			break
		}
	}
	_ = s.Close(a.Context()) // what it would let go is gone
	if err := a.follow("i1").Close(a.Context()); err != nil {
		a.Errorf("following anew: %v", err)
	}
}
