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
		{"Carries", true, carries},
		{"OrderOfHandingOver", f.Ordered, orderOfHandingOver},
		{"OrderOfConcurrentPublishers", f.Ordered, orderOfConcurrentPublishers},
		{"Many", true, many},
		{"Time", true, brokerTime},
		{"CallerKeepsItsBytes", true, callerKeepsItsBytes},
		{"ReaderOwnsItsBatch", true, readerOwnsItsBatch},
		{"RepeatedID", true, repeatedID},
		{"TopicsAreApart", true, topicsAreApart},
		{"PooledTopic", true, pooledTopic},
		{"InstancesAndGenerations", true, instancesAndGenerations},
		{"Replay", f.Replay, replay},
		{"ReplaySinceAMoment", f.Replay, replaySinceAMoment},
		{"OneChannel", f.Replay, oneChannel},
		{"SingleChannelsBringTheTopic", f.SingleChannels, singleChannelsBringTheTopic},
		{"AddedChannel", f.SingleChannels, addedChannel},
		{"AddedAmidPublishing", f.SingleChannels, addedAmidPublishing},
		{"RemovedChannel", f.SingleChannels, removedChannel},
		{"ManyChannels", f.SingleChannels, manyChannels},
		{"AddedCompleteSince", f.SingleChannels, addedCompleteSince},
		{"EndedAdd", f.SingleChannels, endedAdd},
		{"CompleteSince", true, completeSince},
		{"Retention", f.Replay, retention},
		{"Persistent", f.Persistent && f.Replay, persistent},
		{"Malformed", f.Replay, malformed},
		{"DoneOnce", true, doneOnce},
		{"AfterAFailure", f.Failures, afterAFailure},
		{"CancelledPublish", true, cancelledPublish},
		{"TooLarge", f.MaxData > 0, tooLarge},
		{"UnknownTopic", f.Topics, unknownTopic},
		{"CancelledReceive", true, cancelledReceive},
		{"CloseStream", true, closeStream},
		{"CloseBroker", true, closeBroker},
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
