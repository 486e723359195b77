package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/intake"
	"github.com/tidewire/tidewire/realtime/strict"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

const (
	// maxBody holds the largest event that limits.messageBytes can allow, and the largest document.
	maxBody     = 2 << 20
	readTimeout = 10 * time.Second
	// maxFaults is how much of what is wrong with a body is told.
	maxFaults = 2000
)

// call is one request and, once it is authorized, who makes it and about which tenant.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	principal *realtime.Principal
	operator  bool
	tenantID  string           // of the path, once the caller may know of it
	tenant    *realtime.Tenant // nil if the path names none, or for calls that read or write the document itself
	dry       bool             // show what would change, and change nothing
	kept      []realtime.Key   // that a patch does not name
	// shown is what a change answers, made of the document; nil: the document, without what is secret.
	shown func(*realtime.Tenant) any
}

// authorize decides whether the caller may make the call. Nothing is told of a tenant before it is known that
// the caller belongs to it.
func (a *api) authorize(c *call, rt route) error {
	if err := a.identify(c); err != nil {
		return err
	}
	id := c.r.PathValue("tenant")
	if c.operator && !c.principal.Role.Includes(rt.role) {
		return realtime.Errorf(realtime.CodeForbidden, "role: an operator who is %q may not make this call; it needs %q", cmp.Or(c.principal.Role, realtime.RoleAdmin), rt.role)
	}
	if !c.operator {
		switch {
		case rt.part == operatorsOnly:
			return realtime.Errorf(realtime.CodeForbidden, "only operators may make this call")
		case c.principal.Tenant != id:
			return realtime.Errorf(realtime.CodeForbidden, "the token belongs to another tenant")
		case grantSuffices(rt.part): // whoever serves the call asks for it
		case !slices.Contains(c.principal.Manage, rt.part):
			return realtime.Errorf(realtime.CodeForbidden, "manage: the token's claim does not contain %q", rt.part)
		}
	}
	if !strings.Contains(rt.path, "{tenant}") {
		return nil
	}
	if err := realtime.CheckTenantID(id); err != nil {
		return err
	}
	c.tenantID = id
	if rt.documents && c.operator {
		return nil
	}
	var err error
	if c.tenant, err = a.tenants.Tenant(c.r.Context(), id); err != nil {
		if c.operator && tenantcache.IsTenantUnseen(err) { // a person has written the name, and wants to know
			return noSuchTenant()
		}
		return err
	}
	if !c.operator { // it may have been verified by another document
		if err := auth.RecheckBy(c.r.Context(), a.o.Verifier, c.tenant, c.principal); err != nil {
			return err
		}
	}
	if a.o.Limiter != nil && !c.operator {
		return a.o.Limiter.Request(c.tenant, c.name())
	}
	return nil
}

// identify verifies the token. Which verifier it is for is what the token claims, and that one says whether
// the claim is true.
func (a *api) identify(c *call) (err error) {
	token, err := auth.Bearer(c.r)
	if err != nil {
		return err
	}
	verifier := a.o.Verifier
	if a.o.Operators != nil && auth.ClaimedTenant(token) == OperatorsTenant {
		verifier, c.operator = a.o.Operators, true
	}
	c.principal, err = verifier.Verify(c.r.Context(), token)
	return err
}

// name is the caller for logs and limits.
func (c *call) name() string {
	if c.operator {
		return OperatorsTenant + ":" + c.principal.User
	}
	return c.principal.User
}

// label is the tenant for logs and metrics; empty as long as nobody has proved to belong to it,
// because a label is not for strangers to choose.
func (c *call) label() string { return c.tenantID }

// body decodes the body, which has to be JSON; text is as it was sent.
func (c *call) body(into any) (text []byte, err error) {
	media, err := intake.MediaType(c.r.Header, "application/json")
	if err != nil {
		return nil, err
	}
	if media != "application/json" {
		why := realtime.Errorf(realtime.CodeBadRequest, "Content-Type: must be application/json, got %.64q", c.r.Header.Get("Content-Type"))
		return nil, &intake.UnsupportedError{Err: why, Header: "Accept", List: "application/json"}
	}
	var b bytes.Buffer
	if err := intake.ReadBody(c.w, c.r, &b, maxBody, readTimeout); err != nil {
		return nil, err
	}
	if err := strict.Decode("body", b.Bytes(), into); err != nil {
		return nil, faults(err)
	}
	return b.Bytes(), nil
}

// faults makes one error of all that is wrong with a body.
func faults(err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if len(text) > maxFaults {
		text = strings.ToValidUTF8(text[:maxFaults], "") + "..."
	}
	return realtime.Errorf(realtime.CodeBadRequest, "%s", text)
}

// query returns the parameters of the query, each of which has to be known and there once.
func (c *call) query(known ...string) (url.Values, error) {
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "the query string is malformed")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "%.64s: unknown parameter; must be one of %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, realtime.Errorf(realtime.CodeBadRequest, "%s: appears twice", name)
		}
	}
	return q, nil
}

// pageSize reads the parameter limit.
func pageSize(q url.Values) (int, error) {
	if !q.Has("limit") {
		return 100, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > 1000 {
		return 0, realtime.Errorf(realtime.CodeBadRequest, "limit: must be 1 to 1000, got %.16q", q.Get("limit"))
	}
	return n, nil
}

// answer writes a document.
func (c *call) answer(status int, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(text, '\n')) // the caller may be gone, and what it asked for is done
	return nil
}
