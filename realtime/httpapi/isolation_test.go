package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// tenantRoutes are the routes about one tenant.
func tenantRoutes() (all []string) {
	for _, r := range httpapi.Routes() {
		if strings.Contains(r, "{tenant}") {
			all = append(all, r)
		}
	}
	return all
}

// Every call is refused to whoever it is not for, and tells nothing of a tenant to anybody else's.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	s := start(t)
	acme, err := s.tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	forger := tenant(httpapi.OperatorsTenant) // whose keys are not those of operators
	before := s.log.String()
	for _, c := range []struct {
		name, token string
		status      int
		code        realtime.Code
		own         bool
	}{
		{"no token", "", 401, realtime.CodeUnauthorized, false},
		{"no JWT", "a.b.c", 401, realtime.CodeUnauthorized, false},
		{"another tenant's token", s.token("globex", "eve", httpapi.Parts()...), 403, realtime.CodeForbidden, false},
		{"a token without manage", s.token("acme", "ann"), 403, realtime.CodeForbidden, true},
		{"unknown parts", s.token("acme", "ann", "everything", "", "*"), 403, realtime.CodeForbidden, true},
		{"an expired one", sign(t, acme, auth.Claims{User: "ann", Manage: httpapi.Parts(), Expires: time.Now().Add(-time.Minute)}), 401, realtime.CodeExpired, false},
		{"a suspended tenant's", s.token("closed", "ann", httpapi.Parts()...), 403, realtime.CodeSuspended, false},
		{"a forged operator's", sign(t, forger, auth.Claims{User: "eve", Manage: httpapi.Parts()}), 401, realtime.CodeUnauthorized, false},
		{"another's claim of acme", sign(t, &realtime.Tenant{ID: "acme", Auth: operatorKeys()}, auth.Claims{User: "eve", Manage: httpapi.Parts()}), 401, realtime.CodeUnauthorized, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, route := range tenantRoutes() {
				if c.own && strings.HasSuffix(sample(route, "acme"), "/position") {
					continue // the grant to subscribe opens it, which these tokens have
				}
				a := s.call(sample(route, "acme"), c.token, "")
				if a.Status != c.status || a.Code != c.code {
					t.Errorf("%s: %d %s, want %d %s: %s", route, a.Status, a.Code, c.status, c.code, a.Raw)
				}
				if c.own {
					continue // it learns which part it lacks
				}
				if there, not := s.call(sample(route, "acme"), c.token, ""), s.call(sample(route, "nowhere"), c.token, ""); there.Raw != not.Raw || there.Status != not.Status {
					t.Errorf("%s tells whether a tenant exists: %s, %s", route, there.Raw, not.Raw)
				}
			}
			if a := s.call("GET /v1/tenants", c.token, ""); a.Status != c.status || a.Code != c.code {
				t.Errorf("the list of tenants: %d %s", a.Status, a.Raw)
			}
		})
	}
	if after := s.log.String(); after != before {
		t.Errorf("something was done: %s", after)
	}
}

// Each part of manage opens its own routes and no others.
func TestPartsOfManage(t *testing.T) {
	t.Parallel()
	s := start(t)
	opens := map[realtime.Manage][]string{
		realtime.ManagePublish:     {"/publish", "/send", "DELETE /v1/tenants/acme/channels/x/state", "/state/k"},
		realtime.ManageState:       {"GET /v1/tenants/acme/channels/x/state"},
		realtime.ManageHistory:     {"/history"},
		realtime.ManagePresence:    {"/presence"},
		realtime.ManageDemand:      {"/demand"},
		realtime.ManageConnections: {"/connections", "/connections/c1", "GET /v1/tenants/acme/channels"},
		realtime.ManageUsers:       {"/logout"},
		realtime.ManageTokens:      {"/tokens"},
		realtime.ManageTenant:      {"GET /v1/tenants/acme", "GET /v1/tenants/acme/keys"},
		realtime.ManageExplain:     {"/explain"},
	}
	for _, part := range httpapi.Parts() {
		ends := opens[part]
		if len(ends) == 0 {
			t.Errorf("nobody has said what %s opens", part)
		}
		token := s.token("acme", "backend", part)
		for _, route := range tenantRoutes() {
			call := sample(route, "acme")
			open := strings.HasSuffix(call, "/position") // by the grant to subscribe, which these tokens have
			for _, end := range ends {
				open = open || strings.HasSuffix(call, end)
			}
			if a := s.call(call, token, ""); (a.Status != http.StatusForbidden) != open {
				t.Errorf("%s with %s: %d %s", call, part, a.Status, a.Raw)
			}
		}
	}
}

// Without operators nobody is one, and a tenant of that name is like any other.
func TestWithoutOperators(t *testing.T) {
	t.Parallel()
	s := start(t, func(o *httpapi.Options) { o.Operators = nil })
	if _, err := s.tenants.Put(t.Context(), tenant(httpapi.OperatorsTenant)); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{s.operator(), s.token(httpapi.OperatorsTenant, "eve", httpapi.Parts()...)} {
		for _, route := range append(tenantRoutes(), "GET /v1/tenants") {
			if a := s.call(sample(route, "acme"), token, ""); a.Status != 401 && a.Status != 403 {
				t.Errorf("%s: %d %s", route, a.Status, a.Raw)
			}
		}
	}
}

// What one tenant's token does touches nothing of another's, whatever the names in it.
func TestNamesStayInTheirTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	theirs, ours := s.connect("globex", "ann"), s.connect("acme", "ann")
	token := s.token("acme", "backend", httpapi.Parts()...)
	for _, name := range []string{theirs.id, "..%2Fglobex%2Fann", "globex%2Fann", "..%2F..%2Fglobex%2Fconnections%2F" + theirs.id, "%2e%2e", "*", "%00", "ann%20"} {
		for _, route := range []string{
			"POST /v1/tenants/acme/users/" + name + "/send", "POST /v1/tenants/acme/groups/" + name + "/send", "POST /v1/tenants/acme/connections/" + name + "/send",
			"GET /v1/tenants/acme/connections/" + name, "DELETE /v1/tenants/acme/connections/" + name,
		} {
			body := ""
			if strings.HasSuffix(route, "/send") {
				body = `{"data":"secret"}`
			}
			if a := s.call(route, token, body); a.Status != http.StatusNotFound && a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", route, a.Status, a.Raw)
			}
		}
		s.call("POST /v1/tenants/acme/users/"+name+"/logout", token, "")
	}
	for _, q := range []string{"?user=ann", "?after=", "?limit=1000", "?group=anns"} {
		if ids := s.want(200, "GET /v1/tenants/acme/connections"+q, token, ""); len(ids.list(t)) != 1 || ids.list(t)[0] != ours.id {
			t.Errorf("%s: %s", q, ids.Raw)
		}
	}
	s.want(200, "POST /v1/tenants/acme/users/ann/send", token, `{"data":1}`)
	ours.expect("direct", "1")
	s.want(200, "POST /v1/tenants/acme/users/ann/logout", token, "")
	ours.closed(4401)
	theirs.quiet()
}
