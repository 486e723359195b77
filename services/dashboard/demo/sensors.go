package demo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Reading is what a sensor of the plant says, with those before it.
type Reading struct {
	Site  string  `json:"site"`
	Kind  string  `json:"kind"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	// Low and High are what it should stay within.
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Recent []num   `json:"recent"` // one each step, the newest last
	stamped
}

// How often a sensor is read, and how many readings it tells.
const (
	sensorEvery  = 2 * time.Second
	mostReadings = 60
)

type sensor struct {
	key, site, kind, short, unit string
	middle, width                float64 // of what it should stay within, half
	decimals                     int
	phase, away                  float64
	recent                       []num
	rng                          *rand.Rand
}

// plant is a feed of 96 sensors of twelve lines, each of which is read every two seconds, evenly spread.
func plant(tenant string) Feed {
	kinds := []sensor{
		{kind: "temperature", short: "temp", unit: "°C", middle: 64, width: 8, decimals: 1},
		{kind: "pressure", unit: "bar", middle: 6.2, width: 0.6, decimals: 2},
		{kind: "flow", unit: "l/min", middle: 340, width: 40, decimals: 0},
		{kind: "vibration", short: "vibr", unit: "mm/s", middle: 2.4, width: 1.6, decimals: 2},
		{kind: "current", unit: "A", middle: 48, width: 9, decimals: 1},
		{kind: "level", unit: "%", middle: 62, width: 22, decimals: 0},
		{kind: "humidity", short: "humid", unit: "%", middle: 45, width: 10, decimals: 0},
		{kind: "speed", unit: "rpm", middle: 1460, width: 60, decimals: 0},
	}
	var sensors []*sensor
	for line := range 12 {
		for _, s := range kinds {
			s.site = fmt.Sprintf("Line %d", line+1)
			s.key = fmt.Sprintf("L%02d.%s", line+1, cmp.Or(s.short, s.kind))
			s.rng = source(tenant, s.key)
			s.phase = s.rng.Float64() * 2 * math.Pi
			sensors = append(sensors, &s)
		}
	}
	now := time.Now()
	for i := range mostReadings {
		for _, s := range sensors {
			s.read(now.Add(time.Duration(i-mostReadings) * sensorEvery))
		}
	}
	const slots = 8 // of a step
	turn := 0
	return Feed{Name: tenant + " plant", Every: sensorEvery / slots, Next: func(now time.Time) (events []Event) {
		for i, s := range sensors {
			if i%slots == turn%slots || turn == 0 {
				events = append(events, Event{Channel: "sensors:plant", Key: s.key, Tags: map[string]string{"site": s.site, "kind": s.kind}, Data: s.read(now)})
			}
		}
		turn++
		return events
	}}
}

// read is a slow wave, noise, and an excursion now and then.
func (s *sensor) read(now time.Time) Reading {
	if s.rng.Float64() < 0.0012 {
		s.away = s.width * (1 + 0.5*s.rng.Float64()) * float64(1-2*s.rng.IntN(2))
	}
	s.away *= 0.96
	wave := math.Sin(s.phase + float64(now.Unix())/90)
	unit := math.Pow10(s.decimals)
	value := math.Round((s.middle+s.width*(0.35*wave+0.09*s.rng.NormFloat64())+s.away)*unit) / unit
	s.recent = append(s.recent, num(value))
	if len(s.recent) > mostReadings {
		s.recent = s.recent[len(s.recent)-mostReadings:]
	}
	return Reading{
		Site: s.site, Kind: s.kind, Unit: s.unit, Value: value, Low: s.middle - s.width, High: s.middle + s.width,
		Recent: append([]num{}, s.recent...), stamped: stamp(now),
	}
}
