package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// Each role of operators opens what the one before opens, and its own calls, and no others; what no role is opens nothing.
func TestRolesOfOperators(t *testing.T) {
	t.Parallel()
	s := start(t)
	doc, err := s.tenants.Stored(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	s.want(403, "GET /v1/tenants/acme", sign(t, doc, auth.Claims{User: "bob", Role: realtime.RoleAdmin}), "") // it means nothing of a tenant's own
	support := []string{"/logout", "DELETE /v1/tenants/acme/connections/c1"}
	for _, role := range []realtime.Role{"", realtime.RoleAdmin, realtime.RoleSupport, realtime.RoleViewer, "Admin", "everything", "none"} {
		token := s.operator(role)
		for _, route := range httpapi.Routes() {
			call := sample(route, "acme")
			if strings.HasSuffix(call, "/openapi.json") {
				continue
			}
			reads := strings.HasPrefix(call, "GET ") || strings.HasSuffix(call, "/explain")
			helps := false
			for _, end := range support {
				helps = helps || strings.HasSuffix(call, end)
			}
			open := role == "" || role == realtime.RoleAdmin || role == realtime.RoleSupport && (reads || helps) || role == realtime.RoleViewer && reads
			a := s.call(call, token, "")
			if refused := a.Status == http.StatusForbidden && strings.HasPrefix(a.Detail, "role: "); refused == open {
				t.Errorf("%s as %q: %d %s", call, role, a.Status, a.Raw)
			}
		}
	}
}
