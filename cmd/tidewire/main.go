// Command tidewire runs the whole system in one process (dev) and holds the
// operator's commands: token, publish, tail, tenants.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/devserver"
)

func main() {
	os.Exit(run(context.Background(), std{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, state: os.Getenv("TIDEWIRE_STATE"),
		environment: environment{
			url: os.Getenv("TIDEWIRE_URL"), token: os.Getenv("TIDEWIRE_TOKEN"),
			googleToken: os.Getenv("TIDEWIRE_GOOGLE_TOKEN"), project: os.Getenv("GOOGLE_CLOUD_PROJECT"), context: os.Getenv("TIDEWIRE_CONTEXT"),
		},
		emulators: devserver.Emulators{PubSub: os.Getenv("PUBSUB_EMULATOR_HOST"), Firestore: os.Getenv("FIRESTORE_EMULATOR_HOST")},
	}, os.Args[1:]))
}

// run runs one command and returns its exit code.
func run(ctx context.Context, s std, args []string) int {
	root := newRoot(s)
	root.SetArgs(append([]string{}, args...)) // of nil cobra would make the process's own
	err := root.ExecuteContext(ctx)
	if err != nil {
		_, _ = fmt.Fprintln(s.err, "tidewire:", err) // the exit code says it as well
	}
	return exitCode(err)
}

// untilSignal returns a context that ends with the first interrupt or SIGTERM.
// A second one ends the process, whatever it does.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
