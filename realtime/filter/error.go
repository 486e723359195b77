package filter

import "fmt"

// Error says what is wrong with a filter's text, and where. Whoever tells a client gives it realtime.CodeBadRequest, and
// says before it which filter it is.
type Error struct {
	Line, Column int // from 1, in characters; both are 0 if the fault is of the whole
	Message      string
}

// Error returns the position and the message.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}
