// Command check says what is wrong with the HCL of a folder, terraform if none is named, and runs what of
// Terraform works without a provider.
//
//	go run ./verify/terraform/cmd/check [folder]
//	go run ./verify/terraform/cmd/check -write [folder]
//
// With -write it writes what is generated: the tables of the READMEs, and the root that hands its variables on.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/tidewire/tidewire/verify/terraform"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	write := flag.Bool("write", false, "write what is generated")
	flag.Parse()
	folder := cmp.Or(flag.Arg(0), "terraform")
	do := func() error { return run(ctx, folder, os.Stdout) }
	if *write {
		do = func() error { return generate(folder) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // nothing is left that stop would do
	}
}

// generate writes what is generated.
func generate(folder string) error {
	tree, err := terraform.Read(folder)
	if err != nil {
		return err
	}
	return tree.Write()
}

func run(ctx context.Context, folder string, w io.Writer) error {
	tree, err := terraform.Read(folder)
	if err != nil {
		return err
	}
	problems := append(tree.Problems(), tree.Stale()...)
	for _, p := range problems {
		if _, err := fmt.Fprintf(w, "%s/%v\n", folder, p); err != nil {
			return err
		}
	}
	err = tree.Verify(ctx, func(step terraform.Step) {
		_, _ = fmt.Fprintf(w, "terraform %s in %s\n", step.Name, step.Dir) // nobody reads it if this fails
	})
	if len(problems) > 0 {
		err = errors.Join(fmt.Errorf("%d problems", len(problems)), err)
	}
	return err
}
