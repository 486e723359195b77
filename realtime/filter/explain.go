package filter

// Reason says why a program does not match a publication.
type Reason struct {
	// Factor is the part of the filter that is false. It may hold what the viewer must not see.
	Factor string
	// Detail says what could not be evaluated and so was false, as "tags.speed is no number". It is empty if all could, and for the comparisons
	// that cel-go evaluates.
	Detail string
}

// String returns both as a sentence.
func (r Reason) String() string {
	if r.Detail == "" {
		return r.Factor + " is false"
	}
	return r.Factor + " is false: " + r.Detail
}

// Explain returns the first reason for which the program does not match. It is not ok if it matches.
func (p *Program) Explain(in *Input) (Reason, bool) {
	for _, f := range p.factors {
		if !f.test.holds(in) {
			return Reason{Factor: f.source, Detail: f.test.fault(in)}, true
		}
	}
	return Reason{}, false
}
