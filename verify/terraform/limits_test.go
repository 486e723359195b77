package terraform

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tidewire/tidewire/functions/probe"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/hub"
)

// probes: Cloud Run asks paths that the program answers (TestStart asks them of the program itself), on the port that it listens on.
func probes(d *deployed, found *problems) {
	for _, i := range of(d.root(), "google_cloud_run_v2_service") {
		port, _ := i.Number("template", "containers", "ports", "container_port")
		if port != 8080 {
			found.add(RuleValue, i.Address, "%s has the port %v, and docs/configuration.md says 8080", i.Address, port)
		}
		if protocol, ok := i.Text("template", "containers", "ports", "name"); ok && protocol != "http1" {
			found.add(RuleValue, i.Address, "%s is spoken to by %s: no WebSocket can be opened over HTTP/2", i.Address, protocol)
		}
		for _, probe := range []string{"startup_probe", "liveness_probe"} {
			path, _ := i.Text("template", "containers", probe, "http_get", "path")
			asked, given := i.Number("template", "containers", probe, "http_get", "port")
			if path != "/healthz" || given && asked != port {
				found.add(RuleValue, i.Address, "%s: %s asks for %q on port %v, and the program answers /healthz on %v", i.Address, probe, path, asked, port)
			}
		}
	}
	for _, i := range of(d.root(), "google_monitoring_uptime_check_config") {
		if path, _ := i.Text("http_check", "path"); strings.HasSuffix(path, "z") {
			found.add(RuleValue, i.Address, "%s asks for %s from outside, where Cloud Run keeps paths that end in z to itself", i.Address, path)
		}
	}
}

// limits: a request has the time that the program takes for it at most.
func limits(d *deployed, found *problems) {
	for name, least := range map[string]time.Duration{
		"gateway": time.Hour, // docs/configuration.md: Cloud Run's timeout, which has to be set to its most
		"janitor": duration(d, "janitor", "TIDEWIRE_JANITOR_TIME", 50*time.Second),
		"keeper":  duration(d, "keeper", "TIDEWIRE_KEEPER_TIME", 50*time.Second),
		"crawler": duration(d, "crawler", "TIDEWIRE_CRAWLER_TIME", 8*time.Minute) + 10*time.Second, // and one publish
		"probe":   duration(d, "probe", "TIDEWIRE_PROBE_TIME", probe.DefaultMaxTime),
	} {
		i, _ := d.program(name)
		text, _ := i.Text("template", "timeout")
		timeout, _ := time.ParseDuration(text)
		if seconds, ok := i.Number("service_config", "timeout_seconds"); ok {
			timeout = time.Duration(seconds) * time.Second
		}
		if timeout < least {
			found.add(RuleValue, i.Address, "%s: a request is cut after %v, and the program takes %v", i.Address, timeout, least)
		}
	}
	for _, i := range of(d.root(), "google_monitoring_uptime_check_config") {
		text, _ := i.Text("timeout")
		if waits, _ := time.ParseDuration(text); i.Name == "probe" && waits <= duration(d, "probe", "TIDEWIRE_PROBE_TIME", probe.DefaultMaxTime) {
			found.add(RuleValue, i.Address, "%s waits %v, and the probe may take as long", i.Address, waits)
		}
	}
	patient(d, found)
	gateway, _ := d.program("gateway")
	if concurrency, _ := gateway.Number("template", "max_instance_request_concurrency"); concurrency != 1000 {
		found.add(RuleValue, gateway.Address, "a gateway takes %v sockets, and Cloud Run lets it have 1000", concurrency)
	}
	if !gateway.Is("template", "session_affinity") {
		found.add(RuleValue, gateway.Address, "who comes back to a gateway is not led to its instance")
	}
	janitor, _ := d.program("janitor")
	for _, job := range of(d.root(), "google_cloud_scheduler_job") {
		deadline, _ := job.Text("attempt_deadline")
		waits, _ := time.ParseDuration(deadline)
		schedule, _ := job.Text("schedule")
		if seconds, _ := janitor.Number("service_config", "timeout_seconds"); waits < time.Duration(seconds)*time.Second || schedule != "* * * * *" {
			found.add(RuleValue, job.Address, "%s is at %q with %v, and docs/functions.md says every minute, for as long as a run takes", job.Address, schedule, waits)
		}
		account, _ := job.Text("http_target", "oidc_token", "service_account_email")
		if !strings.Contains(account, "scheduler") {
			found.add(RuleValue, job.Address, "%s calls as %s, and not as the scheduler", job.Address, account)
		}
	}
}

// patient: a run of the probe outwaits a gateway that has just begun to follow a topic, and somebody is called only when that has gone wrong
// for longer than Pub/Sub's minute.
func patient(d *deployed, found *problems) {
	broker := memory.NewBroker(memory.BrokerOptions{})
	h := hub.New(broker, hub.Options{})
	pace := h.Pace()
	if err := errors.Join(h.Close(context.Background()), broker.Close(context.Background())); err != nil {
		found.add(RuleReadme, "realtime", "%v", err)
	}
	patience := pace.Beacon + 2*pace.Fence + 2*time.Second // two of the Hub's sweeps
	if takes := duration(d, "probe", "TIDEWIRE_PROBE_TIME", probe.DefaultMaxTime); takes <= patience {
		found.add(RuleValue, "modules/plan/environments.tf", "a run of the probe takes %v at most, and a gateway may keep it waiting for %v", takes, patience)
	}
	const replay = time.Minute // that Pub/Sub may take to begin one
	for _, c := range d.signals().Alerts["probe"].Conditions {
		if lasts := time.Duration(c.Duration) * time.Second; c.Threshold != nil && lasts < 2*replay {
			found.add(RuleValue, "modules/signals/alerts.tf", "somebody is called when the probe has failed for %v, and a replay that begins late takes two runs of a minute", lasts)
		}
	}
}

// duration is what a program's variable is set to, or its default.
func duration(d *deployed, program, variable string, standard time.Duration) time.Duration {
	i, _ := d.program(program)
	set, err := time.ParseDuration(i.Environment()[variable].Value)
	if err != nil {
		return standard
	}
	return set
}
