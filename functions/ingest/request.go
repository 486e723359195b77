package ingest

import (
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// tenantIn returns the tenant of the path /v1/tenants/{tenant}/events.
func tenantIn(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/v1/tenants/")
	id, ends := strings.CutSuffix(rest, "/events")
	return id, ok && ends && realtime.CheckTenantID(id) == nil
}
