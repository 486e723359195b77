package docs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a round of the keeper needs.
const (
	minutes        = month / 60
	keptAtOnce     = 16.0 // topics
	roundSeconds   = 3.0  // of one topic: until nothing older than its marker comes any more
	claimsAndMarks = 3.0  // readings and writes: the claim, the mark, the release
	partReadings   = 0.02 // for each key: the topic's document and the channel's, of a hundred keys
)

// kept is durable state: keys that change in every minute, topics that carry them, and events a second.
type kept struct{ keys, topics, events float64 }

func (k kept) writes() float64 { return k.keys * minutes * writeDoc }

func (k kept) readings() float64 { return k.keys * (1 + partReadings) * minutes * readDoc }

func (k kept) topicDocuments() float64 {
	return k.topics * claimsAndMarks * minutes * (writeDoc + readDoc)
}

func (k kept) function() float64 {
	return math.Ceil(k.topics/keptAtOnce) * roundSeconds * minutes * smallInstance
}

func (k kept) pubsub() float64 {
	return (k.events*month + 2*k.topics*minutes) * 1024 * messages
}

func (k kept) total() float64 {
	return k.writes() + k.readings() + k.topicDocuments() + k.function() + k.pubsub()
}

// eachSecond is what the writes alone would cost if each change were written at once, at one a second.
func (k kept) eachSecond() float64 { return 60 * k.writes() }

// The table of durable state in docs/operations.md is what the formulas give, and so is the day of a hundred keys.
func TestStateTable(t *testing.T) {
	t.Parallel()
	sizes := []kept{{100, 1, 10}, {1000, 20, 100}, {10_000, 100, 1000}, {100_000, 100, 5000}}
	row := func(name string, format string, f func(kept) float64) string {
		cells := []string{name}
		for _, s := range sizes {
			cells = append(cells, fmt.Sprintf(format, f(s)))
		}
		return "| " + strings.Join(cells, " | ") + " |"
	}
	table := strings.Join([]string{
		row("keys that change in every minute", "%.0f", func(k kept) float64 { return k.keys }),
		"| --- | --: | --: | --: | --: |",
		row("topics with durable state", "%.0f", func(k kept) float64 { return k.topics }),
		row("events published a second", "%.0f", func(k kept) float64 { return k.events }),
		row("entries written", "%.1f", kept.writes),
		row("entries read before", "%.1f", kept.readings),
		row("claims and marks", "%.1f", kept.topicDocuments),
		row("keeper", "%.1f", kept.function),
		row("Pub/Sub", "%.1f", kept.pubsub),
		row("**a month, USD**", "**%.0f**", kept.total),
		row("entries written if once a second", "%.0f", kept.eachSecond),
	}, "\n") + "\n"
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/operations.md has not this table:\n%s", table)
	}
	const day = 24 * 60
	sentence := fmt.Sprintf("A hundred keys that change all the time cost %s writes a day, %.2f USD", "144,000", 100*day*writeDoc)
	if 100*day != 144_000 || !strings.Contains(strings.Join(strings.Fields(string(text)), " "), sentence) {
		t.Errorf("docs/operations.md does not say %q", sentence)
	}
}
