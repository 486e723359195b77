// Package lock takes locks that one client has at a time, whichever server each is connected to. docs/locks.md says what is promised.
//
//	held, err := lock.Take(ctx, client, "lock:board", "7", lock.Options{})
//	if err != nil {
//		return err
//	}
//	defer held.Release(context.WithoutCancel(ctx))
//	return save(held.Context(), document, held.Position())
//
// A Lock is a key of the channel's state that has a value only if it had none before. While it is held, a goroutine renews it. If it cannot, the Lock is
// lost before anybody else can have it: its Context ends.
package lock
