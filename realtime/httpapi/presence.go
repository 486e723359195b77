package httpapi

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub/demand"
	"github.com/tidewire/tidewire/realtime/survey"
)

// Survey asks all instances what they know. *survey.Surveyor is one.
type Survey interface {
	Presence(ctx context.Context, t *realtime.Tenant, c realtime.Channel) (*survey.Presence, error)
	Demand(ctx context.Context, t *realtime.Tenant, namespace string, page survey.Page) (*survey.Demand, error)
	Channels(ctx context.Context, t *realtime.Tenant, page survey.Page) (*survey.Channels, error)
	Explain(ctx context.Context, t *realtime.Tenant, event *realtime.Publication, user string, most int) (*survey.Explained, error)
}

// heard says what an answer of all instances is made of.
type heard struct {
	Complete bool      `json:"complete"`          // all instances have answered
	Missing  []string  `json:"missing,omitempty"` // those that have not
	AsOf     time.Time `json:"asOf"`
}

func newHeard(h *survey.Heard) heard {
	return heard{Complete: h.Complete, Missing: h.Missing, AsOf: h.At.UTC().Truncate(time.Millisecond)}
}

// presencePage is who is present on a channel.
type presencePage struct {
	Members     []realtime.Member `json:"members"` // by user and connection; null if they are too many to be named
	Count       int               `json:"count"`
	Truncated   bool              `json:"truncated,omitempty"`
	Connections int               `json:"connections"`
	Users       int               `json:"users"`
	heard
}

// readChannel is a channel that is read.
type readChannel struct {
	Channel     string `json:"channel"`
	Connections int    `json:"connections"`
	Users       int    `json:"users"`
}

// channelPage is a page of channels that are read.
type channelPage struct {
	Channels []readChannel `json:"channels"`
	Next     string        `json:"next,omitempty"`
	heard
}

// wantedChannel is a channel that is read, and how it is wanted.
type wantedChannel struct {
	Channel string `json:"channel"`
	demand.Row
}

// demandPage is a page of what is wanted of a namespace.
type demandPage struct {
	Channels []wantedChannel `json:"channels"`
	Next     string          `json:"next,omitempty"`
	heard
}

// grantSuffices reports whether a grant may take the place of a part of manage. Whoever serves the call asks for it.
func grantSuffices(part realtime.Manage) bool {
	return part == realtime.ManageHistory || part == realtime.ManagePresence || part == realtime.ManageDemand
}

// manages reports whether the caller may make calls of a part without a grant.
func (c *call) manages(part realtime.Manage) bool {
	return c.operator || slices.Contains(c.principal.Manage, part)
}

// survey returns who asks the instances.
func (a *api) survey() (Survey, error) {
	if a.o.Survey == nil {
		return nil, realtime.Errorf(realtime.CodeNotFound, "this API asks no instances; ask a gateway by its socket")
	}
	return a.o.Survey, nil
}

// readPresence answers who is present on a channel.
func readPresence(a *api, c *call) error {
	if _, err := c.query(); err != nil {
		return err
	}
	channel, err := realtime.NewChannel(c.tenantID, c.r.PathValue("channel"))
	if err != nil {
		return err
	}
	if !c.manages(realtime.ManagePresence) && !c.principal.May(realtime.ActionPresence, channel) {
		return realtime.Errorf(realtime.CodeForbidden, "channel: no grant for the presence on %q, and the token's claim manage does not contain %q", channel.Name(), realtime.ManagePresence)
	}
	if err := c.undecided(realtime.ManagePresence, channel); err != nil {
		return err
	}
	s, err := a.survey()
	if err != nil {
		return err
	}
	p, err := s.Presence(c.r.Context(), c.tenant, channel)
	if err != nil {
		return withoutTopic(err)
	}
	members := slices.Clone(p.Members) // others are given the same
	slices.SortFunc(members, func(a, b realtime.Member) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Connection, b.Connection))
	})
	return c.answer(200, &presencePage{
		Members: members, Count: p.Count, Truncated: p.Truncated, Connections: p.Connections, Users: p.Users, heard: newHeard(&p.Heard),
	})
}

// listChannels answers a page of the channels that are read.
func listChannels(a *api, c *call) error {
	page, _, err := c.surveyPage()
	if err != nil {
		return err
	}
	s, err := a.survey()
	if err != nil {
		return err
	}
	all, err := s.Channels(c.r.Context(), c.tenant, page)
	if err != nil {
		return withoutTopic(err)
	}
	shown := channelPage{Channels: make([]readChannel, len(all.Channels)), heard: newHeard(&all.Heard)}
	for i, r := range all.Channels {
		shown.Channels[i] = readChannel{r.Channel, r.Connections, r.Users}
		if all.More {
			shown.Next = r.Channel
		}
	}
	return c.answer(200, &shown)
}

// readDemand answers a page of what is wanted of a namespace.
func readDemand(a *api, c *call) error {
	page, namespace, err := c.surveyPage("namespace")
	if err != nil {
		return err
	}
	subject, err := realtime.NewReadable(c.tenantID, realtime.ReservedDemand+":"+namespace)
	if !c.manages(realtime.ManageDemand) && (err != nil || !c.principal.May(realtime.ActionSubscribe, subject)) {
		return realtime.Errorf(realtime.CodeForbidden, "namespace: no grant for the demand for all of %.64q, and the token's claim manage does not contain %q", namespace, realtime.ManageDemand)
	}
	if err := c.undecided(realtime.ManageDemand, subject); err != nil {
		return err
	}
	if err != nil {
		return realtime.Errorf(realtime.CodeBadRequest, "namespace: must be the part of channels' names before the first ':', got %.64q", namespace)
	}
	s, err := a.survey()
	if err != nil {
		return err
	}
	d, err := s.Demand(c.r.Context(), c.tenant, namespace, page)
	if err != nil {
		return withoutTopic(err)
	}
	shown := demandPage{Channels: make([]wantedChannel, len(d.Channels)), heard: newHeard(&d.Heard)}
	for i, w := range d.Channels {
		shown.Channels[i] = wantedChannel{w.Channel, w.Row}
		if d.More {
			shown.Next = w.Channel
		}
	}
	return c.answer(200, &shown)
}

// surveyPage reads which page is asked for, and another parameter.
func (c *call) surveyPage(other ...string) (page survey.Page, value string, err error) {
	q, err := c.query(append(other, "prefix", "after", "limit")...)
	if err != nil {
		return page, "", err
	}
	page = survey.Page{Prefix: q.Get("prefix"), After: q.Get("after")}
	if page.Limit, err = pageSize(q); err != nil {
		return page, "", err
	}
	for _, p := range []struct{ name, value string }{{"prefix", page.Prefix}, {"after", page.After}} {
		if len(p.value) > realtime.MaxChannelBytes {
			return page, "", realtime.Errorf(realtime.CodeBadRequest, "%s: must be at most %d bytes, got %d", p.name, realtime.MaxChannelBytes, len(p.value))
		}
	}
	for _, name := range other {
		value = q.Get(name)
	}
	return page, value, nil
}
