package hub_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/realtimetest/faultybroker"
)

// faulty puts a broker that misbehaves on request under a rig.
func faulty(r *rig) *faultybroker.Broker {
	f := faultybroker.New(r.broker, faultybroker.Options{})
	r.rebase(f)
	return f
}

func TestHoleIsToldWhereItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		f := faulty(r)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1", "2")
		before, frames := last(t, a)
		if got := fmt.Sprint(sketch(frames)); got != "[ok 1 2]" {
			t.Fatal(got)
		}
		time.Sleep(10 * time.Millisecond)
		f.Lose("i1", 1)
		r.publish("prices:fx", "3", "4", "5")
		r.expect(a, "notice:gap", "4", "5")
		b := r.connect("bob") // nobody resumes across it
		r.subscribe(b, "prices:fx", before, 0)
		r.expect(b, "gap")
	})
}

func TestBrokenStreamAnswersAfterAFence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		f := faulty(r)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		r.expect(a, "ok", "1")
		f.Break("i1")
		synctest.Wait()
		f.Stall("i1", 3*time.Second)
		b := r.connect("bob")
		r.subscribe(b, "prices:fx", realtime.Position{}, 0)
		r.expect(b) // nothing is answered from a channel before its fence
		time.Sleep(15 * time.Second)
		synctest.Wait()
		r.expect(b, "ok")
		r.publish("prices:fx", "2")
		r.expect(a, "2")
		r.expect(b, "2")
	})
}

func TestEndedStreamLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		f := faulty(r)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		f.End("i1")
		r.publish("prices:fx", "2", "3")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		r.publish("prices:fx", "4")
		r.expect(a, "ok", "1", "2", "3", "4")
	})
}

// A reader that goes back to the older generation has been given what its channel's tick held.
func TestTickIsGivenBeforeItsReadersGoBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := acmeTenant()
		tenant.Namespaces = map[string]realtime.Namespace{"prices": {Tick: realtime.Duration(20 * time.Millisecond)}}
		r := newRig(t, tenant)
		f := faulty(r)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.subscribe(a, "news:1", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		r.publish("news:1", "n")
		r.expect(a, "ok", "ok", "1", "n")

		// The second generation has the prices while the news still wait for their fence.
		f.LateReplay(1, 3*time.Second)
		f.End("i1")
		time.Sleep(time.Second)
		f.Delay("i1", r.channel("news:1"), time.Minute)
		time.Sleep(4 * time.Second)
		r.publish("prices:fx", "2", "3")
		r.expect(a, "2")

		f.End("i1")
		time.Sleep(5 * time.Second)
		r.publish("prices:fx", "4")
		r.expect(a, "3", "4")
	})
}

func TestLateReplayIsAnsweredWithAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		f := faulty(r)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.publish("prices:fx", "1")
		since, _ := last(t, a)
		r.hub.Disconnect(a.conn)
		time.Sleep(time.Second)
		r.publish("prices:fx", "2")

		f.LateReplay(1, 30*time.Second)
		b, c := r.connect("ann"), r.connect("bob")
		r.subscribe(b, "prices:fx", since, 0)
		r.subscribe(c, "prices:fx", realtime.Position{}, 0)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		r.expect(b, "gap")
		r.expect(c, "ok")
		r.publish("prices:fx", "3")
		r.expect(c) // it is put aside until the replay has come
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.expect(b, "3")
		r.expect(c, "3")
	})
}

func TestNoBackendIsSaidInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		faulty(r).RefuseFollow(1000)
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		time.Sleep(45 * time.Second)
		synctest.Wait()
		frames := sketch(a.take())
		if got := frames[len(frames)-1]; got != "error:unavailable" {
			t.Errorf("got %v", frames)
		}
		if n := len(a.conn.Channels()); n != 0 {
			t.Errorf("it is still subscribed to %d channels", n)
		}
	})
}

func TestTopicIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, acmeTenant())
		other := &realtime.Tenant{ID: "globex"}
		a := r.connect("ann")
		r.subscribe(a, "prices:fx", realtime.Position{}, 0)
		r.tenant = other
		b := r.connect("bob")
		r.subscribe(b, "prices:fx", realtime.Position{}, 0)
		r.expectTopics(2)
		r.hub.Disconnect(b.conn)
		r.expectTopics(2) // it lingers
		time.Sleep(20 * time.Second)
		r.expectTopics(1)
		r.hub.Disconnect(a.conn)
		r.expectTopics(0) // with the last socket nothing lingers: the instance may lose its CPU
	})
}
