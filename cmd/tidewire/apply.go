package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// maxNamed is how many refused tenants an error names.
const maxNamed = 20

// readDocuments returns the documents of a file of tenants, or of standard input for "-", as they are written
// there: what a document leaves out means something to the API. What is wrong with them but for their keys, which
// may be at the API, is an error.
func readDocuments(s std, file string) (map[string]json.RawMessage, error) {
	text, err := readFile(s.in, file)
	if err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	if _, err := memory.LoadTenants(bytes.NewReader(text)); err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	var documents struct {
		Tenants map[string]json.RawMessage `json:"tenants"`
	}
	if err := json.Unmarshal(text, &documents); err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	return documents.Tenants, nil
}

// readFile reads a file, or standard input for "-".
func readFile(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name) //nolint:gosec // the caller says which file
}

// applying is one call of a command that changes tenants.
type applying struct {
	*operation
	api     *apiClient
	changes map[string]int // how many of each kind
	refused []error
}

func (a *applying) all(ctx context.Context, documents map[string]json.RawMessage) error {
	return a.each(ctx, slices.Sorted(maps.Keys(documents)), func(ctx context.Context, tenant string) (string, error) {
		return a.api.put(ctx, tenant, documents[tenant])
	})
}

// each makes a change to each tenant in turn, says what became of it, and goes on after one that is refused for
// what it is itself.
func (a *applying) each(ctx context.Context, tenants []string, change func(context.Context, string) (string, error)) error {
	a.changes = map[string]int{}
	bar := a.bar(len(tenants))
	defer bar.Exit() //nolint:errcheck // it only showed something
	for i, tenant := range tenants {
		made, err := change(ctx, tenant)
		if err != nil && !ofTheTenant(err) {
			return fmt.Errorf("%s: %w\n%d of %d tenants were done before; repeating it is safe", tenant, err, i, len(tenants))
		}
		if err := bar.Clear(); err != nil {
			return err
		}
		if err := a.say(tenant, made, err); err != nil {
			return err
		}
		if err := bar.Add(1); err != nil {
			return err
		}
	}
	return a.sum(bar, len(tenants))
}

// ofTheTenant reports whether an error is about one tenant, so that the next one may well be taken.
func ofTheTenant(err error) bool {
	if r := (*refusal)(nil); !errors.As(err, &r) {
		return false
	}
	switch realtime.CodeOf(err) {
	case realtime.CodeBadRequest, realtime.CodeConflict, realtime.CodeTooLarge, realtime.CodeNotFound:
		return true
	}
	return false
}

// say tells what became of a tenant. What has not changed is only counted.
func (a *applying) say(tenant, change string, refused error) (err error) {
	if refused != nil {
		a.refused = append(a.refused, fmt.Errorf("%s: %w", tenant, refused))
	} else {
		a.changes[change]++
	}
	switch {
	case a.json && refused != nil:
		return a.line(map[string]string{"tenant": tenant, "code": string(realtime.CodeOf(refused)), "error": refused.Error()})
	case a.json:
		return a.line(map[string]string{"tenant": tenant, "change": change})
	case refused == nil && change != "unchanged":
		_, err = fmt.Fprintf(a.out, "%s %s\n", change, tenant)
	}
	return err
}

func (a *applying) line(v any) error { return json.NewEncoder(a.out).Encode(v) }

// sum says how it went. The error has the code of the first refusal.
func (a *applying) sum(bar *progressbar.ProgressBar, tenants int) error {
	if err := bar.Clear(); err != nil {
		return err
	}
	if !a.json {
		if _, err := fmt.Fprintf(a.out, "%d created, %d changed, %d unchanged, %d refused\n", a.changes["created"], a.changes["changed"], a.changes["unchanged"], len(a.refused)); err != nil {
			return err
		}
	}
	if len(a.refused) == 0 {
		return nil
	}
	var text strings.Builder
	for i, err := range a.refused {
		if i == maxNamed {
			fmt.Fprintf(&text, "\nand %d more", len(a.refused)-i)
			break
		}
		fmt.Fprintf(&text, "\n%v", err)
	}
	return realtime.Errorf(realtime.CodeOf(a.refused[0]), "%d of %d tenants were refused:%s", len(a.refused), tenants, &text)
}

// bar shows how far it is, if there are many and somebody looks.
func (a *applying) bar(tenants int) *progressbar.ProgressBar {
	visible := false
	if f, ok := a.err.(*os.File); ok {
		visible = tenants > 1 && term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions(tenants,
		progressbar.OptionSetWriter(a.err), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("tenants"))
}
