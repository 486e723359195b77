//go:build core

package functions

// registerFeeds registers nothing: crawler and filter are not in this binary.
func (*program) registerFeeds() {}
