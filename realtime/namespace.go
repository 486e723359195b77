package realtime

import "time"

// Overflow is what happens to a connection's data when its queue is full.
type Overflow string

// The policies of a full queue.
const (
	// OverflowDisconnect closes the connection with CodeTooSlow; the client resumes.
	OverflowDisconnect Overflow = "disconnect"
	// OverflowConflate keeps the newest Publication of each Key and drops those it replaces.
	// What has no Key, or is the only one of its Key, is dropped oldest first, and the client is told.
	OverflowConflate Overflow = "conflate"
	// OverflowDropOldest drops the oldest and tells the client how many.
	OverflowDropOldest Overflow = "drop-oldest"
)

// Namespace holds the rules of the channels of one namespace. A zero field has
// the default stated in DefaultNamespace.
type Namespace struct {
	// Window and WindowFor bound the record that resume answers from, by number and by age.
	Window    int      `json:"window,omitempty"`
	WindowFor Duration `json:"windowFor,omitempty"`
	// Overflow is the policy of a full queue.
	Overflow Overflow `json:"overflow,omitempty"`
	// Tick gathers the deliveries of a busy channel for this long; at most a second. The first
	// after a pause goes at once.
	Tick Duration `json:"tick,omitempty"`
	// State keeps the newest Publication of each Key; nil keeps none.
	State *State `json:"state,omitempty"`
	// History keeps more of each channel than its record, for reads by HTTP; nil keeps no more.
	History *History `json:"history,omitempty"`
	// Rate bounds how often a subscription is sent what is new; nil leaves it to the client.
	Rate *Rate `json:"rate,omitempty"`
	// Enforce is a filter that a Publication must pass, for every reader, whatever the reader asks for. It is not shown
	// to clients.
	Enforce string `json:"enforce,omitempty"`
	// Filterable are the members of Data that filters may name, such as "data.bid".
	Filterable []string `json:"filterable,omitempty"`
	// Presence says who is present; nil has the defaults.
	Presence *Presence `json:"presence,omitempty"`
	// Lifecycle tells of the channels that become occupied and vacated, over all instances (Occupancies). Whose readers were lost is taken
	// for read for Presence.Grace more.
	Lifecycle bool `json:"lifecycle,omitempty"`
	// Columns are the only top-level members of Data that readers are shown; with none they are shown all.
	Columns []string `json:"columns,omitempty"`
}

// DefaultNamespace returns the rules of a namespace that says nothing.
func DefaultNamespace() Namespace {
	return Namespace{Window: 1000, WindowFor: Duration(2 * time.Minute), Overflow: OverflowDisconnect}
}

// Rules returns the rules of a namespace with every default filled in.
func (t *Tenant) Rules(namespace string) Namespace {
	if namespace != "" && namespace[0] == '$' {
		return reservedRules()
	}
	n, ok := t.Namespaces[namespace]
	if !ok {
		n = t.Namespaces["*"]
	}
	d := DefaultNamespace()
	if n.Window == 0 {
		n.Window = d.Window
	}
	if n.WindowFor == 0 {
		n.WindowFor = d.WindowFor
	}
	if n.Overflow == "" {
		n.Overflow = d.Overflow
	}
	if n.State != nil && n.State.Transient {
		n.Rate = transientRate(n.Rate)
	}
	return n
}

func (n Namespace) check(field string, retention time.Duration) error {
	switch {
	case n.Window < 0 || n.Window > 100_000:
		return Errorf(CodeBadRequest, "%s.window: must be 0 to 100000", field)
	case n.WindowFor < 0 || n.WindowFor > Duration(retention):
		return Errorf(CodeBadRequest, "%s.windowFor: must be at most %s, because a topic keeps no more", field, shortly(retention))
	case n.Tick < 0 || n.Tick > Duration(time.Second):
		return Errorf(CodeBadRequest, "%s.tick: must be at most 1s", field)
	}
	switch n.Overflow {
	case "", OverflowDisconnect, OverflowConflate, OverflowDropOldest:
	default:
		return Errorf(CodeBadRequest, "%s.overflow: must be disconnect, conflate or drop-oldest, got %q", field, clip(string(n.Overflow)))
	}
	if err := n.State.check(field + ".state"); err != nil {
		return err
	}
	if err := n.Rate.check(field + ".rate"); err != nil {
		return err
	}
	if err := n.Presence.check(field + ".presence"); err != nil {
		return err
	}
	if err := n.History.check(field+".history", retention); err != nil {
		return err
	}
	return n.checkView(field)
}
