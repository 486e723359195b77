package terraform

import (
	"strings"

	"github.com/tidewire/tidewire/realtime/telemetry"
)

// costs: what verify/docs computes the price of is what is deployed: a share of the log entries of requests, and so many tenants by name.
func costs(d *deployed, found *problems) {
	const at = "modules/monitoring/logs.tf"
	filter := ""
	for _, i := range of(d.root(), "google_logging_project_exclusion") {
		filter, _ = i.Text("filter")
	}
	for part, text := range map[string]string{
		`log_id("run.googleapis.com/requests")`: "the exclusion is of other logs than those of requests, too",
		"httpRequest.status<500":                "the exclusion is also of those that failed",
		"sample(insertId, 0.99)":                "the exclusion is not of 99 %",
		`service_name=~"^tidewire-"`:            "the exclusion is also of others' services",
	} {
		if filter != "" && !strings.Contains(filter, part) {
			found.add(RuleValue, at, "%s: %s", text, filter)
		}
	}
	if filter == "" {
		found.add(RuleValue, at, "Cloud Run's log entries of requests: all are kept")
	}
	for _, program := range []string{"gateway", "api", "dashboard", "ingest"} {
		i, _ := d.program(program)
		if shown := i.Environment()["TIDEWIRE_METRICS_TENANTS"].Value; shown != "20" || telemetry.DefaultTenants != 20 {
			found.add(RuleValue, i.Address, "%s shows %q tenants by name, and its cost is computed of 20", program, shown)
		}
	}
}
