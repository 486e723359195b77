package canary

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidewire/tidewire/realtime/realtimetest/canary/capture"
	"github.com/tidewire/tidewire/realtime/realtimetest/canary/frames"
)

// pasts returns the acts that ask for what was published before.
func pasts() []Act {
	return []Act{
		{Name: "rewind", Needs: func(f Features) bool { return f.Rewind }, Do: rewind},
		{Name: "stream rewound", Needs: func(f Features) bool { return f.Rewind && f.Stream }, Do: rewindStream},
		{Name: "history", Needs: func(f Features) bool { return f.History }, Do: history},
		{Name: "history by HTTP", Needs: func(f Features) bool { return f.Retained }, Do: retained},
	}
}

// less returns what a viewer asks for of the past, perhaps less than its rights, and how it says so.
func less(v *Viewer) (own Rights, filter string, fields []string) {
	f := v.world.server.Features
	if f.Filter && v.rng.IntN(3) == 0 {
		own.Clients = v.some(clients(), Shared)
		filter = Filter(own.Clients)
	}
	if f.Fields && v.rng.IntN(3) == 0 {
		own.Columns = append(v.some([]string{Hidden, Deep}, Shown), Shown)
		fields = own.Columns
	}
	return own, filter, fields
}

// back returns how far a rewind goes, and from which publication on all of a channel that is shown has to come.
func back(v *Viewer, channel string) (rewind any, from int) {
	if first, ok := v.told.begins[channel]; ok && v.rng.IntN(2) == 0 {
		return "10m", first.published
	}
	n := 1 + v.rng.IntN(60)
	v.world.mu.RLock()
	defer v.world.mu.RUnlock()
	from = len(v.world.log)
	for left := n; from > 0 && left > 0; {
		if from--; v.world.log[from].of.Channel.Name() == channel {
			left--
		}
	}
	return n, from
}

// rewind subscribes to what its token grants, beginning in the past.
func rewind(v *Viewer) error {
	v.forget()
	r := v.rights()
	if err := v.connect(r); err != nil {
		return err
	}
	own, filter, fields := less(v)
	v.tell(func(t *told) { t.own = own })
	v.conn.begin(v.told.view())
	for _, channel := range r.Channels {
		options := map[string]any{}
		if filter != "" {
			options["filter"] = filter
		}
		if fields != nil {
			options["fields"] = fields
		}
		back, from := back(v, channel)
		options["rewind"] = back
		if _, err := v.subscribe(channel, options); err != nil {
			return err
		}
		v.owe(channel, from)
	}
	return nil
}

// rewindStream opens a stream of events that begins in the past.
func rewindStream(v *Viewer) error {
	r := v.rights()
	own, filter, fields := less(v)
	asked := &streaming{rights: r, own: own, options: map[string]any{}}
	if filter != "" {
		asked.options["filter"] = filter
	}
	if fields != nil {
		asked.options["fields"] = fields
	}
	n := 1 + v.rng.IntN(60)
	asked.options["rewind"] = n
	from := len(v.world.log)
	if err := openStream(v, asked, ""); err != nil {
		return err
	}
	for _, channel := range r.Channels {
		at, left := from, n
		for at > 0 && left > 0 {
			if at--; v.world.log[at].of.Channel.Name() == channel {
				left--
			}
		}
		v.owe(channel, at)
	}
	return nil
}

// history reads page after page of the channels that its token grants, back to the beginning, and asks for those that it does not.
func history(v *Viewer) error {
	v.forget()
	r := v.rights()
	if err := v.connect(r); err != nil {
		return err
	}
	own, filter, fields := less(v)
	v.tell(func(t *told) { t.own = own })
	v.conn.begin(v.told.view())
	for _, channel := range channels() {
		before, limit := "", 1+v.rng.IntN(100)
		for {
			frame := map[string]any{"type": "history", "channel": channel, "limit": limit}
			for name, value := range map[string]string{"before": before, "filter": filter} {
				if value != "" {
					frame[name] = value
				}
			}
			if fields != nil {
				frame["fields"] = fields
			}
			f, err := v.Ask(frame)
			if err != nil {
				return err
			}
			if !within(r.Channels, channel) {
				if f.Type != "error" || f.Code != "forbidden" {
					return fmt.Errorf("history without a grant is answered %s", f.Raw)
				}
				break
			}
			if f.Type != "ok" {
				return fmt.Errorf("history is answered %s", f.Raw)
			}
			if f.More == nil || !*f.More || len(f.Messages) == 0 {
				if first, ok := v.told.begins[channel]; ok {
					v.owe(channel, first.published)
				}
				break
			}
			before = f.Messages[0].Position
		}
	}
	return nil
}

// retained reads the same from the management API, on connections of their own beside the one that it has.
func retained(v *Viewer) error {
	r := v.rights()
	token, err := tokenOf(v, r)
	if err != nil {
		return err
	}
	own, filter, fields := less(v)
	query := url.Values{"limit": {strconv.Itoa(1 + v.rng.IntN(100))}}
	if filter != "" {
		query.Set("filter", filter)
	}
	if fields != nil {
		query.Set("fields", strings.Join(fields, ","))
	}
	holds := view{v.User, [3]Rights{r, v.told.policy, own}, true}
	for _, channel := range channels() {
		query.Del("cursor")
		seen := map[*word]bool{}
		for more := true; more; {
			page, next, err := page(v, channel, token, query, holds, seen)
			if err != nil {
				return fmt.Errorf("%s: %w", channel, err)
			}
			if granted := within(r.Channels, channel); !granted || page.Status != http.StatusOK {
				if granted == (page.Status == http.StatusOK) || page.Status == http.StatusForbidden && !granted {
					break
				}
				return fmt.Errorf("history of %s, granted %t, is answered %d: %s", channel, granted, page.Status, page.Body)
			}
			more = next != ""
			query.Set("cursor", next)
		}
		if err := missing(v, channel, holds, seen); err != nil && within(r.Channels, channel) {
			return err
		}
	}
	return nil
}

// missing says which publication that is shown was not in any page.
func missing(v *Viewer, channel string, holds view, seen map[*word]bool) error {
	first, ok := v.told.begins[channel]
	if !ok {
		return nil
	}
	v.world.mu.RLock()
	defer v.world.mu.RUnlock()
	for _, made := range v.world.log[first.published:] {
		if made.of.Channel.Name() == channel && holds.shows(made) && !seen[made] {
			return fmt.Errorf("a publication %s of client %q on %s is missing in its history", made.of.ID, made.client, channel)
		}
	}
	return nil
}

// page asks for a page, and has judged what came.
func page(v *Viewer, channel, token string, query url.Values, holds view, seen map[*word]bool) (a *capture.Answer, next string, err error) {
	name, err := v.world.channel(channel)
	if err != nil {
		return nil, "", err
	}
	a, err = capture.Get(v.world.ctx, v.world.server.HistoryURL, "/v1/tenants/"+name.Tenant()+"/channels/"+channel+"/history", query, token, v.world.options.Patience)
	if err != nil {
		return nil, "", err
	}
	c := open(a.Tap, a, v.world.find, holds, frames.On(nil))
	c.acts = append(slices.Clone(v.done), query.Encode())
	<-c.ended
	c.close()
	if len(c.frames) > 0 {
		next = c.frames[0].Next
	}
	for w := range c.seen {
		seen[w] = true
	}
	v.world.judge(v, c)
	return a, next, nil
}
