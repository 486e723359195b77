package resumetest

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
)

func channel(t testing.TB, name string) realtime.Channel {
	t.Helper()
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// event returns a Publication to the channel.
func event(c realtime.Channel, id string) *realtime.Message {
	return &realtime.Message{Kind: realtime.KindPublication, Publication: realtime.Publication{Channel: c, ID: id, Data: []byte(`{"id":"` + id + `"}`)}}
}

// play runs a story of one channel, a word at a time:
//
//	p5   publish up to event 5      w5      withdraw event 5
//	ask  a question                 answer, resumed, gap: its answer
//	5    event 5 is given           notice  a gap is told by a notice
//	lost the connection ends        left    the channel is left
//	wait a minute passes            end     Finish
//
// A word after c2/ is of another client.
func play(t *testing.T, k *Checker, c realtime.Channel, story string) {
	t.Helper()
	published := 0
	for word := range strings.FieldsSeq(story) {
		client := "c1"
		if who, what, ok := strings.Cut(word, "/"); ok {
			client, word = who, what
		}
		n, err := strconv.Atoi(strings.TrimLeft(word, "pw"))
		switch {
		case word[0] == 'p' && err == nil:
			for published < n {
				published++
				k.Published(c, strconv.Itoa(published))
			}
		case word[0] == 'w' && err == nil:
			k.Withdrawn(c, strconv.Itoa(n))
		case err == nil:
			k.Message(client, c, word)
		case word == "ask":
			k.Asked(client, c)
		case word == "unask":
			k.Unasked(client, c)
		case word == "answer":
			k.Answer(client, c, false, false)
		case word == "resumed":
			k.Answer(client, c, true, false)
		case word == "gap":
			k.Answer(client, c, false, true)
		case word == "notice":
			k.Gap(client, c)
		case word == "lost":
			k.Lost(client)
		case word == "left":
			k.Left(client, c)
		case word == "wait":
			<-time.After(time.Minute)
		case word == "end":
			k.Finish()
		default:
			t.Fatalf("the story has no word %q", word)
		}
	}
}

// found are the faults in short: kind, ID, number missing.
func found(k *Checker) []string {
	var all []string
	for _, f := range k.Faults() {
		s := string(f.Kind)
		if f.ID != "" {
			s += " " + f.ID
		}
		if f.Missing > 0 {
			s += " -" + strconv.Itoa(f.Missing)
		}
		all = append(all, s)
	}
	return all
}

func TestCheckerFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, story, want string }{
		{"one is lost", "p3 ask answer p6 4 6 end", "missing 6 -1"},
		{"the first after the answer is lost", "p3 ask answer p6 5 6 end", "missing 5 -1"},
		{"the last are lost", "p3 ask answer p6 4 end", "missing -2"},
		{"all are lost", "p3 ask answer p6 end", "missing -3"},
		{"one is doubled", "p3 ask answer p6 4 5 5 6 end", "repeated 5"},
		{"one is doubled later", "p3 ask answer p6 4 5 6 4 end", "repeated 4"},
		{"two are exchanged", "p3 ask answer p6 4 6 5 end", "missing 6 -1, disordered 5"},
		{"one from before the first", "p3 ask answer p6 3 4 2 5 6 end", "disordered 2"},
		{"a hole before the answer", "p3 ask answer p4 1 3 4 end", "missing 3 -1"},
		{"a resume leaves some out", "p3 ask answer p4 4 lost p9 ask resumed 8 9 end", "missing 8 -3"},
		{"a resume brings nothing", "p3 ask answer p4 4 lost p9 ask resumed end", "missing -5"},
		{"a resume repeats", "p3 ask answer p4 4 lost p5 ask resumed 4 5 end", "repeated 4"},
		{"neither resumed nor gap", "p3 ask answer p4 4 lost p9 ask answer 8 9 end", "missing 8 -3"},
		{"a resume before the first message leaves some out", "p3 ask answer lost p9 ask resumed 8 9 end", "missing 8 -4"},
		{"a gap is missing in the answer, told later", "p3 ask answer p4 4 lost p9 ask resumed 8 notice 9 end", "missing 8 -3"},
		{"a notice comes too late", "p3 ask answer p6 4 6 notice end", "missing 6 -1"},
		{"a notice comes too early", "p3 ask answer p4 4 notice p7 5 7 end", "missing 7 -1"},
		{"a notice is for what was published by then", "p3 ask answer p6 4 notice p9 9 end", "missing 9 -2"},
		{"a hole after a gap", "p3 ask answer p9 4 notice 6 8 9 end", "missing 8 -1"},
		{"what a gap has told lost comes after all", "p3 ask answer p9 4 notice 7 5 8 9 end", "disordered 5"},
		{"what came before a gap comes again", "p3 ask answer p9 4 notice 7 4 8 9 end", "repeated 4"},
		{"unanswered", "p3 ask p6 end", "unanswered"},
		{"unanswered again", "p3 ask answer p4 4 lost ask end", "unanswered"},
		{"answered too late", "p3 ask wait wait answer end", "unanswered"},
		{"given up too late", "p3 ask wait wait unask end", "unanswered"},
		{"lost too late", "p3 ask wait wait lost end", "unanswered"},
		{"one of two questions is open", "p3 ask ask answer end", "unanswered"},
		{"an answer to nothing", "p3 answer end", "unasked"},
		{"answered twice", "p3 ask answer answer end", "unasked"},
		{"a message before the answer", "p3 ask 3 answer end", "early 3"},
		{"a notice before the answer", "p3 ask notice answer end", "early"},
		{"a message after leaving", "p3 ask answer p5 4 left 5 end", "early 5"},
		{"never published", "p3 ask answer 77 end", "unknown 77"},
		{"withdrawn, and yet given", "p3 ask answer p5 w4 4 5 end", "unknown 4"},
		{"one of two clients", "p3 ask c2/ask answer c2/answer p5 4 5 c2/5 end", "missing 5 -1"},
		{"the second connection", "p3 ask answer p4 4 ask lost p6 end", ""},
		{"several at once", "p3 ask answer p9 4 6 6 5 9 end", "missing 6 -1, repeated 6, disordered 5, missing 9 -2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := NewChecker(CheckerOptions{AnswerWithin: time.Minute})
				play(t, k, channel(t, "c"), tt.story)
				if diff := cmp.Diff(tt.want, strings.Join(found(k), ", ")); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				if k.Counts().Faults != len(k.Faults()) || (k.Err() == nil) != (tt.want == "") {
					t.Errorf("counted %d, listed %d, %v", k.Counts().Faults, len(k.Faults()), k.Err())
				}
			})
		})
	}
}

