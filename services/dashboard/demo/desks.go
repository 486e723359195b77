package demo

import (
	"fmt"
	"time"
)

// Desk is what one group of one tenant watches: a channel, and the recorded
// series that are replayed to it. A Desk is not changed after it was made.
type Desk struct {
	Tenant string
	Group  string
	Title  string
	Unit   string // of every price: USD, points
	// Step is how long one recorded date lasts in the replay. Every
	// instrument gets one price in it, evenly spread.
	Step time.Duration
	// Instruments are recorded for the same number of dates.
	Instruments []Instrument
}

// Channel is the name of the desk's channel.
func (d *Desk) Channel() string { return "prices:" + d.Group }

// Symbols are those of its instruments: its watchlist.
func (d *Desk) Symbols() []string {
	symbols := make([]string, len(d.Instruments))
	for i := range d.Instruments {
		symbols[i] = d.Instruments[i].Symbol
	}
	return symbols
}

// Instrument is one recorded series.
type Instrument struct {
	Symbol string // at most 12 characters, the key of its events
	Name   string
	Quotes []Quote
}

// Quote is a recorded price.
type Quote struct {
	Date  string // 2004-08-01
	Price float64
}

// Desks returns all desks, in the order in which a page lists them. It reads the
// embedded recordings; an error means that they are damaged.
func Desks() ([]Desk, error) {
	stocks, err := readStocks()
	if err != nil {
		return nil, fmt.Errorf("demo: stocks.csv: %w", err)
	}
	years, err := readIndex()
	if err != nil {
		return nil, fmt.Errorf("demo: sp500.csv: %w", err)
	}
	vix, err := readVolatility()
	if err != nil {
		return nil, fmt.Errorf("demo: vix.csv: %w", err)
	}
	desks := []Desk{
		{Tenant: "acme", Group: "equities", Title: "US technology shares", Unit: "USD", Step: time.Second, Instruments: stocks},
		{Tenant: "acme", Group: "index", Title: "S&P 500, 2000 to 2009", Unit: "points", Step: time.Second, Instruments: years[:10]},
		{Tenant: "globex", Group: "index", Title: "S&P 500, 2010 to 2019", Unit: "points", Step: time.Second, Instruments: years[10:]},
		{Tenant: "globex", Group: "volatility", Title: "CBOE Volatility Index, summer 2009", Unit: "points", Step: time.Second, Instruments: vix},
	}
	for i := range desks {
		align(desks[i].Instruments)
	}
	return desks, nil
}

// align cuts every series to the last dates that all of them have: GOOG was
// not listed before August 2004, and some years have fewer sessions than others.
func align(instruments []Instrument) {
	shortest := len(instruments[0].Quotes)
	for _, in := range instruments {
		shortest = min(shortest, len(in.Quotes))
	}
	for i := range instruments {
		q := instruments[i].Quotes
		instruments[i].Quotes = q[len(q)-shortest:]
	}
}
