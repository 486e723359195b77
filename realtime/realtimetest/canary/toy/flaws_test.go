package toy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary"
)

// A server that shows what it has to, and nothing else, passes with each path and change of rights.
func TestSoundServer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if err := canary.Run(t.Context(), "acme", start(t, ""), canary.Options{Seed: seed, Steps: 30}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server with a flaw is found out, by what the flaw is.
func TestPlantedFlaws(t *testing.T) {
	t.Parallel()
	for flaw, says := range map[string]string{
		"live without the gate":                                 "was sent a word",
		"replay without the gate":                               "was sent a word",
		"the flush of a pause without the gate":                 "was sent a word",
		"a snapshot without the gate":                           "was sent a word",
		"a rewind without the gate":                             "was sent a word",
		"a page of history without the gate":                    "was sent a word",
		"a page by HTTP without the gate":                       "was sent a word",
		"history that nobody asks a grant for":                  "a grant",
		"history by HTTP that nobody asks a grant for":          "granted false, is answered 200",
		"a rewind that lacks the first":                         "does not come within",
		"a page by HTTP that lacks a message":                   "is missing in its history",
		"a stream without the gate":                             "was sent a word",
		"frames in a request without the gate":                  "was sent a word",
		"one encoding for all":                                  "was sent a word",
		"a delta across the filter":                             "was sent a word",
		"left with its data":                                    "was sent a word",
		"a debug member in base64":                              "in base64",
		"a debug member cut short":                              "was sent a word in the source",
		"a count with its key":                                  "was sent a word in the key",
		"a refresh that holds late":                             "was sent a word",
		"a refresh that replay does not hear of":                "was sent a word",
		"a policy that reaches nobody":                          "a policy does not hold in time",
		"grants that nobody asks for":                           "a subscription without a grant is answered",
		"a snapshot that lacks a row":                           "is missing",
		"rows that do not leave":                                "is shown still",
		"a state that is gone on from whatever was shown of it": "is shown wrongly",
		"deletions of what was not shown":                       "was sent a word in the key",
		"a direct event to everybody":                           "was sent a word",
		"a loser live":                                          "was sent a word",
		"a loser in a replay":                                   "was sent a word",
		"a loser in a snapshot":                                 "was sent a word",
		"a loser in a rewind":                                   "was sent a word",
		"a loser in a page of history":                          "was sent a word",
		"a loser in a page by HTTP":                             "was sent a word",
		"a loser that counts":                                   "counts, though its key",
		"a transient event without the gate":                    "was sent a word",
		"a transient event without state":                       "was sent a word",
		"a transient event in a replay":                         "was sent a word",
		"a transient event in a snapshot":                       "was sent a word",
		"a transient event in a rewind":                         "was sent a word",
		"a transient event in a page of history":                "was sent a word",
		"a transient event in a page by HTTP":                   "was sent a word",
		"transient silence":                                     "a transient publication",
		"demand that nobody asks a grant for":                   "to the demand, granted false, is answered",
		"demand that outlives its grant":                        "was sent a word in a key that a viewer asks for",
		"demand of another namespace":                           "was sent a word in a key that a viewer asks for",
		"demand with its filter":                                "was sent a word in what a viewer asks for",
		"demand that lacks keys":                                "a key that",
		"a topic that tenants share":                            "stranger was sent a word",
		"silence":                                               "does not come within",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			o := canary.Options{Steps: 30}
			if !strings.Contains(says, "was sent") { // it is found out by what does not come
				o.Patience = 2 * time.Second
			}
			for o.Seed = range uint64(10) {
				err := canary.Run(t.Context(), "acme", start(t, flaw), o)
				if err != nil {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("it is found out by something else: %v", err)
					}
					return
				}
			}
			t.Error("ten runs do not find it out")
		})
	}
}
