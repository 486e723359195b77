package hook

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/tidewire/tidewire/realtime"
)

// ConnectEvent is a client that wants to connect.
type ConnectEvent struct {
	// Tenant is the document of its tenant. It is not to be changed.
	Tenant *realtime.Tenant
	// Principal is what its token says. It is not to be changed.
	Principal *realtime.Principal
	// Remote is the address it comes from, Path the one it asks for.
	Remote string
	Path   string
	// Header and Query are those of its HTTP request, without the token.
	Header http.Header
	Query  url.Values
}

// ConnectResult is what a client has beyond its token, for as long as it is
// connected; a renewed token does not take it away.
type ConnectResult struct {
	// Groups are added to those of the token, and what {group} in a pattern may stand for.
	Groups []string
	// Grants are added to those of the token.
	Grants realtime.Grants
	// Narrowed, unless it is nil, takes the place of the token's grants, as far as these cover it; Grants come on top. A renewed token is narrowed likewise.
	Narrowed *realtime.Grants
	// Filters have to be passed besides those of the token, each map as Views.Filters of a token does.
	Filters []map[realtime.Pattern][]string
	// Meta goes into the connection's document and to the later hooks. It is small: at most
	// MaxMetaBytes of names and values.
	Meta map[string]string
}

// MaxMetaBytes bounds the names and values of ConnectResult.Meta together.
const MaxMetaBytes = 4096

// Check refuses a result that the hook should not have made. It is a fault of the program, not of the client.
func (r *ConnectResult) Check() error {
	for _, action := range realtime.Actions() {
		for _, p := range r.patterns(action) {
			if err := realtime.CheckPattern(string(p)); err != nil {
				return realtime.Errorf(realtime.CodeInternal, "the connect hook granted an invalid pattern: %v", err)
			}
		}
	}
	size := 0
	for name, value := range r.Meta {
		size += len(name) + len(value)
	}
	if size > MaxMetaBytes {
		return realtime.Errorf(realtime.CodeInternal, "the connect hook must return at most %d bytes of meta, got %d", MaxMetaBytes, size)
	}
	return nil
}

// patterns are all of an action that the hook has returned.
func (r *ConnectResult) patterns(a realtime.Action) []realtime.Pattern {
	if r.Narrowed == nil {
		return *r.Grants.Of(a)
	}
	return slices.Concat(*r.Grants.Of(a), *r.Narrowed.Of(a))
}

// Extend returns the principal of a token with what the hook added to it; a nil result adds nothing.
func (r *ConnectResult) Extend(p *realtime.Principal) *realtime.Principal {
	if r == nil {
		return p
	}
	more := *p
	more.Groups = slices.Concat(p.Groups, r.Groups)
	if r.Narrowed != nil {
		more.Grants = Narrow(&more, r.Narrowed)
	}
	more.Grants = more.Grants.With(&r.Grants)
	more.Enforced = slices.Concat(p.Enforced, r.Filters)
	return &more
}

// empty reports whether the hook has added nothing.
func (r *ConnectResult) empty() bool {
	return len(r.Groups)+len(r.Meta)+r.Grants.Len()+len(r.Filters) == 0 && r.Narrowed == nil
}
