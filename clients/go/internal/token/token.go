// Package token is what the clients of sockets and of HTTP know of the functions that give them tokens.
package token

import (
	"context"
	"errors"
)

// ErrNone is what a function returns when there will be no other token.
var ErrNone = errors.New("there is no other token")

// refused is the key of the value that Refused looks for.
type refused struct{}

// WithRefused returns a context that says that the last token was refused.
func WithRefused(ctx context.Context) context.Context {
	return context.WithValue(ctx, refused{}, true)
}

// Refused reports whether a context says that the last token was refused.
func Refused(ctx context.Context) bool { return ctx.Value(refused{}) != nil }
