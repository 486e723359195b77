package show

import (
	"fmt"
	"io"
	"strings"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
)

// Explained prints what would become of an event.
func Explained(w io.Writer, q *client.Question, e *client.Explained) error {
	lines := []string{"publish: " + verdictLine(&e.Publish)}
	if a := e.Access; a != nil {
		lines = append(lines, "connect with the token: "+verdictLine(&a.Connect))
		if a.Subscribe != nil {
			lines = append(lines, "subscribe as "+a.User+": "+verdictLine(a.Subscribe), "publish as "+a.User+": "+verdictLine(a.Publish))
		}
	}
	for i := range e.Subscriptions {
		l := &e.Subscriptions[i]
		who := l.User + " " + l.Connection
		if l.Pattern != "" {
			who += " " + l.Pattern
		}
		if l.Sub != "" {
			who += " (" + l.Sub + ")"
		}
		line := who + ": " + l.Outcome
		if l.Rule != "" {
			line += " by " + l.Rule
		}
		if l.Detail != "" {
			line += ": " + l.Detail
		}
		lines = append(lines, line)
	}
	switch {
	case e.More:
		lines = append(lines, "there are more; --limit shows up to 1000")
	case len(e.Subscriptions) > 0 || e.Publish.Outcome != "accepted":
	case q.User != "":
		lines = append(lines, q.User+" is not connected to this tenant")
	default:
		lines = append(lines, "nobody reads "+q.Channel)
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func verdictLine(v *client.Verdict) string {
	switch {
	case v.Limit != "":
		return v.Outcome + " (" + v.Code + ", limits." + v.Limit + "): " + v.Detail
	case v.Code != "":
		return v.Outcome + " (" + v.Code + "): " + v.Detail
	}
	return v.Outcome
}
