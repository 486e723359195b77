package tidewire

import (
	"errors"

	"github.com/tidewire/tidewire/clients/go/internal/link"
)

// ErrLost is in the chain of an error of a call whose connection was lost before the answer: it may have been executed or not.
var ErrLost = link.ErrLost

// ErrClosed is in the chain of what a Client or Subscription returns that was closed.
var ErrClosed = errors.New("closed")
