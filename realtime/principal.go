package realtime

import (
	"log/slog"
	"slices"
	"time"
)

// Action is what a principal wants to do with a channel.
type Action string

// The actions a grant can allow.
const (
	ActionSubscribe Action = "subscribe"
	ActionPublish   Action = "publish"
	ActionPresence  Action = "presence" // to see who is present
	ActionEnter     Action = "enter"    // to be seen with data of one's own
	ActionDemand    Action = "demand"   // to see which channels are read
	ActionHistory   Action = "history"  // to be given what was published before; without a list of its own as ActionSubscribe
)

// Grants are the channel patterns of a principal, by action. What no pattern
// selects is forbidden.
type Grants struct {
	Subscribe []Pattern `json:"subscribe,omitempty"`
	Publish   []Pattern `json:"publish,omitempty"`
	Presence  []Pattern `json:"presence,omitempty"`
	Enter     []Pattern `json:"enter,omitempty"`
	Demand    []Pattern `json:"demand,omitempty"`
	// History is as Subscribe if it is nil; a list without patterns allows none.
	History []Pattern `json:"history,omitzero"`
}

// Manage is a part of the management API, as a token's claim manage lists those that its
// owner may use, always for its own tenant alone.
type Manage string

// The parts that a tenant's own tokens can be given.
const (
	ManagePublish     Manage = "publish"     // publish to every channel; send to users, groups and connections
	ManageState       Manage = "state"       // read what is stored of keyed state
	ManageHistory     Manage = "history"     // read what was published to every channel
	ManagePresence    Manage = "presence"    // read who is present on every channel
	ManageDemand      Manage = "demand"      // read what is wanted of every namespace
	ManageExplain     Manage = "explain"     // be told what would become of an event, and which rules decide it
	ManageConnections Manage = "connections" // list channels that are read, and list, inspect and close connections
	ManageUsers       Manage = "users"       // log users out
	ManageTokens      Manage = "tokens"      // make tokens for any user of the tenant
	ManageTenant      Manage = "tenant"      // read the tenant's document
)

// Role is what an operator may do, for every tenant.
type Role string

// The roles of operators. Each may do what the one before may.
const (
	RoleViewer  Role = "viewer"  // read
	RoleSupport Role = "support" // close connections and log users out
	RoleAdmin   Role = "admin"   // everything; it is also that of an operator whose token names none
)

// Roles lists them.
func Roles() []Role { return []Role{RoleViewer, RoleSupport, RoleAdmin} }

// Includes reports whether who has the role may do what another is for. A role that is not known includes none.
func (r Role) Includes(other Role) bool {
	if r == "" {
		r = RoleAdmin
	}
	have, needs := slices.Index(Roles(), r), slices.Index(Roles(), other)
	return have >= 0 && needs >= 0 && have >= needs
}

// Principal is who is asking. It is made from a verified token (or by a
// program's own connect function), never from a URL, and is not changed
// afterwards: renewing a token makes a new one.
type Principal struct {
	Tenant string
	User   string
	Groups []string
	Grants Grants
	Views  Views
	// Enforced are filters besides those of the token, which a connect hook has given: each map counts for itself, as Views.Filters does.
	Enforced []map[Pattern][]string
	Manage   []Manage  // what else its token may do by the management API
	Role     Role      // of an operator, as the claim role has it; means nothing for others
	Issued   time.Time // when the token was made; zero if it does not say
	Expires  time.Time // when the token ends
	// Credential is what the token was believed by; nil if the principal was not made from one.
	Credential *Credential `json:"-"`
}

// Credential is what a token was believed by, without the token itself: enough to judge it again when the
// document of its tenant, or the keys of its issuer, have changed. It is not changed.
type Credential struct {
	KID, Alg string   // of the token's header
	Key      [32]byte // names the key that verified it, by algorithm and material
	Issuer   string
	Audience []string
	InQuery  bool // it stood in a query string, which the tenant has to allow
}

// May reports whether the principal may do the action on the channel. It is
// false for every channel of another tenant.
func (p *Principal) May(action Action, c Channel) bool {
	if c.IsZero() || c.Tenant() != p.Tenant {
		return false
	}
	if kind, _ := c.Reserved(); kind != "" {
		return p.mayReserved(action, c)
	}
	for _, pattern := range p.granted(action) {
		if pattern.Match(c.Name(), p.User, p.Groups) {
			return true
		}
	}
	return false
}

func (p *Principal) granted(a Action) []Pattern {
	if a == ActionHistory && p.Grants.History == nil {
		a = ActionSubscribe
	}
	if patterns := p.Grants.Of(a); patterns != nil {
		return *patterns
	}
	return nil
}

// MayAll reports whether one grant of the principal covers every channel that a pattern may select.
func (p *Principal) MayAll(action Action, q Pattern) bool {
	for _, pattern := range p.granted(action) {
		if pattern.Covers(q, p.User, p.Groups) {
			return true
		}
	}
	return false
}

// Of returns the patterns of an action; nil if there is no such action.
func (g *Grants) Of(a Action) *[]Pattern {
	switch a {
	case ActionSubscribe:
		return &g.Subscribe
	case ActionPublish:
		return &g.Publish
	case ActionPresence:
		return &g.Presence
	case ActionEnter:
		return &g.Enter
	case ActionDemand:
		return &g.Demand
	case ActionHistory:
		return &g.History
	}
	return nil
}

// Actions returns all that a grant can allow.
func Actions() []Action {
	return []Action{ActionSubscribe, ActionPublish, ActionPresence, ActionEnter, ActionDemand, ActionHistory}
}

// Len is how many patterns there are.
func (g *Grants) Len() int {
	n := 0
	for _, a := range Actions() {
		n += len(*g.Of(a))
	}
	return n
}

// With returns the grants with those of more added.
func (g *Grants) With(more *Grants) (all Grants) {
	for _, a := range Actions() {
		*all.Of(a) = slices.Concat(*g.Of(a), *more.Of(a))
	}
	if (g.History == nil) != (more.History == nil) { // the other's is that of Subscribe
		of := g
		if g.History != nil {
			of = more
		}
		all.History = append([]Pattern{}, append(all.History, of.Subscribe...)...)
	} else if g.History != nil && all.History == nil {
		all.History = []Pattern{}
	}
	return all
}

// LogValue shows tenant and user.
func (p *Principal) LogValue() slog.Value {
	return slog.GroupValue(slog.String(KeyTenant, p.Tenant), slog.String(KeyUser, p.User))
}
