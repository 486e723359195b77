package resumetest

import "time"

// Counts say how much a Checker has judged.
type Counts struct {
	Published  int // first copies
	Delivered  int // messages told to clients
	Answers    int
	Resumed    int // answers that said so
	Gaps       int // told in answers and in notices
	FalseGaps  int // told though nothing was missing
	Unanswered int // questions that were not answered in time
	Faults     int
	// SlowestAnswer is the longest time between a question and its answer.
	SlowestAnswer time.Duration
}
