package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/channel"
	"github.com/tidewire/tidewire/realtime/hub/pattern"
	"github.com/tidewire/tidewire/realtime/hub/request"
	"github.com/tidewire/tidewire/realtime/hub/view"
)

// Client is a connection.
type Client struct {
	Connection string
	Principal  *realtime.Principal
	Tenant     *realtime.Tenant
}

// Work is a question about an event. It is not safe for concurrent use.
type Work struct {
	// Event is what would be published. It has been checked, and is not changed.
	Event *realtime.Publication
	// User is whose connections are asked about, also those that do not read the channel; empty: all that do.
	User string
	// Most is how many lines there may be.
	Most int
	// Views makes views as those were made that readers have.
	Views *view.Builder

	subjects []subject
	more     bool
	memo     view.Memo
}

// subject is what a line is to be about.
type subject struct {
	client Client
	reader *channel.Reader       // nil: it has none
	roams  *pattern.Subscription // by which it reads the channel, or is yet to; nil: it is to no pattern
	reads  string                // of a connection that does not read the channel: what it reads
}

func (w *Work) asksAbout(c *Client) bool { return w.User == "" || c.Principal.User == w.User }

func (w *Work) add(s *subject) {
	if len(w.subjects) >= w.Most {
		w.more = true
		return
	}
	w.subjects = append(w.subjects, *s)
}

// Reads tells of a reader of the channel. Those by a pattern Connected tells of.
func (w *Work) Reads(c Client, r *channel.Reader) {
	if !channel.Roams(r) && w.asksAbout(&c) {
		w.add(&subject{client: c, reader: r})
	}
}

// Connected tells of a connection of the tenant, whether it reads the channel or not. readers returns all that it reads.
func (w *Work) Connected(c Client, patterns []*pattern.Subscription, readers func() []*channel.Reader) {
	if !w.asksAbout(&c) {
		return
	}
	ch, has := w.Event.Channel, false
	for _, s := range patterns {
		if s.Pattern.Match(ch.Name(), "", nil) {
			has = true
			w.add(&subject{client: c, reader: s.Readers()[ch], roams: s})
		}
	}
	if has || w.User == "" {
		return
	}
	var names []string
	for _, r := range readers() {
		if r.Channel() == ch {
			if !r.On() {
				w.add(&subject{client: c, reader: r})
			}
			return
		}
		names = append(names, r.Channel().Name())
	}
	for _, s := range patterns {
		names = append(names, string(s.Pattern))
	}
	w.add(&subject{client: c, reads: listed(names)})
}

// mostNamed is how many channels a detail names.
const mostNamed = 5

func listed(names []string) string {
	if len(names) == 0 {
		return "it reads nothing"
	}
	slices.Sort(names)
	shown := strings.Join(names[:min(len(names), mostNamed)], ", ")
	if n := len(names) - mostNamed; n > 0 {
		return fmt.Sprintf("it reads %s and %d more", shown, n)
	}
	return "it reads " + shown
}

// More reports whether there was more to be told of than may be.
func (w *Work) More() bool { return w.more }

// Next judges so many more, and reports whether that was all. Those that have ended meanwhile are left out.
func (w *Work) Next(most int) (lines []Line, over bool) {
	n := min(most, len(w.subjects))
	for i := range w.subjects[:n] {
		if l, is := w.judge(&w.subjects[i]); is {
			l.Detail = clip(l.Detail)
			lines = append(lines, l)
		}
	}
	w.subjects = w.subjects[n:]
	return lines, len(w.subjects) == 0
}

// MostDetail is how long a Line.Detail may be, in bytes: a filter may be much longer.
const MostDetail = 400

func clip(s string) string {
	if len(s) <= MostDetail {
		return s
	}
	return strings.ToValidUTF8(s[:MostDetail-3], "") + "..."
}

func (w *Work) judge(s *subject) (Line, bool) {
	l := Line{Connection: s.client.Connection, User: s.client.Principal.User}
	r, by := s.reader, s.roams
	switch {
	case by == nil && r == nil:
		w.absent(&l, s)
		return l, true
	case by != nil:
		l.Pattern, l.Sub = string(by.Pattern), by.Sub
	default:
		l.Sub = channel.Sub(r)
	}
	if r != nil {
		want := r.Wanted()
		w.subscription(&l, &s.client, &want, r.View(), channel.StandOf(r, w.Event.Key))
		return l, r.State() != channel.Gone
	}
	rules := s.client.Tenant.Rules(w.Event.Channel.Namespace())
	v, err := by.View(w.Event.Channel, by.Want)
	switch {
	case by.State != nil && rules.State == nil:
		l.Outcome, l.Rule, l.Detail = Filtered, "subscription.state", "the namespace keeps no state"
	case err != nil:
		l.Outcome, l.Rule, l.Detail = Filtered, "subscription.filter", err.Error()
	default:
		w.subscription(&l, &s.client, by.Want, v, channel.Stand{Answered: true, State: by.State != nil, Paused: by.Want.Paused, Paced: rules.GrantedRate(by.Want.MaxRate) > 0})
	}
	return l, true
}

// absent judges a connection that does not read the channel.
func (w *Work) absent(l *Line, s *subject) {
	name := w.Event.Channel.Name()
	l.Outcome, l.Detail = NotSubscribed, s.reads
	if !s.client.Principal.May(realtime.ActionSubscribe, w.Event.Channel) {
		l.Outcome, l.Rule = NoGrant, "token.grants.subscribe"
		l.Detail = fmt.Sprintf("no pattern of the token selects %q; %s", name, s.reads)
	}
}

// subscription judges one, which is shown what a View says.
func (w *Work) subscription(l *Line, c *Client, want *request.Want, v *view.View, s channel.Stand) {
	w.memo.Forget()
	left := s.Had != nil && v.Shows(s.Had, &w.memo) // what is shown of the key goes
	w.memo.Forget()
	shown := v.Shows(w.Event, &w.memo)
	switch {
	case w.Event.Transient && !s.State:
		l.Outcome, l.Rule, l.Detail = Filtered, "event.transient", "only readers of the state are given what is transient"
	case !shown && left && s.Paused:
		l.Outcome, l.Rule, l.Detail = Paused, "subscription.paused", "the key has gone out of its sight, which it is told when it goes on"
	case !shown:
		l.Outcome = Filtered
		if left {
			l.Outcome = Left
		}
		l.Rule, l.Detail = w.hides(c, want)
	case w.Event.Op == realtime.OpDelete && s.State && v.Filtered() && !left:
		l.Outcome, l.Rule, l.Detail = Filtered, "subscription.state", "nothing of the key is in its sight"
	case w.Event.Op == realtime.OpSet && left && s.Told && v.Columns().Same(w.Event, s.Had):
		l.Outcome = Unchanged
		l.Rule, l.Detail = w.cuts(c, want, v)
	case !s.Answered:
		l.Outcome, l.Detail = Queued, "its subscribe has yet to be answered"
	case s.Paused:
		l.Outcome, l.Rule = Paused, "subscription.paused"
	case s.Behind && (s.Paced || s.State):
		l.Outcome, l.Detail = Conflated, "the client has yet to be given what came before"
	case s.Behind:
		l.Outcome, l.Detail = Queued, "the client has yet to take what came before"
	case v.Columns() != nil:
		l.Outcome = Projected
		l.Rule, l.Detail = w.cuts(c, want, v)
	default:
		l.Outcome = Delivered
	}
}
