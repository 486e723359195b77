package realtime

import "time"

// The bounds of what is transient.
const (
	// TransientTTL is how long a Transient Publication is good at most, and if it does not say. What every topic can be replayed for is much more, so an
	// instance that begins to follow one finds all that is good still.
	TransientTTL = 30 * time.Second
	// TransientRate is how many flushes a second readers are given of a transient state, if its namespace has no Rate.Max.
	TransientRate = 20.0
	// TransientBytes is how many bytes a second of it, if its namespace has no State.BytesPerSecond.
	TransientBytes = 60_000
)

// ConnectionKey stands for the ID of the connection that publishes, as the Key of what is Transient. It is removed when the connection ends.
const ConnectionKey = "$connection"

// checkTransient refuses what cannot be Transient.
func (p *Publication) checkTransient() error {
	switch {
	case !p.Transient:
		return nil
	case p.Key == "":
		return Errorf(CodeBadRequest, "transient: needs a key, whose value it is")
	case p.If != nil:
		return Errorf(CodeBadRequest, "if: must be left out of what is transient, of which nothing is decided")
	case p.TTL > TransientTTL:
		return Errorf(CodeBadRequest, "ttl: must be between %s and %s if it is transient, got %s", shortly(MinTTL), shortly(TransientTTL), shortly(p.TTL))
	}
	return nil
}

// Classify makes a Publication of the tenant Transient if the state of its namespace is, and refuses one that is to be Transient where the state is
// not. Whoever publishes calls it, so that no instance has to ask what the namespace was like at that time. An error has code CodeBadRequest.
func (t *Tenant) Classify(p *Publication) error {
	rules := t.Rules(p.Channel.Namespace()).State
	if rules == nil || !rules.Transient {
		if p.Transient {
			return Errorf(CodeBadRequest, "transient: the namespace of %q has no \"state\" with \"transient\": true, so that this would be kept", p.Channel.Name())
		}
		return nil
	}
	if p.Key == ConnectionKey {
		return Errorf(CodeBadRequest, "key: %q stands for a connection, and is for those who publish over one", ConnectionKey)
	}
	if p.Key == "" {
		return p.checkTransient()
	}
	p.Transient = true
	return p.checkTransient()
}

// GrantedBytes is how many bytes a second a subscription with state is given at most; 0 is without bound, also of nil.
func (s *State) GrantedBytes() int64 {
	if s != nil && s.BytesPerSecond == 0 && s.Transient {
		return TransientBytes
	}
	if s == nil {
		return 0
	}
	return s.BytesPerSecond
}

// transientRate is the rate of a namespace whose state is transient.
func transientRate(r *Rate) *Rate {
	if r == nil {
		return &Rate{Max: TransientRate}
	}
	if r.Max != 0 {
		return r
	}
	with := *r
	with.Max = TransientRate
	return &with
}
