package demand

import (
	"maps"
	"math"
	"time"
)

// lingering is what nobody wants of a channel any more, but did a moment ago.
type lingering struct {
	row   time.Time            // until when the channel is shown; zero: it does not linger
	all   time.Time            // until when all keys are
	keys  map[string]time.Time // until when each is
	rates []lastRate           // the fastest first, which ends first
}

// mostRates bounds how many rates that have gone are told apart.
const mostRates = 32

// lastRate is a rate that somebody had until a while ago.
type lastRate struct {
	rate  float64 // +Inf is without bound
	until time.Time
}

// rate is the fastest that is read with.
func (r *Row) rate() float64 {
	switch {
	case r.Watchers == 0:
		return 0
	case r.MaxRate == 0:
		return math.Inf(1)
	}
	return r.MaxRate
}

// note is told of what was read and what is read now. was may be nil.
func (l *lingering) note(was, is *Row, now time.Time) {
	until := now.Add(Linger)
	if is.Watchers > 0 {
		l.row = time.Time{}
	}
	if was == nil || was.Watchers == 0 {
		return
	}
	if is.Watchers == 0 {
		l.row = until
	}
	all := is.Watchers > 0 && is.Keys == nil
	switch {
	case was.Keys == nil && !all:
		l.all = until
	case was.Keys != nil && !all:
		for key := range was.Keys {
			if is.Keys[key] > 0 {
				continue
			}
			if l.keys == nil {
				l.keys = map[string]time.Time{}
			}
			l.keys[key] = until
		}
		if len(l.keys) > MostKeys {
			l.all, l.keys = until, nil
		}
	}
	if before := was.rate(); before > is.rate() {
		for len(l.rates) > 0 && l.rates[len(l.rates)-1].rate <= before {
			l.rates = l.rates[:len(l.rates)-1]
		}
		l.rates = append(l.rates, lastRate{before, until})
		if n := len(l.rates); n > mostRates { // the two slowest count as the faster of them: nobody is given less than is wanted
			l.rates[n-2].until = until
			l.rates = l.rates[:n-1]
		}
	}
}

// show adds to what is read what lingers. It returns when the first of that ends; zero: nothing does.
func (l *lingering) show(is *Row, now time.Time) (until time.Time) {
	first := func(at time.Time) {
		if until.IsZero() || at.Before(until) {
			until = at
		}
	}
	if l.row.After(now) {
		first(l.row)
	}
	all := is.Watchers > 0 && is.Keys == nil
	if l.all.After(now) {
		first(l.all)
		all = true
	}
	maps.DeleteFunc(l.keys, func(key string, at time.Time) bool {
		if !at.After(now) || is.Keys[key] > 0 {
			return true
		}
		first(at)
		return false
	})
	if is.Keys == nil || all {
		is.Keys = nil
	} else if len(l.keys) > 0 {
		is.Keys = maps.Clone(is.Keys)
		for key := range l.keys {
			is.Keys[key] += 0
		}
		if len(is.Keys) > MostKeys {
			is.Keys = nil
		}
	}
	for len(l.rates) > 0 && !l.rates[0].until.After(now) {
		l.rates = l.rates[1:]
	}
	if rate := is.rate(); len(l.rates) > 0 && l.rates[0].rate > rate {
		first(l.rates[0].until)
		is.MaxRate = l.rates[0].rate
		if math.IsInf(is.MaxRate, 1) {
			is.MaxRate = 0
		}
	} else if is.Watchers == 0 {
		is.MaxRate = 0
	}
	return until
}
