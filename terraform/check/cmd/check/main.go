// Command check says what is wrong with the HCL of a folder, terraform if none is named, and runs what of
// Terraform works without a provider.
//
//	go run ./terraform/check/cmd/check [folder]
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/tidewire/tidewire/terraform/check"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	folder := "terraform"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	if err := run(ctx, folder, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // nothing is left that stop would do
	}
}

func run(ctx context.Context, folder string, w io.Writer) error {
	tree, err := check.Read(folder)
	if err != nil {
		return err
	}
	problems := append(tree.Problems(), tree.Readmes()...)
	for _, p := range problems {
		if _, err := fmt.Fprintf(w, "%s/%v\n", folder, p); err != nil {
			return err
		}
	}
	err = tree.Verify(ctx, func(step check.Step) {
		_, _ = fmt.Fprintf(w, "terraform %s in %s\n", step.Name, step.Dir) // nobody reads it if this fails
	})
	if len(problems) > 0 {
		err = errors.Join(fmt.Errorf("%d problems", len(problems)), err)
	}
	return err
}