func TestCheckerAllows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, story string
		want        Counts
	}{
		{"nothing", "end", Counts{}},
		{"never asked", "p5 end", Counts{Published: 5}},
		{"live", "p3 ask answer p5 4 5 end", Counts{Published: 5, Answers: 1, Delivered: 2}},
		{"from a little before", "p3 ask answer p4 2 3 4 end", Counts{Published: 4, Answers: 1, Delivered: 3}},
		{"a resume", "p3 ask answer p5 4 5 lost p7 ask resumed 6 7 end", Counts{Published: 7, Answers: 2, Resumed: 1, Delivered: 4}},
		{"a resume of nothing", "p3 ask answer p4 4 lost ask resumed end", Counts{Published: 4, Answers: 2, Resumed: 1, Delivered: 1}},
		{"a resume before any message", "p3 ask answer lost p5 ask resumed 4 5 end", Counts{Published: 5, Answers: 2, Resumed: 1, Delivered: 2}},
		{"away at the end", "p3 ask answer lost p5 end", Counts{Published: 5, Answers: 1}},
		{"left at the end", "p3 ask answer left p5 end", Counts{Published: 5, Answers: 1}},
		{"left and back", "p3 ask answer p4 4 left p7 ask answer p8 8 end", Counts{Published: 8, Answers: 2, Delivered: 2}},
		{"a gap told in the answer", "p3 ask answer p4 4 lost p9 ask gap 8 9 end", Counts{Published: 9, Answers: 2, Gaps: 1, Delivered: 3}},
		{"a gap told by a notice", "p3 ask answer p9 4 notice 8 9 end", Counts{Published: 9, Answers: 1, Gaps: 1, Delivered: 3}},
		{"two gaps at one place", "p3 ask answer p9 4 notice notice 9 end", Counts{Published: 9, Answers: 1, Gaps: 2, Delivered: 2, FalseGaps: 1}},
		{"a gap at the end of all", "p3 ask answer p9 4 notice end", Counts{Published: 9, Answers: 1, Gaps: 1, Delivered: 1}},
		{"a gap that was none", "p3 ask answer p9 4 notice 5 6 7 8 9 end", Counts{Published: 9, Answers: 1, Gaps: 1, FalseGaps: 1, Delivered: 6}},
		{"a gap before anything came", "p3 ask answer lost p5 ask gap 5 end", Counts{Published: 5, Answers: 2, Gaps: 1, Delivered: 1}},
		{"a gap that was none before anything came", "p3 ask answer lost p5 ask gap 3 4 5 end", Counts{Published: 5, Answers: 2, Gaps: 1, FalseGaps: 1, Delivered: 3}},
		{"a gap when nothing was published", "p3 ask answer p4 4 lost ask gap p5 5 end", Counts{Published: 5, Answers: 2, Gaps: 1, FalseGaps: 1, Delivered: 2}},
		{"withdrawn", "p3 ask answer p6 w5 4 6 end", Counts{Published: 5, Answers: 1, Delivered: 2}},
		{"withdrawn at the end", "p3 ask answer p6 w6 w5 4 end", Counts{Published: 4, Answers: 1, Delivered: 1}},
		{"a gap over what was withdrawn", "p3 ask answer p6 w5 4 notice 6 end", Counts{Published: 5, Answers: 1, Gaps: 1, FalseGaps: 1, Delivered: 2}},
		{"two clients", "p3 ask c2/ask answer p4 c2/answer 4 p5 c2/5 5 end", Counts{Published: 5, Answers: 2, Delivered: 3}},
		{"a question taken back", "p3 ask unask ask answer end", Counts{Published: 3, Answers: 1}},
		{"answered in time", "p3 ask wait answer end", Counts{Published: 3, Answers: 1, SlowestAnswer: time.Minute}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := NewChecker(CheckerOptions{AnswerWithin: time.Minute})
				play(t, k, channel(t, "c"), tt.story)
				if err := k.Err(); err != nil {
					t.Errorf("faults: %v", err)
				}
				if diff := cmp.Diff(tt.want, k.Counts()); diff != "" {
					t.Errorf("counts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCheckerKeepsChannelsApart(t *testing.T) {
	t.Parallel()
	k := NewChecker(CheckerOptions{})
	a, b := channel(t, "a"), channel(t, "b")
	for _, c := range []realtime.Channel{a, b} {
		k.Asked("c1", c)
		k.Answer("c1", c, false, false)
	}
	k.Published(a, "1")
	k.Published(b, "2")
	k.Message("c1", a, "2")
	k.Message("c1", a, "1")
	k.Lost("c1", b)
	k.Published(b, "3")
	k.Finish()
	if diff := cmp.Diff([]string{"unknown 2"}, found(k)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
