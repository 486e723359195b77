package promql

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// now is when queries are asked, in minutes since the first value of every series. Series end there.
const now = 420

// series is one, with a value a minute.
type series struct {
	name, labels string
	values       string // in the notation of promtool: 1+2x3 is 1 3 5 7
}

// flat is the same value all the time.
func flat(name, labels string, value float64) series {
	return series{name, labels, fmt.Sprintf("%gx%d", value, now)}
}

// rising grows by so much a minute.
func rising(name, labels string, perMinute float64) series {
	return series{name, labels, fmt.Sprintf("0+%gx%d", perMinute, now)}
}

// since was at the one value and has been at the other for the last minutes.
func since(minutes int, name, labels string, before, after float64) series {
	return series{name, labels, fmt.Sprintf("%gx%d %gx%d", before, now-minutes-1, after, minutes)}
}

// begun is a series that is not there before the last minutes.
func begun(minutes int, name, labels string, value float64) series {
	return series{name, labels, fmt.Sprintf("_x%d %gx%d", now-minutes-1, value, minutes)}
}

// gone was there until the last minutes.
func gone(minutes int, name, labels string, value float64) series {
	return series{name, labels, fmt.Sprintf("%gx%d _x%d", value, now-minutes-1, minutes)}
}

// histogram grows by so many a minute, of which slow are between the bounds high and twice that.
func histogram(name, labels string, perMinute, slow, high float64) []series {
	bucket := func(le string, n float64) series { return rising(name+"_bucket", labels+`,le="`+le+`"`, n) }
	return []series{
		bucket(fmt.Sprint(high/2), perMinute-slow), bucket(fmt.Sprint(high), perMinute-slow), bucket(fmt.Sprint(2*high), perMinute), bucket("+Inf", perMinute),
		rising(name+"_count", labels, perMinute),
	}
}

const (
	gatewayA = `job="tidewire-gateway",instance="a"`
	gatewayB = `job="tidewire-gateway",instance="b"`
	acmeA    = `tenant="acme",` + gatewayA
	ingest   = `job="tidewire-ingest",instance="c"`
	// Of Cloud Run and of log lines.
	run      = `monitored_resource="cloud_run_revision",service_name="tidewire-%s"`
	logged   = `monitored_resource="cloud_run_revision",service_name="tidewire-%s"`
	log      = "logging.googleapis.com/user/tidewire-"
	requests = "run.googleapis.com/request_count"
)

func of(labels, service string, more ...string) string {
	return strings.Join(append([]string{fmt.Sprintf(labels, service)}, more...), ",")
}

