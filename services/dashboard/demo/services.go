package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Service is how one service of the estate is doing.
type Service struct {
	Name    string  `json:"name"`
	Rate    float64 `json:"rate"`           // requests a second
	Errors  float64 `json:"errors"`         // in a hundred
	P99     float64 `json:"p99Ms"`          // of its latency
	CPU     float64 `json:"cpu"`            // in a hundred
	Recent  []num   `json:"recent"`         // latencies
	Healthy bool    `json:"healthy"`        // no alert of it is open
	Live    bool    `json:"live,omitempty"` // measured, not simulated
	stamped
}

// Alert is one that is open, or was closed a moment ago.
type Alert struct {
	Severity string `json:"severity"` // critical, warning, info
	Service  string `json:"service"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	State    string `json:"state"` // firing, resolved
	Since    int64  `json:"since"` // milliseconds since 1970
	Runbook  string `json:"runbook"`
	stamped
}

// What an alert is about, and how its service suffers.
var troubles = []struct {
	severity, title, detail, runbook string
	errors, slower                   float64
}{
	{"critical", "Error rate above 5 %", "More than one request in twenty fails.", "Roll back the last release, then read the errors by code.", 7, 1.4},
	{"critical", "Latency objective missed", "p99 has been above 800 ms for five minutes.", "Look for a slow dependency in the traces; add instances if all are busy.", 1, 6},
	{"warning", "CPU above 85 %", "Few requests more and it queues.", "Raise the number of instances, and find what has changed.", 0.4, 2},
	{"warning", "Retries rising", "Its callers retry more than usual.", "See whether a zone is in trouble; shed load if so.", 2, 1.8},
	{"info", "Certificate renews in 14 days", "It renews by itself seven days before its end.", "Nothing to do unless it has not renewed a week from now.", 0, 1},
	{"info", "Deployment in progress", "A new release takes its first traffic.", "Watch the error rate for ten minutes.", 0.2, 1.1},
}

const serviceEvery = time.Second

type service struct {
	name       string
	rate, base float64
	recent     []num
	trouble    int // -1: none
	alert      string
	opened     Alert
	until      time.Time
	rng        *rand.Rand
}

// services is a feed of an estate of services and of their alerts.
func services(tenant string) Feed {
	names := []string{"checkout", "payments", "catalog", "search", "accounts", "orders", "shipping", "pricing", "notifications", "sessions", "reports", "invoices", "images", "reviews", "carts", "returns", "stock", "fraud", "mail"}
	now := time.Now()
	estate := make([]*service, len(names))
	for i, name := range names {
		rng := source(tenant, name)
		estate[i] = &service{name: name, rate: 40 + rng.Float64()*900, base: 30 + rng.Float64()*140, trouble: -1, rng: rng}
		for range mostReadings {
			estate[i].measure(now)
		}
	}
	for i, kind := range []int{1, 2, 3, 4, 5, 0, 2} { // somebody who comes first finds work
		estate[(1+3*i)%len(estate)].fail(kind, now.Add(-time.Duration(40+90*i)*time.Second), now.Add(time.Duration(90+80*i)*time.Second))
	}
	turn := 0
	return Feed{Name: tenant + " services", Every: serviceEvery, Next: func(now time.Time) (events []Event) {
		turn++
		for i, s := range estate {
			events = append(events, s.step(now)...)
			if i%2 == turn%2 || turn == 1 {
				events = append(events, Event{Channel: "services:estate", Key: s.name, Data: s.measure(now)})
			}
			if s.trouble >= 0 && (turn == 1 || turn%60 == i) { // told again, for the state of the channel does not keep it for ever
				events = append(events, s.told(now))
			}
		}
		return events
	}}
}

func (s *service) fail(kind int, since, until time.Time) {
	t := troubles[kind]
	s.trouble, s.until, s.alert = kind, until, fmt.Sprintf("%s-%d", s.name, since.Unix())
	s.opened = Alert{Severity: t.severity, Service: s.name, Title: t.title, Detail: t.detail, Runbook: t.runbook, State: "firing", Since: since.UnixMilli()}
}

func (s *service) told(now time.Time) Event {
	a := s.opened
	a.stamped = stamp(now)
	return Event{Channel: "alerts:estate", Key: s.alert, Tags: map[string]string{"severity": a.Severity}, Data: a}
}

// step opens an alert now and then, and ends it.
func (s *service) step(now time.Time) []Event {
	switch {
	case s.trouble < 0 && s.rng.Float64() < 0.0022:
		kind := s.rng.IntN(len(troubles))
		s.fail(kind, now, now.Add(time.Duration(60+s.rng.IntN(240))*time.Second))
		return []Event{s.told(now)}
	case s.trouble >= 0 && now.After(s.until):
		e := s.told(now)
		a := s.opened
		a.State, a.stamped = "resolved", stamp(now)
		e.Data = a
		s.trouble = -1
		return []Event{e}
	}
	return nil
}

func (s *service) measure(now time.Time) Service {
	errors, slower := 0.1, 1.0
	if s.trouble >= 0 {
		errors, slower = errors+troubles[s.trouble].errors, troubles[s.trouble].slower
	}
	noise := func(part float64) float64 { return math.Exp(part * s.rng.NormFloat64()) }
	p99 := s.base * slower * noise(0.12)
	s.recent = append(s.recent, num(math.Round(p99)))
	if len(s.recent) > mostReadings {
		s.recent = s.recent[len(s.recent)-mostReadings:]
	}
	return Service{
		Name: s.name, Rate: math.Round(s.rate * noise(0.06)), Errors: math.Round(100*errors*noise(0.3)) / 100, P99: math.Round(p99),
		CPU: min(99, math.Round((24+18*slower)*noise(0.08))), Recent: append([]num{}, s.recent...), Healthy: s.trouble < 0, stamped: stamp(now),
	}
}
