package realtimetest

import (
	"testing"
	"time"
)

// defaultPatience is how long a case waits for what has to come.
const defaultPatience = 10 * time.Second

// TestBroker runs the contract of realtime.Broker against a driver. Each case
// has a backend of its own and runs in parallel with the others.
func TestBroker(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = defaultPatience
	}
	if h.Large == 0 {
		h.Large = 10_000
	}
	f := h.Features
	cases := []struct {
		name     string
		promised bool
		run      func(*bed)
	}{
		{"Carries", true, (*bed).carries},
		{"OrderOfHandingOver", f.Ordered, (*bed).orderOfHandingOver},
		{"OrderOfConcurrentPublishers", f.Ordered, (*bed).orderOfConcurrentPublishers},
		{"Many", true, (*bed).many},
		{"Time", true, (*bed).time},
		{"CallerKeepsItsBytes", true, (*bed).callerKeepsItsBytes},
		{"ReaderOwnsItsBatch", true, (*bed).readerOwnsItsBatch},
		{"RepeatedID", true, (*bed).repeatedID},
		{"TopicsAreApart", true, (*bed).topicsAreApart},
		{"PooledTopic", true, (*bed).pooledTopic},
		{"InstancesAndGenerations", true, (*bed).instancesAndGenerations},
		{"Replay", f.Replay, (*bed).replay},
		{"ReplaySinceAMoment", f.Replay, (*bed).replaySinceAMoment},
		{"CompleteSince", true, (*bed).completeSince},
		{"Persistent", f.Persistent && f.Replay, (*bed).persistent},
		{"Malformed", f.Replay, (*bed).malformed},
		{"DoneOnce", true, (*bed).doneOnce},
		{"AfterAFailure", f.Failures, (*bed).afterAFailure},
		{"CancelledPublish", true, (*bed).cancelledPublish},
		{"TooLarge", f.MaxData > 0, (*bed).tooLarge},
		{"UnknownTopic", f.Topics, (*bed).unknownTopic},
		{"CancelledReceive", true, (*bed).cancelledReceive},
		{"CloseStream", true, (*bed).closeStream},
		{"CloseBroker", true, (*bed).closeBroker},
	}
	for _, c := range cases {
		if !c.promised {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newBed(t, h))
		})
	}
}
