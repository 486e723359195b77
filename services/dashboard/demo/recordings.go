package demo

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed data/stocks.csv
var stocksCSV string

//go:embed data/sp500.csv
var sp500CSV string

//go:embed data/vix.csv
var vixCSV string

// readStocks returns one series per company, in the order of their symbols.
func readStocks() ([]Instrument, error) {
	rows, err := readCSV(stocksCSV, "symbol", "date", "price")
	if err != nil {
		return nil, err
	}
	instruments := []Instrument{
		{Symbol: "AAPL", Name: "Apple"}, {Symbol: "AMZN", Name: "Amazon"}, {Symbol: "GOOG", Name: "Google"},
		{Symbol: "IBM", Name: "IBM"}, {Symbol: "MSFT", Name: "Microsoft"},
	}
	for _, row := range rows {
		date, err := time.Parse("Jan 2 2006", row[1])
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(instruments, func(in Instrument) bool { return in.Symbol == row[0] })
		if i < 0 {
			return nil, fmt.Errorf("symbol %q has no name here", row[0])
		}
		if err := instruments[i].add(date.Format(time.DateOnly), row[2]); err != nil {
			return nil, err
		}
	}
	return instruments, nil
}

// readIndex returns one series per year, so that years can be watched side by side.
func readIndex() ([]Instrument, error) {
	rows, err := readCSV(sp500CSV, "date", "close")
	if err != nil {
		return nil, err
	}
	var years []Instrument
	for _, row := range rows {
		year, _, _ := strings.Cut(row[0], "-")
		if n := len(years); n == 0 || years[n-1].Symbol != "SPX."+year {
			years = append(years, Instrument{Symbol: "SPX." + year, Name: "S&P 500 in " + year})
		}
		if err := years[len(years)-1].add(row[0], row[1]); err != nil {
			return nil, err
		}
	}
	return years, nil
}

// readVolatility returns the four prices of each session as series of their own.
func readVolatility() ([]Instrument, error) {
	rows, err := readCSV(vixCSV, "date", "open", "high", "low", "close")
	if err != nil {
		return nil, err
	}
	instruments := []Instrument{
		{Symbol: "VIX.OPEN", Name: "VIX, open"}, {Symbol: "VIX.HIGH", Name: "VIX, high"},
		{Symbol: "VIX.LOW", Name: "VIX, low"}, {Symbol: "VIX.CLOSE", Name: "VIX, close"},
	}
	for _, row := range rows {
		for i := range instruments {
			if err := instruments[i].add(row[0], row[i+1]); err != nil {
				return nil, err
			}
		}
	}
	return instruments, nil
}

func (in *Instrument) add(date, price string) error {
	p, err := strconv.ParseFloat(price, 64)
	if err != nil || !(p > 0) {
		return fmt.Errorf("%s, %s: %q is not a price", in.Symbol, date, price)
	}
	in.Quotes = append(in.Quotes, Quote{Date: date, Price: p})
	return nil
}

// readCSV returns the rows below a header that has to be the one given.
func readCSV(text string, header ...string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = len(header)
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || !slices.Equal(rows[0], header) {
		return nil, fmt.Errorf("must start with the columns %q", header)
	}
	return rows[1:], nil
}
