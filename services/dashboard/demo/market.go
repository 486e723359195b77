package demo

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Quote is what a desk is told of one instrument. Prices are simulated from a recorded one.
type Quote struct {
	Name   string  `json:"name"`
	Group  string  `json:"group"` // industry
	Price  float64 `json:"price"` // of the last trade
	Bid    float64 `json:"bid"`
	Ask    float64 `json:"ask"`
	Open   float64 `json:"open"`
	High   float64 `json:"high"`
	Low    float64 `json:"low"`
	Close  float64 `json:"close"`          // recorded: of the day before
	Size   int     `json:"size,omitempty"` // of the last trade
	Volume int     `json:"volume,omitempty"`
	stamped
}

// Chart is an instrument's day: a coarse line for many at once, and bars for one.
type Chart struct {
	From   int64    `json:"from"`   // of the first bar, milliseconds since 1970
	StepMS int64    `json:"stepMs"` // of bars
	Bars   [][5]num `json:"bars"`   // open, high, low, close, volume
	Line   []num    `json:"line"`   // closes of every fourth bar
	Close  float64  `json:"close"`
	stamped
}

// num is a figure with at most six digits behind the point, so that it is short in JSON.
type num float64

// MarshalJSON implements json.Marshaler.
func (n num) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.6g", float64(n)), nil }

// Book is what is offered for an instrument beside the best: prices and sizes, the best first.
type Book struct {
	Bids [][2]num `json:"bids"`
	Asks [][2]num `json:"asks"`
	stamped
}

const (
	barStep  = 2 * time.Minute
	mostBars = 240 // eight hours
	lineStep = 4   // bars
)

// desk is what one trading desk watches.
type desk struct {
	group       string
	decimals    int     // of prices
	volatility  float64 // a year
	perSecond   float64 // quotes, of all its instruments
	instruments []*instrument
	rng         *rand.Rand
	at          time.Time // until when it has been simulated
	lots        int       // for how many trades one stands
	next        int       // whose chart is sent next
}

// instrument walks at random, partly with its market.
type instrument struct {
	recorded
	rng    *rand.Rand
	depth  *rand.Rand // of its book
	last   float64
	half   float64 // of the spread
	beta   float64
	weight float64 // how often it trades, beside others
	quote  Quote
	from   time.Time // of the first bar
	bars   [][5]num
}

// desks returns those of a tenant: shares and currencies.
func desks(tenant string) ([]*desk, error) {
	shares, err := readEquities()
	if err != nil {
		return nil, err
	}
	pairs, err := readCurrencies()
	if err != nil {
		return nil, err
	}
	equities := &desk{group: "equities", decimals: 2, volatility: 0.3, perSecond: 90}
	currencies := &desk{group: "currencies", decimals: 5, volatility: 0.09, perSecond: 24}
	if tenant == "acme" {
		shares = shares[:105]
	} else {
		shares, pairs = shares[105:], pairs[:12]
		equities.perSecond = 20
	}
	now := time.Now()
	for _, d := range []*desk{equities, currencies} {
		of := shares
		if d == currencies {
			of = pairs
		}
		d.begin(tenant, of, now)
	}
	return []*desk{equities, currencies}, nil
}

// begin makes the instruments and simulates their last hours, one bar at a time.
func (d *desk) begin(tenant string, of []recorded, now time.Time) {
	day := now.UTC().Truncate(24 * time.Hour)
	d.rng = source(tenant, d.group, day.Format(time.DateOnly))
	from := now.Truncate(barStep).Add(-(mostBars - 1) * barStep)
	for i, r := range of {
		in := &instrument{
			recorded: r, rng: source(tenant, r.symbol, day.Format(time.DateOnly)), depth: source(tenant, r.symbol, "book"), from: from,
			last: r.price, beta: 0.6 + d.rng.Float64()*0.8, weight: 1 / math.Sqrt(float64(i)+4),
		}
		in.half = max(0.5*math.Pow10(-d.decimals), in.last*(0.00004+0.0001*in.rng.Float64()))
		in.last *= math.Exp(0.006 * in.rng.NormFloat64()) // over night
		in.quote = Quote{Name: r.name, Group: r.group, Close: d.round(r.price)}
		in.trade(d, 0)
		in.quote.Open, in.quote.High, in.quote.Low = in.quote.Price, in.quote.Price, in.quote.Price
		d.instruments = append(d.instruments, in)
	}
	d.at = from
	// Of the past there are fewer trades, and so larger ones: the bars of the day look as those of now.
	const pace, share = 20 * time.Second, 2
	d.lots = max(1, int(d.perSecond*pace.Seconds()/(share*d.weights())))
	for d.at.Add(pace).Before(now) {
		d.walk(d.at.Add(pace), share)
	}
	d.lots = 1
}

// weights is the sum of those of all instruments.
func (d *desk) weights() (sum float64) {
	for _, in := range d.instruments {
		sum += in.weight
	}
	return sum
}

// source is random numbers that are the same each time for the same words.
func source(words ...string) *rand.Rand {
	h := fnv.New64a()
	for _, w := range words {
		h.Write([]byte(w + "\x00")) //nolint:errcheck // it never fails
	}
	return rand.New(rand.NewPCG(h.Sum64(), 7)) //nolint:gosec // nobody gains by guessing it
}

