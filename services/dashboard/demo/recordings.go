package demo

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed data/equities.csv
var equitiesCSV string

//go:embed data/currencies.csv
var currenciesCSV string

// recorded is what is known of an instrument before the day begins.
type recorded struct {
	symbol, name, group string
	price               float64
	size                float64 // market value in billions; 0 where there is none
}

// readEquities returns companies, the largest first.
func readEquities() ([]recorded, error) {
	rows, err := readCSV(equitiesCSV, "symbol", "name", "industry", "price", "capBillions")
	if err != nil {
		return nil, fmt.Errorf("equities.csv: %w", err)
	}
	return recordings(rows, func(r []string) (recorded, string, string) {
		return recorded{symbol: r[0], name: r[1], group: r[2]}, r[3], r[4]
	})
}

// readCurrencies returns pairs of currencies.
func readCurrencies() ([]recorded, error) {
	rows, err := readCSV(currenciesCSV, "symbol", "name", "rate")
	if err != nil {
		return nil, fmt.Errorf("currencies.csv: %w", err)
	}
	return recordings(rows, func(r []string) (recorded, string, string) {
		return recorded{symbol: r[0], name: r[1], group: "Currencies"}, r[2], "0"
	})
}

func recordings(rows [][]string, of func([]string) (r recorded, price, size string)) ([]recorded, error) {
	all := make([]recorded, 0, len(rows))
	for _, row := range rows {
		r, price, size := of(row)
		var err error
		if r.price, err = strconv.ParseFloat(price, 64); err != nil || !(r.price > 0) {
			return nil, fmt.Errorf("%s: %q is not a price", r.symbol, price)
		}
		if r.size, err = strconv.ParseFloat(size, 64); err != nil {
			return nil, fmt.Errorf("%s: %q is not a size", r.symbol, size)
		}
		all = append(all, r)
	}
	return all, nil
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
