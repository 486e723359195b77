package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// What one request takes at most: less than the endpoint does, so that one long line more is not too much.
const (
	batchEvents = 500
	batchBytes  = 512 << 10
)

// lines publishes what standard input holds, in order, a batch at a time.
func (p *publishing) lines(ctx context.Context) (err error) {
	bar := newBar(p.std)
	defer func() { err = errors.Join(err, bar.Exit()) }()
	in := bufio.NewReaderSize(io.TeeReader(p.in, bar), 64<<10)
	var batch []event
	for number, size := 1, 0; ; number++ {
		line, err := in.ReadBytes('\n')
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fmt.Errorf("standard input: %w", err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			e, bad := p.read(line)
			if bad != nil {
				return errors.Join(p.send(ctx, batch), fault(number, bad))
			}
			e.line = number
			batch, size = append(batch, e), size+len(line)
		}
		// A pipe that is written slowly is sent as it comes.
		if len(batch) >= batchEvents || size >= batchBytes || last || in.Buffered() == 0 {
			if err := p.send(ctx, batch); err != nil {
				return err
			}
			batch, size = batch[:0], 0
		}
		if last {
			return nil
		}
	}
}

// read returns the event of a line. A field that does not exist is an error here, where somebody can correct it.
func (p *publishing) read(line []byte) (event, error) {
	e := event{}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, err
	}
	if dec.More() {
		return e, errors.New("more than one JSON value")
	}
	if e.Channel == "" {
		e.Channel = p.standard.Channel
	}
	if e.Channel == "" {
		return e, errors.New("channel: is missing, here and as --channel")
	}
	if e.Key == "" {
		e.Key = p.standard.Key
	}
	if e.Tags == nil {
		e.Tags = p.standard.Tags
	}
	return e, nil
}

// newBar shows how much of standard input was read, if somebody looks.
func newBar(s std) *progressbar.ProgressBar {
	size, visible := int64(-1), false
	if f, ok := s.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	if f, ok := s.err.(*os.File); ok {
		visible = term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(s.err), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("publishing"))
}
