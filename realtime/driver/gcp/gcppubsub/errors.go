package gcppubsub

import (
	"context"
	"errors"
	"fmt"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

// retryAfter is when to come back after a failure of a service.
const retryAfter = 2 * time.Second

// brokerError gives an error of Pub/Sub the code a caller acts on. doing completes "could not ...".
func brokerError(doing string, err error) error {
	if err == nil {
		return nil
	}
	e := &realtime.Error{Code: realtime.CodeUnavailable, Message: "could not " + doing, RetryAfter: retryAfter, Err: err}
	switch c := status.Code(err); {
	case errors.Is(err, pubsub.ErrOversizedMessage):
		e.Code, e.RetryAfter = realtime.CodeTooLarge, 0
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		// The client says no more than this of a server that cannot be reached.
	case c == codes.NotFound:
		e.Code, e.RetryAfter = realtime.CodeNotFound, 0
	case c == codes.ResourceExhausted:
		e.Code, e.Limit = realtime.CodeLimited, "pubsub quota"
	case c == codes.InvalidArgument, c == codes.FailedPrecondition, c == codes.PermissionDenied, c == codes.Unauthenticated, c == codes.Unimplemented:
		e.Code, e.RetryAfter = realtime.CodeInternal, 0 // trying again changes nothing
	}
	return e
}

// lasting reports whether a pull that failed with err will fail again, so that
// the stream has ended: its subscription is gone, or may not be read.
func lasting(err error) bool {
	switch status.Code(err) {
	case codes.NotFound, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.InvalidArgument:
		return true
	}
	return false
}

func errClosed() error {
	return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker is closed", RetryAfter: retryAfter}
}

func errBroken(topic realtime.Topic, err error) error {
	return fmt.Errorf("receive from topic %q: %w: %w", topic, realtime.ErrBroken, err)
}
