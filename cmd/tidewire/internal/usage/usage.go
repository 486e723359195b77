// Package usage marks errors that are about how a command was called, and not about what it does.
package usage

import "fmt"

// Error is a call with wrong arguments, flags or environment.
type Error struct{ error }

// Unwrap returns the cause.
func (e Error) Unwrap() error { return e.error }

// Errorf is fmt.Errorf for an Error.
func Errorf(format string, args ...any) error { return Error{fmt.Errorf(format, args...)} }
