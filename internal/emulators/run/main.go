// Command run starts the emulators of Pub/Sub and Firestore, prints how to point programs to them,
// and ends them when it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidewire/tidewire/internal/emulators"
)

func main() {
	pubsub := flag.String("pubsub-addr", "127.0.0.1:8085", "address of the Pub/Sub emulator")
	firestore := flag.String("firestore-addr", "127.0.0.1:8086", "address of the Firestore emulator")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *pubsub, *firestore); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the process ends, and its signal handler with it
	}
}

func run(ctx context.Context, pubsubAddr, firestoreAddr string) (err error) {
	pubsub, err := emulators.StartPubSubAt(ctx, pubsubAddr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pubsub.Stop()) }()
	firestore, err := emulators.StartFirestoreAt(ctx, firestoreAddr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, firestore.Stop()) }()
	fmt.Printf("export PUBSUB_EMULATOR_HOST=%s\nexport FIRESTORE_EMULATOR_HOST=%s\n", pubsub.Addr(), firestore.Addr())
	select {
	case <-ctx.Done():
		return nil
	case <-pubsub.Done():
		return fmt.Errorf("the Pub/Sub emulator has ended\n%s", pubsub.Output())
	case <-firestore.Done():
		return fmt.Errorf("the Firestore emulator has ended\n%s", firestore.Output())
	}
}
