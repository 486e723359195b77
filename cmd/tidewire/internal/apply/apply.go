// Package apply makes changes to tenants, one after the other, and says what became of each.
package apply

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

	"github.com/tidewire/tidewire/cmd/tidewire/internal/client"
	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// maxNamed is how many refused tenants an error names.
const maxNamed = 20

// Read returns the documents of the text of a file of tenants, as they are written
// there: what a document leaves out means something to the API. What is wrong with them but for their keys, which
// may be at the API, is an error.
func Read(file string, text []byte) (map[string]json.RawMessage, error) {
	if _, err := memory.LoadTenants(bytes.NewReader(text)); err != nil {
		return nil, usage.Errorf("%s: %w", file, err)
	}
	var documents struct {
		Tenants map[string]json.RawMessage `json:"tenants"`
	}
	if err := json.Unmarshal(text, &documents); err != nil {
		return nil, usage.Errorf("%s: %w", file, err)
	}
	return documents.Tenants, nil
}

// Applying is one call of a command that changes tenants.
type Applying struct {
	API      *client.API
	Out, Err io.Writer
	JSON     bool // what became of each is written as a line of JSON
	Prune    bool // what a document does not name is removed
	DryRun   bool // nothing is done

	changes map[string]int // how many of each kind
	refused []error
}

// Outcome is what became of a tenant, or would.
type Outcome struct {
	Change string
	Plan   *httpapi.Plan // nil: nobody asked
}

// DiffersError is a dry run that found something to change.
type DiffersError struct{ error }

// All applies the documents of tenants. The error has the code of the first that was refused, or is a DiffersError.
func (a *Applying) All(ctx context.Context, documents map[string]json.RawMessage) error {
	return a.Each(ctx, slices.Sorted(maps.Keys(documents)), func(ctx context.Context, tenant string) (Outcome, error) {
		return a.apply(ctx, tenant, documents[tenant])
	})
}

// applyTries is how often a change is planned again because somebody else has written meanwhile.
const applyTries = 10

// apply makes the change that it shows and no other: it is planned again if somebody else comes in between.
func (a *Applying) apply(ctx context.Context, tenant string, document []byte) (done Outcome, err error) {
	if text := bytes.TrimSpace(document); len(text) == 0 || string(text) == "null" {
		document = []byte("{}")
	}
	for range applyTries {
		plan, tag, err := a.API.Plan(ctx, tenant, document, a.Prune)
		if err != nil || a.DryRun {
			return planned(plan), err
		}
		change, err := a.API.Patch(ctx, tenant, document, a.Prune, tag)
		if !client.Overtaken(err) {
			return Outcome{change, plan}, err
		}
	}
	return Outcome{}, realtime.Errorf(realtime.CodeUnavailable, "it keeps changing; try again")
}

func planned(p *httpapi.Plan) Outcome {
	if p == nil {
		return Outcome{}
	}
	return Outcome{p.Change, p}
}

// Each makes a change to each tenant in turn, says what became of it, and goes on after one that is refused for
// what it is itself.
func (a *Applying) Each(ctx context.Context, tenants []string, change func(context.Context, string) (Outcome, error)) error {
	a.changes = map[string]int{}
	bar := a.bar(len(tenants))
	defer bar.Exit() //nolint:errcheck // it only showed something
	for i, tenant := range tenants {
		made, err := change(ctx, tenant)
		if err != nil && !ofTheTenant(err) {
			return fmt.Errorf("%s: %w\n%d of %d tenants were done before; it is safe to repeat the command", tenant, err, i, len(tenants))
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
	if r := (*client.Refusal)(nil); !errors.As(err, &r) {
		return false
	}
	switch realtime.CodeOf(err) {
	case realtime.CodeBadRequest, realtime.CodeConflict, realtime.CodeTooLarge, realtime.CodeNotFound:
		return true
	}
	return false
}

// applied is what --json says of a tenant.
type applied struct {
	Tenant  string                `json:"tenant"`
	Change  string                `json:"change,omitempty"`
	DryRun  bool                  `json:"dryRun,omitempty"` // it would be so
	Changes []httpapi.FieldChange `json:"changes,omitempty"`
	Kept    []string              `json:"kept,omitempty"`
	Code    realtime.Code         `json:"code,omitempty"` // why it was refused
	Error   string                `json:"error,omitempty"`
}

// say tells what became of a tenant. What has not changed is only counted.
func (a *Applying) say(tenant string, made Outcome, refused error) (err error) {
	if refused != nil {
		a.refused = append(a.refused, fmt.Errorf("%s: %w", tenant, refused))
	} else {
		a.changes[made.Change]++
	}
	switch {
	case a.JSON && refused != nil:
		return a.line(applied{Tenant: tenant, Code: realtime.CodeOf(refused), Error: refused.Error()})
	case a.JSON:
		said := applied{Tenant: tenant, Change: made.Change, DryRun: a.DryRun}
		if made.Plan != nil {
			said.Changes, said.Kept = made.Plan.Changes, made.Plan.Kept
		}
		return a.line(said)
	case refused == nil:
		_, err = io.WriteString(a.Out, a.describe(tenant, made))
	}
	return err
}

// describe is what became of a tenant, with a line for each field that changes.
func (a *Applying) describe(tenant string, made Outcome) string {
	var text strings.Builder
	if made.Change != "unchanged" {
		would := ""
		if a.DryRun {
			would = "would be "
		}
		fmt.Fprintf(&text, "%s%s %s\n", would, made.Change, tenant)
	}
	if made.Plan == nil {
		return text.String()
	}
	for _, c := range made.Plan.Changes {
		text.WriteString(describeField(c))
	}
	if len(made.Plan.Kept) > 0 {
		if made.Change == "unchanged" {
			fmt.Fprintf(&text, "unchanged %s\n", tenant)
		}
		fmt.Fprintf(&text, "  kept, although the file does not name them: keys %s (--prune removes them)\n", strings.Join(made.Plan.Kept, ", "))
	}
	return text.String()
}

func describeField(c httpapi.FieldChange) string {
	from, to, secret := string(c.From), string(c.To), ""
	if c.Secret {
		secret = ", with another secret"
	}
	switch {
	case from == "null":
		return fmt.Sprintf("  + %s: %s\n", c.Field, to)
	case to == "null":
		return fmt.Sprintf("  - %s: %s\n", c.Field, from)
	case from == to:
		return fmt.Sprintf("  ~ %s: %s%s\n", c.Field, to, secret)
	}
	return fmt.Sprintf("  ~ %s: %s -> %s%s\n", c.Field, from, to, secret)
}

func (a *Applying) line(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// sum says how it went. The error has the code of the first refusal.
func (a *Applying) sum(bar *progressbar.ProgressBar, tenants int) error {
	if err := bar.Clear(); err != nil {
		return err
	}
	if !a.JSON {
		would := ""
		if a.DryRun {
			would = "nothing was done: "
		}
		if _, err := fmt.Fprintf(a.Out, "%s%d created, %d changed, %d unchanged, %d refused\n", would, a.changes["created"], a.changes["changed"], a.changes["unchanged"], len(a.refused)); err != nil {
			return err
		}
	}
	if differ := a.changes["created"] + a.changes["changed"]; len(a.refused) == 0 && a.DryRun && differ > 0 {
		return DiffersError{fmt.Errorf("%d of %d tenants would change", differ, tenants)}
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
func (a *Applying) bar(tenants int) *progressbar.ProgressBar {
	visible := false
	if f, ok := a.Err.(*os.File); ok {
		visible = tenants > 1 && term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions(tenants,
		progressbar.OptionSetWriter(a.Err), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("tenants"))
}
