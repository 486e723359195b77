// Package environment reads the variables of a program's environment, and gathers what is wrong with them. It reads
// through a function that it is given, so that only a program's main touches the environment itself.
package environment

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"
)

// Lookup finds an environment variable, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// Reader reads variables. It notes which were asked for and what is wrong with
// them, so that a main can report all faults together and the documentation can be
// compared with what is read. An empty variable is one that is not set.
type Reader struct {
	lookup Lookup
	asked  []Variable
	faults []error
}

// Variable is one that was asked for.
type Variable struct {
	Name    string
	Default string // as it would be written; empty if there is none
}

// New returns a Reader on lookup.
func New(lookup Lookup) *Reader { return &Reader{lookup: lookup} }

// Variables returns what was asked for, in that order.
func (r *Reader) Variables() []Variable { return r.asked }

// Err joins what is wrong; each fault names its variable.
func (r *Reader) Err() error { return errors.Join(r.faults...) }

// Fault adds what the main itself found.
func (r *Reader) Fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// Text reads text.
func (r *Reader) Text(name, standard string) string {
	r.asked = append(r.asked, Variable{name, standard})
	if s, ok := r.lookup(name); ok && s != "" {
		return s
	}
	return standard
}

// Needed reads text that has to be there; what says what it is.
func (r *Reader) Needed(name, what string) string {
	s := r.Text(name, "")
	if s == "" {
		r.Fault(name, "is not set; must be %s", what)
	}
	return s
}

// Form reads text of a form, which hint says in words; without the variable it is empty.
func (r *Reader) Form(name string, form *regexp.Regexp, hint string) string {
	s := r.Text(name, "")
	if s != "" && !form.MatchString(s) {
		r.Fault(name, "must be %s, got %q", hint, s)
	}
	return s
}

// Number reads a whole number from low to high.
func (r *Reader) Number(name string, standard, low, high int) int {
	s := r.Text(name, strconv.Itoa(standard))
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		r.Fault(name, "must be a number from %d to %d, got %q", low, high, s)
		return standard
	}
	return n
}

// Duration reads a time such as 90s or 58m, from low to high.
func (r *Reader) Duration(name, standard string, low, high time.Duration) time.Duration {
	s := r.Text(name, standard)
	d, err := time.ParseDuration(s)
	if err != nil || d < low || d > high {
		r.Fault(name, "must be a duration from %s to %s, such as 90s or 58m, got %q", low, high, s)
		return low
	}
	return d
}

// Switch reads true or false, which is what it is by default.
func (r *Reader) Switch(name string) bool {
	switch s := r.Text(name, "false"); s {
	case "true":
		return true
	case "false":
	default:
		r.Fault(name, "must be true or false, got %q", s)
	}
	return false
}

// Share reads a part of a whole, 0 to 1, which is 0 by default.
func (r *Reader) Share(name string) float64 {
	s := r.Text(name, "0")
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1 {
		r.Fault(name, "must be a share from 0 to 1, such as 0.01, got %q", s)
		return 0
	}
	return f
}

// Level reads the least level of log lines.
func (r *Reader) Level(name string) slog.Level {
	var l slog.Level
	if s := r.Text(name, "info"); l.UnmarshalText([]byte(s)) != nil {
		r.Fault(name, "must be debug, info, warn or error, got %q", s)
	}
	return l
}