// conditions has, for each condition of an alert, what it has to see and what not.
var conditions = map[string]struct {
	fires, quiet map[string][]series
}{
	"sockets-fell/half of the sockets gone": {
		fires: map[string][]series{
			"closed":    {since(5, "tidewire.connections", acmeA, 100, 40)},
			"an outage": {gone(8, "tidewire.connections", acmeA, 100)},
		},
		quiet: map[string][]series{
			"steady":        {flat("tidewire.connections", acmeA, 100)},
			"few":           {since(5, "tidewire.connections", acmeA, 40, 0)},
			"moved":         {since(5, "tidewire.connections", acmeA, 100, 10), since(5, "tidewire.connections", `tenant="acme",`+gatewayB, 0, 90)},
			"nothing there": nil,
		},
	},
	"gaps/gaps of a tenant": {
		fires: map[string][]series{"one in ten": {rising("tidewire.answers", acmeA+`,reason="gap"`, 5), rising("tidewire.answers", acmeA+`,reason="resumed"`, 45)}},
		quiet: map[string][]series{
			"one in a hundred": {rising("tidewire.answers", acmeA+`,reason="gap"`, 5), rising("tidewire.answers", acmeA+`,reason="resumed"`, 495)},
			"few":              {rising("tidewire.answers", acmeA+`,reason="gap"`, 1), rising("tidewire.answers", acmeA+`,reason="resumed"`, 1)},
			"first visits":     {rising("tidewire.answers", acmeA+`,reason="live"`, 100)},
		},
	},
	"holes/a hole": {
		fires: map[string][]series{
			"the first of all":     {begun(3, "tidewire.holes", acmeA+`,reason="skipped"`, 1)},
			"another":              {since(3, "tidewire.holes", acmeA+`,reason="late"`, 1, 2)},
			"the first of another": {flat("tidewire.holes", acmeA+`,reason="late"`, 1), begun(3, "tidewire.holes", `tenant="globex",`+gatewayA+`,reason="late"`, 1)},
		},
		quiet: map[string][]series{"long ago": {flat("tidewire.holes", acmeA+`,reason="skipped"`, 7)}, "none": nil},
	},
	"drops-too-slow/sockets closed": {
		fires: map[string][]series{"one in ten": {rising("tidewire.drops", acmeA+`,reason="too-slow"`, 10), flat("tidewire.connections", acmeA, 1000)}},
		quiet: map[string][]series{
			"one in a hundred": {rising("tidewire.drops", acmeA+`,reason="too-slow"`, 1.1), flat("tidewire.connections", acmeA, 1000)},
			"few":              {rising("tidewire.drops", acmeA+`,reason="too-slow"`, 0.5), flat("tidewire.connections", acmeA, 10)},
			"conflated":        {rising("tidewire.drops", acmeA+`,reason="conflate"`, 1000), flat("tidewire.connections", acmeA, 10)},
		},
	},
	"publishes-failed/publishes failing": {
		fires: map[string][]series{
			"one in ten": {rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="stored"`, 90), rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="failed"`, 10)},
			"all":        {rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="failed"`, 10)},
		},
		quiet: map[string][]series{
			"all stored": {rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="stored"`, 90)},
			"a few":      {rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="stored"`, 5), rising("tidewire.publishes", `tenant="acme",`+ingest+`,reason="failed"`, 0.5)},
		},
	},
	"ingest-errors/answered 5xx": {
		fires: map[string][]series{"one in ten": {rising(requests, of(run, "ingest", `response_code_class="2xx"`), 90), rising(requests, of(run, "ingest", `response_code_class="5xx"`), 10)}},
		quiet: map[string][]series{
			"refused":   {rising(requests, of(run, "ingest", `response_code_class="2xx"`), 90), rising(requests, of(run, "ingest", `response_code_class="4xx"`), 90)},
			"elsewhere": {rising(requests, of(run, "api", `response_code_class="5xx"`), 10)},
		},
	},
	"api-errors/answered 5xx": {
		fires: map[string][]series{"the dashboard": {rising(requests, of(run, "dashboard", `response_code_class="2xx"`), 90), rising(requests, of(run, "dashboard", `response_code_class="5xx"`), 10)}},
		quiet: map[string][]series{"ingest": {rising(requests, of(run, "ingest", `response_code_class="5xx"`), 10)}},
	},
	"backend-errors/calls failing": {
		fires: map[string][]series{"unavailable": {rising("tidewire.backend.errors", gatewayA+`,reason="firestore unavailable"`, 60)}},
		quiet: map[string][]series{
			"now and then": {rising("tidewire.backend.errors", gatewayA+`,reason="firestore unavailable"`, 1)},
			"contention":   {rising("tidewire.backend.errors", gatewayA+`,reason="firestore aborted"`, 60)},
		},
	},
	"backend-errors/calls refused": {
		fires: map[string][]series{"the first": {begun(3, "tidewire.backend.errors", gatewayA+`,reason="pubsub permission_denied"`, 1)}},
		quiet: map[string][]series{"granted since": {flat("tidewire.backend.errors", gatewayA+`,reason="pubsub permission_denied"`, 9)}},
	},
	"documents-malformed/counted": {
		fires: map[string][]series{"the first": {begun(3, "tidewire.backend.errors", gatewayA+`,reason="firestore malformed tenant"`, 1)}},
		quiet: map[string][]series{
			"mended since":  {flat("tidewire.backend.errors", gatewayA+`,reason="firestore malformed logout"`, 9)},
			"calls failing": {rising("tidewire.backend.errors", gatewayA+`,reason="firestore unavailable"`, 60)},
		},
	},
	"panics/contained": {
		fires: map[string][]series{
			"the first":   {begun(3, "tidewire.panics", gatewayA+`,reason="channel"`, 1)},
			"one of many": {rising("tidewire.panics", gatewayA+`,reason="hook"`, 1)},
		},
		quiet: map[string][]series{"long ago": {flat("tidewire.panics", gatewayA+`,reason="hook"`, 9)}},
	},
	"streams-broken/following fails": {
		fires: map[string][]series{"again and again": {rising("tidewire.follows", gatewayA+`,reason="failed"`, 10)}},
		quiet: map[string][]series{"follows": {rising("tidewire.follows", gatewayA+`,reason="first"`, 100)}},
	},
	"streams-broken/fences do not return": {
		fires: map[string][]series{"one in five": {rising("tidewire.fences", acmeA+`,reason="sent"`, 10), rising("tidewire.fences", acmeA+`,reason="overdue"`, 2)}},
		quiet: map[string][]series{"all return": {rising("tidewire.fences", acmeA+`,reason="sent"`, 10), rising("tidewire.fences", acmeA+`,reason="returned"`, 10)}},
	},
	"refusals/refusing": {
		fires: map[string][]series{"two a second": {rising("tidewire.refusals", acmeA+`,reason="publishesPerSecond"`, 120)}},
		quiet: map[string][]series{"of many reasons": {rising("tidewire.refusals", acmeA+`,reason="expired"`, 50), rising("tidewire.refusals", acmeA+`,reason="origin"`, 50)}},
	},
	"subscriptions-budget/budget above 80 %": {
		fires: map[string][]series{"7,300": {flat("tidewire.subscriptions", gatewayA, 7300), flat("tidewire.subscriptions", gatewayB, 20)}},
		quiet: map[string][]series{"4,000 seen by two": {flat("tidewire.subscriptions", gatewayA, 4000), flat("tidewire.subscriptions", gatewayB, 4000)}},
	},
	"gateway-concurrency/sockets": {
		fires: map[string][]series{"one is full": {flat("tidewire.connections", acmeA, 500), flat("tidewire.connections", `tenant="globex",`+gatewayA, 450), flat("tidewire.connections", `tenant="acme",`+gatewayB, 3)}},
		quiet: map[string][]series{"two are half full": {flat("tidewire.connections", acmeA, 500), flat("tidewire.connections", `tenant="acme",`+gatewayB, 500)}},
	},
	"gateway-concurrency/requests at once": {
		fires: map[string][]series{"nearly all": histogram("run.googleapis.com/container/max_request_concurrencies", of(run, "gateway"), 10, 10, 950)},
		quiet: map[string][]series{"of the api": histogram("run.googleapis.com/container/max_request_concurrencies", of(run, "api"), 10, 10, 950), "half": histogram("run.googleapis.com/container/max_request_concurrencies", of(run, "gateway"), 10, 0, 600)},
	},
	"gateway-instances/instances near the most": {
		fires: map[string][]series{"9 of 10": {flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="active"`), 7), flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="idle"`), 2)}},
		quiet: map[string][]series{"8 of 10": {flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="active"`), 8)}},
	},
	"gateway-saturated/CPU above 85 %": {
		fires: map[string][]series{"busy": histogram("run.googleapis.com/container/cpu/utilizations", of(run, "gateway"), 10, 10, 0.9)},
		quiet: map[string][]series{"half": histogram("run.googleapis.com/container/cpu/utilizations", of(run, "gateway"), 10, 0, 0.6)},
	},
	"gateway-saturated/memory above 85 %": {
		fires: map[string][]series{"full": histogram("run.googleapis.com/container/memory/utilizations", of(run, "gateway"), 10, 10, 0.9)},
		quiet: map[string][]series{"half": histogram("run.googleapis.com/container/memory/utilizations", of(run, "gateway"), 10, 0, 0.6)},
	},
	"telemetry-missing/no metrics of gateways": {
		fires: map[string][]series{"active and silent": {flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="active"`), 2)}},
		quiet: map[string][]series{
			"heard": {flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="active"`), 2), flat("tidewire.connections", acmeA, 0)},
			"idle":  {flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="idle"`), 2), flat("run.googleapis.com/container/instance_count", of(run, "gateway", `state="active"`), 0)},
		},
	},
	"keeper/failing": {
		fires: map[string][]series{"each minute": {rising(log+"keeper-failures", of(logged, "keeper"), 1)}},
		quiet: map[string][]series{"once": {since(5, log+"keeper-failures", of(logged, "keeper"), 3, 4)}, "never": nil},
	},
	"keeper/leaving topics behind": {
		fires: map[string][]series{"one a round": {rising(log+"keeper-errors_sum", of(logged, "keeper"), 1)}},
		quiet: map[string][]series{"none": {rising(log+"keeper-errors_count", of(logged, "keeper"), 1), flat(log+"keeper-errors_sum", of(logged, "keeper"), 0)}},
	},
	"keeper/behind": {
		fires: map[string][]series{"for minutes": {rising(log+"keeper-lag_sum", of(logged, "keeper"), 300), rising(log+"keeper-lag_count", of(logged, "keeper"), 1)}},
		quiet: map[string][]series{
			"a minute":      {rising(log+"keeper-lag_sum", of(logged, "keeper"), 60), rising(log+"keeper-lag_count", of(logged, "keeper"), 1)},
			"nothing to do": {flat(log+"keeper-lag_sum", of(logged, "keeper"), 0), rising(log+"keeper-lag_count", of(logged, "keeper"), 1)},
		},
	},
	"keeper/not running": {
		fires: map[string][]series{"never": nil, "no more": {gone(20, log+"keeper-runs", of(logged, "keeper"), 99)}, "standing still": {flat(log+"keeper-runs", of(logged, "keeper"), 99)}},
		quiet: map[string][]series{"each minute": {rising(log+"keeper-runs", of(logged, "keeper"), 1)}},
	},
	"janitor/failing": {
		fires: map[string][]series{"each minute": {rising(log+"janitor-failures", of(logged, "janitor"), 1)}},
		quiet: map[string][]series{"once": {since(5, log+"janitor-failures", of(logged, "janitor"), 3, 4)}, "never": nil},
	},
	"janitor/leaving things behind": {
		fires: map[string][]series{"one a run": {rising(log+"janitor-errors_sum", of(logged, "janitor"), 1)}},
		quiet: map[string][]series{"none": {rising(log+"janitor-errors_count", of(logged, "janitor"), 1), flat(log+"janitor-errors_sum", of(logged, "janitor"), 0)}},
	},
	"janitor/not running": {
		fires: map[string][]series{"never": nil, "no more": {gone(20, log+"janitor-runs", of(logged, "janitor"), 99)}, "standing still": {flat(log+"janitor-runs", of(logged, "janitor"), 99)}},
		quiet: map[string][]series{"each minute": {rising(log+"janitor-runs", of(logged, "janitor"), 1)}},
	},
	"probe/not running": {
		fires: map[string][]series{"never": nil, "no more": {flat(log+"probe-delivery_count", of(logged, "probe"), 99)}},
		quiet: map[string][]series{
			"well":    {rising(log+"probe-delivery_count", of(logged, "probe"), 3)},
			"failing": {rising(log+"probe-failures", of(logged, "probe", `stage="connect"`), 3)},
		},
	},
	"lost-connections/dead letters": {
		fires: map[string][]series{"one": {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-lost-dead"`, 1)}},
		quiet: map[string][]series{
			"none":    {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-lost-dead"`, 0)},
			"waiting": {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-lost"`, 50)},
		},
	},
	"dead-letters/dead letters": {
		fires: map[string][]series{
			"a job":     {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-crawler-dead"`, 1)},
			"a message": {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-filter-dead"`, 1)},
		},
		quiet: map[string][]series{
			"none":    {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-filter-dead"`, 0)},
			"waiting": {flat("pubsub.googleapis.com/subscription/num_undelivered_messages", `monitored_resource="pubsub_subscription",subscription_id="tidewire-crawler"`, 50)},
		},
	},
	"filter-behind/behind": {
		fires: map[string][]series{"ten minutes": {flat("pubsub.googleapis.com/subscription/oldest_unacked_message_age", `monitored_resource="pubsub_subscription",subscription_id="tidewire-filter"`, 600)}},
		quiet: map[string][]series{
			"a moment":        {flat("pubsub.googleapis.com/subscription/oldest_unacked_message_age", `monitored_resource="pubsub_subscription",subscription_id="tidewire-filter"`, 20)},
			"the crawler's":   {flat("pubsub.googleapis.com/subscription/oldest_unacked_message_age", `monitored_resource="pubsub_subscription",subscription_id="tidewire-crawler"`, 3000)},
			"a dead letter's": {flat("pubsub.googleapis.com/subscription/oldest_unacked_message_age", `monitored_resource="pubsub_subscription",subscription_id="tidewire-filter-dead"`, 3000)},
		},
	},
	"channels-untold/failing": {
		fires: map[string][]series{"one in five seconds": {rising("tidewire.channel.events", acmeA+`,reason="failed"`, 12)}},
		quiet: map[string][]series{
			"one a minute": {rising("tidewire.channel.events", acmeA+`,reason="failed"`, 1)},
			"told":         {rising("tidewire.channel.events", acmeA+`,reason="occupied"`, 100)},
		},
	},
	"channels-untold/late": {
		fires: map[string][]series{"for minutes": {rising(log+"janitor-lag_sum", of(logged, "janitor"), 300), rising(log+"janitor-lag_count", of(logged, "janitor"), 1)}},
		quiet: map[string][]series{
			"a minute":        {rising(log+"janitor-lag_sum", of(logged, "janitor"), 60), rising(log+"janitor-lag_count", of(logged, "janitor"), 1)},
			"nothing to tell": {flat(log+"janitor-lag_sum", of(logged, "janitor"), 0), rising(log+"janitor-lag_count", of(logged, "janitor"), 1)},
		},
	},
	"errors-logged/errors": {
		fires: map[string][]series{"of one service": {rising(log+"errors", of(logged, "api"), 5)}},
		quiet: map[string][]series{"of all together": {rising(log+"errors", of(logged, "api"), 1), rising(log+"errors", of(logged, "gateway"), 1), rising(log+"errors", of(logged, "ingest"), 1)}},
	},
	"delivery-latency-fast/burning": {
		fires: map[string][]series{"one in five": histogram("tidewire.delivery.duration", acmeA, 1000, 200, 1)},
		quiet: map[string][]series{
			"one in ten": histogram("tidewire.delivery.duration", acmeA, 1000, 100, 1),
			"few":        histogram("tidewire.delivery.duration", acmeA, 3, 3, 1),
		},
	},
	"delivery-latency-slow/burning": {
		fires: map[string][]series{"one in ten": histogram("tidewire.delivery.duration", acmeA, 1000, 100, 1)},
		quiet: map[string][]series{"one in twenty": histogram("tidewire.delivery.duration", acmeA, 1000, 50, 1)},
	},
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	alerts := render(t).alerts
	for key := range conditions {
		if alerts[key] == "" {
			t.Errorf("there is no condition %s", key)
		}
	}
	for key, query := range alerts {
		c, ok := conditions[key]
		if !ok || len(c.fires) == 0 || len(c.quiet) == 0 {
			t.Errorf("nothing is known of what %s has to see, or must not see", key)
		}
		for name, all := range c.fires {
			if !fires(t, query, all) {
				t.Errorf("%s does not see %q\n%s", key, name, query)
			}
		}
		for name, all := range c.quiet {
			if fires(t, query, all) {
				t.Errorf("%s sees %q\n%s", key, name, query)
			}
		}
	}
	t.Logf("%d conditions were evaluated", len(alerts))
}

// fires says whether a condition holds now on these series, and on strangers' beside them.
func fires(t *testing.T, query string, all []series) bool {
	t.Helper()
	var load strings.Builder
	load.WriteString("load 1m\n")
	for _, s := range append(all, flat("tidewire.connections", `job="staging-gateway",instance="z"`, 1)) {
		fmt.Fprintf(&load, "\t{%q,%s} %s\n", s.name, s.labels, s.values)
	}
	store := promqltest.LoadedStorage(t, load.String())
	defer store.Close()
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	q, err := engine.NewInstantQuery(t.Context(), store, nil, query, time.Unix(now*60, 0))
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	if result.Err != nil {
		t.Fatalf("%v\n%s", result.Err, query)
	}
	v, err := result.Vector()
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return len(v) > 0
}
