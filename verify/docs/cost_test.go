package docs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// List prices in USD: of 2026-11-23, regions of Cloud Run's tier 1, without free tiers and discounts.
const (
	cpuActive, memoryActive      = 0.000024, 0.0000025 // vCPU-second and GiB-second while a request is under way (an open socket is one)
	cpuAlways, memoryAlways      = 0.000018, 0.000002  // the same of instances that are always allocated
	request                      = 0.40 / 1e6
	messages                     = 40.0 / (1 << 40) // a byte published or delivered, of which a message counts as 1 KiB at least
	readDoc, writeDoc, removeDoc = 0.06 / 1e5, 0.18 / 1e5, 0.02 / 1e5
	internet                     = 0.12 / (1 << 30) // a byte to the internet, of the first TiB
	sample                       = 0.06 / 1e6       // a value of a metric
	logged                       = 0.50 / (1 << 30) // a byte of a log
)

// What the deployments of the table have in common.
const (
	month          = 730 * 3600.0 // seconds
	perGateway     = 600          // sockets of a gateway: 60 % of the 1000 it may have, which the autoscaler aims at
	life           = 58 * 60.0    // seconds, after which a socket moves
	readers        = 20           // of an event
	onTheWire      = 400          // bytes of an event in one socket, with TLS
	perRequest     = 10           // events that a producer sends at once
	ingestCPU      = 0.002        // seconds an event
	leaseEvery     = 5.0          // seconds
	pollEvery      = 2.0          // seconds: has a tenant changed, has a user been logged out
	exportEvery    = 60.0         // seconds
	seriesTenant   = 40           // that a gateway has of a tenant
	shownTenants   = 20           // by name, in each process; all others are one more
	requestEntry   = 1200         // bytes of what Cloud Run logs of a request
	keptEntries    = 0.01         // share of those that is kept
	upkeepRequests = 14.0         // a minute: uptime checks of the gateway and the probe, the probe's socket and event, from three places, the janitor and the keeper
	seriesProcess  = 40           // that any process has besides
	upkeepSeconds  = 5.0          // janitor and probe, a minute
	smallInstance  = cpuActive + memoryActive/2
	otherProcesses = 2 // api and ingest
)

// size is a deployment: sockets that are open day and night, each of which is sent an event a second.
type size struct{ sockets, tenants float64 }

// gateways is one at least: the probe's sockets, which it holds from run to run, keep it up.
func (s size) gateways() float64 { return math.Max(1, math.Ceil(s.sockets/perGateway)) }

// events are published in a second.
func (s size) events() float64 { return s.sockets / readers }

// connects are made in a second.
func (s size) connects() float64 { return s.sockets / life }

// holding is how many gateways hold sockets of one tenant, and so follow its topic.
func (s size) holding() float64 {
	return math.Min(s.gateways(), s.sockets/math.Max(1, s.tenants))
}

func (s size) gateway() float64 {
	return s.gateways()*month*(cpuActive+memoryActive) + s.connects()*month*request
}

func (s size) gatewayAlways() float64 { return s.gateways() * month * (cpuAlways + memoryAlways) }

// ingest has a request under way for a tenth of a second each, or as long as its CPU takes at 60 %.
func (s size) ingest() float64 {
	requests := s.events() / perRequest
	busy := math.Max(math.Min(1, requests/10), s.events()*ingestCPU/0.6)
	return busy*month*smallInstance + requests*month*request
}

func (s size) upkeep() float64 { return month / 60 * upkeepSeconds * smallInstance }

// pubsub carries each event to the topic and to each gateway that follows it, and a fence for each connect.
func (s size) pubsub() float64 {
	return (s.events() + s.connects()) * (1 + s.holding()) * 1024 * month * messages
}

// firestore has a document of each connection, written and removed, and a lease of each gateway.
func (s size) firestore() float64 {
	writes := s.connects() + s.gateways()/leaseEvery
	reads := s.connects() + 2*(s.gateways()+otherProcesses)/pollEvery
	return month * (writes*writeDoc + s.connects()*removeDoc + reads*readDoc)
}

func (s size) internet() float64 { return s.sockets * onTheWire * month * internet }

// metrics grow with gateways times the tenants that each shows by name.
func (s size) metrics() float64 { return s.metricsShowing(shownTenants) }

func (s size) metricsShowing(most float64) float64 {
	shown := math.Min(s.tenants+1, perGateway) // with the probe's, of those that a gateway holds
	if shown > most {
		shown = most + 1
	}
	series := s.gateways()*(seriesTenant*shown+seriesProcess) + otherProcesses*seriesProcess
	return series * month / exportEvery * sample
}

// requests are made in a second: connects, ingest's, and those of the upkeep.
func (s size) requests() float64 {
	return s.connects() + s.events()/perRequest + upkeepRequests/60
}

// requestLogs is what Cloud Run's entries of requests cost, of which such a share is kept.
func (s size) requestLogs(kept float64) float64 {
	return s.requests() * requestEntry * month * logged * kept
}

func (s size) total() float64 {
	return s.gateway() + s.ingest() + s.upkeep() + s.pubsub() + s.firestore() + s.internet() + s.metrics() + s.requestLogs(keptEntries)
}

// The table of docs/operations.md is what the formulas give.
func TestTable(t *testing.T) {
	t.Parallel()
	sizes := []size{{0, 0}, {100, 5}, {1000, 20}, {10_000, 100}, {10_000, 2000}}
	row := func(name string, format string, f func(size) float64) string {
		cells := []string{name}
		for _, s := range sizes {
			cells = append(cells, fmt.Sprintf(format, f(s)))
		}
		return "| " + strings.Join(cells, " | ") + " |"
	}
	rows := []string{
		row("sockets", "%.0f", func(s size) float64 { return s.sockets }),
		"| --- | --: | --: | --: | --: | --: |",
		row("tenants", "%.0f", func(s size) float64 { return s.tenants }),
		row("gateways", "%.0f", size.gateways),
		row("events published a second", "%.0f", size.events),
		row("gateways, request-based", "%.0f", size.gateway),
		row("ingest", "%.0f", size.ingest),
		row("janitor, probe", "%.0f", size.upkeep),
		row("Pub/Sub", "%.0f", size.pubsub),
		row("Firestore", "%.0f", size.firestore),
		row("to the internet", "%.0f", size.internet),
		row("metrics", "%.0f", size.metrics),
		row("logs of requests", "%.0f", func(s size) float64 { return s.requestLogs(keptEntries) }),
		row("**a month, USD**", "**%.0f**", size.total),
		row("of that a socket", "%.3f", func(s size) float64 { return s.total() / math.Max(1, s.sockets) }),
		row("gateways if always allocated", "%.0f", size.gatewayAlways),
		row("metrics with every tenant by name", "%.0f", func(s size) float64 { return s.metricsShowing(perGateway) }),
		row("logs of requests if all are kept", "%.0f", func(s size) float64 { return s.requestLogs(1) }),
	}
	table := strings.Join(rows, "\n") + "\n"
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), table) {
		t.Errorf("docs/operations.md has not this table:\n%s", table)
	}
}
