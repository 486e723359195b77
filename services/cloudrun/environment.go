package cloudrun

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Lookup finds an environment variable, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// Environment reads variables. It notes which were asked for and what is wrong with
// them, so that a main can report all faults together and the documentation can be
// compared with what is read. An empty variable is one that is not set.
type Environment struct {
	lookup Lookup
	asked  []Variable
	faults []error
}

// Variable is one that was asked for.
type Variable struct {
	Name    string
	Default string // as it would be written; empty if there is none
}

// NewEnvironment returns an Environment on lookup.
func NewEnvironment(lookup Lookup) *Environment { return &Environment{lookup: lookup} }

// Variables returns what was asked for, in that order.
func (e *Environment) Variables() []Variable { return e.asked }

// Err joins what is wrong; each fault names its variable.
func (e *Environment) Err() error { return errors.Join(e.faults...) }

// Fault adds what the main itself found.
func (e *Environment) Fault(name, format string, args ...any) {
	e.faults = append(e.faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// Text reads text.
func (e *Environment) Text(name, standard string) string {
	e.asked = append(e.asked, Variable{name, standard})
	if s, ok := e.lookup(name); ok && s != "" {
		return s
	}
	return standard
}

// Needed reads text that has to be there; what says what it is.
func (e *Environment) Needed(name, what string) string {
	s := e.Text(name, "")
	if s == "" {
		e.Fault(name, "is not set; must be %s", what)
	}
	return s
}

// Number reads a whole number from low to high.
func (e *Environment) Number(name string, standard, low, high int) int {
	s := e.Text(name, strconv.Itoa(standard))
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		e.Fault(name, "must be a number from %d to %d, got %q", low, high, s)
		return standard
	}
	return n
}

// Duration reads a time such as 90s or 58m, from low to high.
func (e *Environment) Duration(name, standard string, low, high time.Duration) time.Duration {
	s := e.Text(name, standard)
	d, err := time.ParseDuration(s)
	if err != nil || d < low || d > high {
		e.Fault(name, "must be a duration from %s to %s, such as 90s or 58m, got %q", low, high, s)
		return low
	}
	return d
}

// Switch reads true or false, which is what it is by default.
func (e *Environment) Switch(name string) bool {
	switch s := e.Text(name, "false"); s {
	case "true":
		return true
	case "false":
	default:
		e.Fault(name, "must be true or false, got %q", s)
	}
	return false
}

// Share reads a part of a whole, 0 to 1, which is 0 by default.
func (e *Environment) Share(name string) float64 {
	s := e.Text(name, "0")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1 {
		e.Fault(name, "must be a share from 0 to 1, such as 0.01, got %q", s)
		return 0
	}
	return f
}

// Level reads the least level of log lines.
func (e *Environment) Level(name string) slog.Level {
	var l slog.Level
	if s := e.Text(name, "info"); l.UnmarshalText([]byte(s)) != nil {
		e.Fault(name, "must be debug, info, warn or error, got %q", s)
	}
	return l
}
