package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("o", filepath.Join("bin", "functions.zip"), "the archive to write")
	flag.Parse()
	if err := run(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to clean up
	}
}

// run stages the module in the working directory.
func run(ctx context.Context, out string) error {
	module, err := os.Getwd()
	if err != nil {
		return err
	}
	s, err := stage(ctx, module)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := s.zip(&archive); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(out, archive.Bytes(), 0o644); err != nil { //nolint:gosec // source for everybody to read
		return err
	}
	_, err = fmt.Printf("%s  %d files, %d KiB, sha256:%s\n", out, len(s), archive.Len()>>10, s.hash())
	return err
}
