package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// provider is what is read of a provider in the shape of terraform providers schema -json.
type provider struct {
	Resources map[string]described `json:"resource_schemas"`
	Data      map[string]described `json:"data_source_schemas"`
}

type described struct {
	Block  block `json:"block"`
	schema *tfprotov5.Schema
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	Blocks     map[string]nested    `json:"block_types"`
}

type attribute struct {
	Type        json.RawMessage `json:"type"`
	Description string          `json:"description"`
	Required    bool            `json:"required"`
	Optional    bool            `json:"optional"`
	Computed    bool            `json:"computed"`
	values      []string        // what it may be; empty when that is not known
}

type nested struct {
	Nesting string `json:"nesting_mode"`
	Block   block  `json:"block"`
	Least   int64  `json:"min_items"`
	Most    int64  `json:"max_items"`
}

// readProvider reads the one provider of a compressed file.
func readProvider(name string) (provider, error) {
	f, err := os.Open(name) //nolint:gosec // the test names it
	if err != nil {
		return provider{}, fmt.Errorf("TIDEWIRE_SCHEMA: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return provider{}, fmt.Errorf("TIDEWIRE_SCHEMA: %w", err)
	}
	var file struct {
		Providers map[string]provider `json:"provider_schemas"`
	}
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		return provider{}, fmt.Errorf("TIDEWIRE_SCHEMA: %w", err)
	}
	for _, p := range file.Providers {
		return p, errors.Join(understand(p.Resources), understand(p.Data))
	}
	return provider{}, fmt.Errorf("TIDEWIRE_SCHEMA: %s has no provider", name)
}

// understand makes the protocol's schema of each.
func understand(all map[string]described) error {
	for name, d := range all {
		b, err := d.Block.protocol()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.schema = &tfprotov5.Schema{Block: b}
		all[name] = d
	}
	return nil
}

func (b block) protocol() (*tfprotov5.SchemaBlock, error) {
	out := &tfprotov5.SchemaBlock{}
	for name, a := range b.Attributes {
		a.values = possible(a.Description)
		b.Attributes[name] = a
		t, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // deprecated without another that reads this form
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: t, Required: a.Required, Optional: a.Optional, Computed: a.Computed, WriteOnly: writeOnly(name),
		})
	}
	for name, n := range b.Blocks {
		inner, err := n.Block.protocol()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		nb := &tfprotov5.SchemaNestedBlock{TypeName: name, Block: inner, MinItems: n.Least, MaxItems: n.Most}
		switch n.Nesting {
		case "list":
			nb.Nesting = tfprotov5.SchemaNestedBlockNestingModeList
		case "set":
			nb.Nesting = tfprotov5.SchemaNestedBlockNestingModeSet
		case "single":
			nb.Nesting = tfprotov5.SchemaNestedBlockNestingModeSingle
		default:
			return nil, fmt.Errorf("%s: no such nesting as %q", name, n.Nesting)
		}
		out.BlockTypes = append(out.BlockTypes, nb)
	}
	return out, nil
}

// writeOnly is not told by the schema, but by the name.
func writeOnly(attribute string) bool { return strings.HasSuffix(attribute, "_wo") }

// password is the schema of random_password, as far as it is used.
func password() map[string]*tfprotov5.Schema {
	return map[string]*tfprotov5.Schema{"random_password": {Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
		{Name: "length", Type: tftypes.Number, Required: true},
		{Name: "special", Type: tftypes.Bool, Optional: true},
		{Name: "result", Type: tftypes.String, Computed: true, Sensitive: true},
	}}}}
}
