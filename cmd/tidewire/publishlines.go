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
		line, err := readLine(in)
		last := errors.Is(err, io.EOF)
		if errors.Is(err, errLong) {
			return errors.Join(p.send(ctx, batch), fault(number, err))
		}
		if err != nil && !last {
			return fmt.Errorf("standard input: %w", err)
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // what PowerShell writes before the first line
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

// maxLine is how long a line may be: no endpoint takes a longer body.
const maxLine = 4 << 20

var errLong = fmt.Errorf("must be at most %d bytes", maxLine)

// readLine returns a line with its end, or errLong. The last one may come with io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errLong
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// read returns the event of a line. A field that does not exist is an error here, where somebody can correct it.
func (p *publishing) read(line []byte) (event, error) {
	e := event{}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, explained(line, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("must be one JSON object, got more after it")
	}
	if e.Data == nil && !e.Delete {
		return e, errors.New("data: is missing; send null for an event without data")
	}
	if e.complete(&p.standard); e.Channel == "" {
		return e, errors.New("channel: is missing, in the line and as --channel")
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
