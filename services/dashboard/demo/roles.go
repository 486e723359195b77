package demo

import (
	"slices"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/services/dashboard/web"
)

// Role is what one group of one tenant does: which dashboards it looks at, and what it is shown there.
type Role struct {
	Tenant     string
	Group      string
	Title      string
	Dashboards []string // the first is the one that it begins with
}

// The dashboards.
const (
	trading    = "trading"
	sensors    = "sensors"
	operations = "operations"
	logistics  = "logistics"
	whiteboard = "whiteboard"
	crawl      = "crawl"
	console    = "console"
)

// Roles returns all roles, in the order in which a page lists them.
func Roles() []Role {
	var roles []Role
	for _, tenant := range []string{"acme", "globex"} {
		roles = append(roles,
			Role{tenant, "equities", "Equities desk", []string{trading, whiteboard}},
			Role{tenant, "currencies", "Currencies desk", []string{trading, whiteboard}},
			Role{tenant, "plant", "Plant engineers", []string{sensors, whiteboard}},
			Role{tenant, "operations", "Operations", []string{operations, crawl, console, whiteboard}},
			Role{tenant, "north", "Dispatch north", []string{logistics, whiteboard}},
			Role{tenant, "south", "Dispatch south", []string{logistics, whiteboard}},
		)
	}
	return roles
}

// channels are those that the role's dashboards show.
func (r *Role) channels() []web.Channel {
	const simulated = "Simulated"
	all := []web.Channel{
		{Dashboard: sensors, Name: "sensors:plant", Title: "Plant", Note: simulated, EveryMS: sensorEvery.Milliseconds()},
		{Dashboard: operations, Name: "services:estate", Title: "Services", Note: simulated, EveryMS: 2 * serviceEvery.Milliseconds()},
		{Dashboard: operations, Name: "alerts:estate", Title: "Alerts", Note: simulated},
		{Dashboard: operations, Name: "claims:estate", Title: "Who works on what"},
		{Dashboard: crawl, Name: "crawl:site", Title: "Crawl", Note: "A site on this machine, crawled while somebody looks"},
		{Dashboard: logistics, Name: "vehicles:fleet", Title: "Fleet, " + r.Group, Note: "Simulated, 12 times as fast as real vehicles", EveryMS: fleetEvery.Milliseconds()},
		{Dashboard: whiteboard, Name: "board:main", Title: "Board"},
		{Dashboard: whiteboard, Name: "cursors:main", Title: "Pointers"},
		{Dashboard: whiteboard, Name: "documents:main", Title: "Texts of notes"},
	}
	switch r.Group {
	case "equities":
		all = append(all, quotes("equities", "US shares", "USD", "Simulated from prices recorded on 22 August 2026", []string{"price", "change", "bid", "ask", "volume", "range"}, 5000))
	case "currencies":
		all = append(all, quotes("currencies", "Currencies", "", "Simulated from rates recorded in June 2026", []string{"bid", "ask", "spread", "change", "range"}, 3000))
	}
	return slices.DeleteFunc(all, func(c web.Channel) bool { return !slices.Contains(r.Dashboards, c.Dashboard) })
}

func quotes(group, title, unit, note string, columns []string, every int64) web.Channel {
	return web.Channel{Dashboard: trading, Name: "prices:" + group, Title: title, Unit: unit, Note: note, EveryMS: every, Columns: columns}
}

// Reader is who looks at a role's dashboards: it may read and write what they need and nothing else, and of prices and vehicles it is shown what is
// meant for its group, whatever filter the page asks for.
func Reader(r Role) *realtime.Principal {
	p := &realtime.Principal{Tenant: r.Tenant, User: r.Group, Groups: []string{r.Group}}
	if r.Group == "equities" || r.Group == "currencies" {
		p.User += "-desk"
	}
	g, views := &p.Grants, realtime.Views{Filters: map[realtime.Pattern][]string{}}
	for _, d := range r.Dashboards {
		switch d {
		case trading:
			g.Subscribe = append(g.Subscribe, "prices:{group}", "charts:{group}", "books:{group}", "orders:{group}")
			g.Publish = append(g.Publish, "orders:{group}")
			views.Filters["prices:**"] = []string{"tags.desk == '{group}'"}
		case sensors:
			g.Subscribe = append(g.Subscribe, "sensors:plant")
		case operations:
			g.Subscribe = append(g.Subscribe, "services:estate", "alerts:estate", "claims:estate")
			g.Publish = append(g.Publish, "claims:estate")
		case crawl:
			g.Subscribe = append(g.Subscribe, "crawl:*")
		case logistics:
			g.Subscribe = append(g.Subscribe, "vehicles:fleet")
			views.Filters["vehicles:**"] = []string{"tags.region == '{group}'"}
		case whiteboard:
			own := []realtime.Pattern{"board:*", "cursors:*", "documents:*"}
			g.Subscribe, g.Publish = append(g.Subscribe, own...), append(g.Publish, own...)
			g.Presence, g.Enter = append(g.Presence, "board:*"), append(g.Enter, "board:*")
		}
	}
	if len(views.Filters) > 0 {
		p.Views = views
	}
	return p
}
