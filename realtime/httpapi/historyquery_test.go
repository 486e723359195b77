package httpapi

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// A bound that is given and says nothing is refused: whoever pages by it would be given the same page again and again.
func TestHistoryBoundsThatSayNothing(t *testing.T) {
	t.Parallel()
	for query, says := range map[string]string{
		"":                             "",
		"before=1767225600000-a":       "",
		"cursor=before+1767225600-a":   "",
		"before=":                      "before: must be a position",
		"after=":                       "after: must be a position",
		"before=x":                     "before: must be a position",
		"cursor=":                      "cursor: must be the next",
		"cursor=before+":               "before: must be a position",
		"cursor=after+&from=1":         "after: must be a position",
		"cursor=before+1-a&before=2-b": "cursor: must be the next",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		switch _, err := historyQuery(q); {
		case says == "" && err != nil, says != "" && (err == nil || realtime.CodeOf(err) != realtime.CodeBadRequest || !strings.HasPrefix(err.Error(), says)):
			t.Errorf("%q: %v, want %q", query, err, says)
		}
	}
}
