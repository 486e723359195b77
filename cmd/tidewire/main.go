// Command tidewire runs the whole system in one process (dev) and holds the
// operator's commands: token, publish, tail.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	root := newRoot(std{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	err := root.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidewire:", err)
	}
	os.Exit(exitCode(err))
}
