package demo

import (
	"bufio"
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Self is a feed of a server of Tidewire that shows its metrics at URL/metrics, as one of the services of the estate: nothing of it is simulated. A server
// that does not answer makes no event, so that its last one ages.
func Self(url string, client *http.Client) Feed {
	s := &self{url: strings.TrimRight(url, "/") + "/metrics", client: client}
	return Feed{Name: "metrics of " + url, Every: 2 * serviceEvery, Next: func(now time.Time) []Event {
		next, err := s.read()
		if err != nil {
			return nil
		}
		before := s.last
		s.last, next.at = next, now
		if before == nil || !now.After(before.at) {
			return nil
		}
		data := next.since(before)
		s.recent = append(s.recent, num(data.P99))
		if len(s.recent) > mostReadings {
			s.recent = s.recent[len(s.recent)-mostReadings:]
		}
		data.Recent, data.stamped = append([]num{}, s.recent...), stamp(now)
		return []Event{{Channel: "services:estate", Key: "tidewire", Data: data}}
	}}
}

type self struct {
	url    string
	client *http.Client
	last   *sample
	recent []num
}

// sample is what the metrics said at a moment.
type sample struct {
	at                      time.Time
	published, refused, cpu float64
	late                    map[float64]float64 // deliveries that took at most so many seconds
}

func (s *self) read() (*sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	return parseMetrics(io.LimitReader(res.Body, 4<<20))
}

// parseMetrics reads what it needs of the text format of Prometheus, and passes over everything else.
func parseMetrics(r io.Reader) (*sample, error) {
	m := &sample{late: map[float64]float64{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			continue
		}
		name, labels, _ := strings.Cut(line[:cut], "{")
		switch name {
		case "tidewire_publishes_total":
			if m.published += value; !strings.Contains(labels, `reason="stored"`) {
				m.refused += value
			}
		case "process_cpu_seconds_total":
			m.cpu = value
		case "tidewire_delivery_duration_seconds_bucket":
			_, le, _ := strings.Cut(labels, `le="`)
			le, _, _ = strings.Cut(le, `"`)
			if bound, err := strconv.ParseFloat(le, 64); err == nil {
				m.late[bound] += value
			}
		}
	}
	return m, lines.Err()
}

// since is how the server did between two samples.
func (m *sample) since(before *sample) Service {
	seconds := m.at.Sub(before.at).Seconds()
	published := max(0, m.published-before.published)
	s := Service{
		Name: "tidewire", Rate: math.Round(published / seconds), CPU: math.Round(100 * max(0, m.cpu-before.cpu) / seconds), Healthy: true,
		Live: true,
	}
	if published > 0 {
		s.Errors = math.Round(1e4*max(0, m.refused-before.refused)/published) / 100
	}
	all := m.late[math.Inf(1)] - before.late[math.Inf(1)]
	p99 := math.Inf(1)
	for bound, count := range m.late {
		if all > 0 && count-before.late[bound] >= 0.99*all {
			p99 = min(p99, bound)
		}
	}
	if !math.IsInf(p99, 0) {
		s.P99 = math.Round(1e4*p99) / 10
	}
	return s
}