// walk moves the market to now; each instrument moves with it, and trades with a chance that is share of its weight. It returns those that traded.
func (d *desk) walk(now time.Time, share float64) (traded []*instrument) {
	const yearOfTrading = 252 * 8 * time.Hour
	step := d.volatility * math.Sqrt(float64(max(0, now.Sub(d.at)))/float64(yearOfTrading))
	d.at = now
	market := d.rng.NormFloat64() * 0.5
	for _, in := range d.instruments {
		pull := math.Log(in.price/in.last) * 0.0004 // nothing strays for ever
		in.last *= math.Exp(step*(in.beta*market+0.85*in.rng.NormFloat64()) + pull)
		if in.rng.Float64() >= share*in.weight {
			continue
		}
		in.trade(d, share)
		in.bar(now)
		traded = append(traded, in)
	}
	return traded
}

// trade makes a quote of where the instrument is.
func (in *instrument) trade(d *desk, share float64) {
	q := &in.quote
	half := in.half * (0.8 + 0.9*in.rng.Float64())
	q.Bid, q.Ask = d.round(in.last-half), d.round(in.last+half)
	if q.Ask <= q.Bid {
		q.Ask = d.round(q.Bid + math.Pow10(-d.decimals))
	}
	q.Price = q.Bid
	if in.rng.IntN(2) == 0 {
		q.Price = q.Ask
	}
	q.High, q.Low = max(q.High, q.Price), min(q.Low, q.Price)
	if in.size > 0 && share > 0 {
		q.Size = 100 * d.lots * (1 + int(in.rng.ExpFloat64()*3*math.Sqrt(in.size/500)))
		q.Volume += q.Size
	}
}

// bar puts the last trade into its bar, and makes those that are missing before it.
func (in *instrument) bar(now time.Time) {
	p, n := num(in.quote.Price), int(now.Sub(in.from)/barStep)
	for len(in.bars) <= n {
		open := p
		if len(in.bars) > 0 {
			open = in.bars[len(in.bars)-1][3]
		}
		in.bars = append(in.bars, [5]num{open, open, open, open, 0})
	}
	b := &in.bars[n]
	b[1], b[2], b[3], b[4] = max(b[1], p), min(b[2], p), p, b[4]+num(in.quote.Size)
	if drop := len(in.bars) - mostBars; drop > 0 {
		in.bars, in.from = in.bars[drop:], in.from.Add(time.Duration(drop)*barStep)
	}
}

func (in *instrument) chart(now time.Time) Chart {
	c := Chart{From: in.from.UnixMilli(), StepMS: barStep.Milliseconds(), Bars: in.bars, Close: in.quote.Close, stamped: stamp(now)}
	for i := lineStep - 1; i < len(in.bars); i += lineStep {
		c.Line = append(c.Line, in.bars[i][3])
	}
	return c
}

// book makes what is offered around the quote, the more the further away. It has random numbers of its own: whoever looks at it does not move the price.
func (in *instrument) book(d *desk, now time.Time) Book {
	const levels = 8
	b := Book{stamped: stamp(now)}
	step := max(math.Pow10(-d.decimals), d.round(in.half))
	lot := 100.0
	if in.size == 0 {
		lot = 250_000
	}
	for i := range levels {
		away := float64(i) * step
		size := func() num { return num(lot * float64(1+int(in.depth.ExpFloat64()*float64(4+2*i)))) }
		b.Bids = append(b.Bids, [2]num{num(d.round(in.quote.Bid - away)), size()})
		b.Asks = append(b.Asks, [2]num{num(d.round(in.quote.Ask + away)), size()})
	}
	return b
}

func (d *desk) round(price float64) float64 {
	unit := math.Pow10(d.decimals)
	return math.Round(price*unit) / unit
}

// feeds are a desk's quotes, and the charts of its instruments one after the other, one a second.
func (d *desk) feeds(tenant string) []Feed {
	const pulse = 250 * time.Millisecond
	share := d.perSecond * pulse.Seconds() / d.weights()
	tags := map[string]string{"desk": d.group}
	quotes := func(now time.Time) (events []Event) {
		for _, in := range d.walk(now, share) {
			q := in.quote
			q.stamped = stamp(now)
			events = append(events,
				Event{Channel: "prices:" + d.group, Key: in.symbol, Tags: tags, Data: q},
				Event{Channel: "books:" + d.group, Key: in.symbol, Tags: tags, Data: in.book(d, now)})
		}
		if d.next++; d.next%int(time.Second/pulse) == 0 {
			in := d.instruments[d.next/int(time.Second/pulse)%len(d.instruments)]
			events = append(events, Event{Channel: "charts:" + d.group, Key: in.symbol, Tags: tags, Data: in.chart(now)})
		}
		return events
	}
	first := true
	return []Feed{{Name: tenant + " " + d.group, Every: pulse, Next: func(now time.Time) []Event {
		events := quotes(now)
		if !first {
			return events
		}
		first = false // whoever comes first sees all of it
		for _, in := range d.instruments {
			q := in.quote
			q.stamped = stamp(now)
			events = append(events,
				Event{Channel: "prices:" + d.group, Key: in.symbol, Tags: tags, Data: q},
				Event{Channel: "charts:" + d.group, Key: in.symbol, Tags: tags, Data: in.chart(now)})
		}
		return events
	}}}
}
