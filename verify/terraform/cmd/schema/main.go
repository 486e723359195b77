// Command schema writes what a resource or data source of provider google takes and gives.
//
//	go run ./verify/terraform/cmd/schema [data] google_pubsub_topic
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tidewire/tidewire/verify/terraform/schema"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	google, err := schema.Google()
	if err != nil {
		return err
	}
	known := google.ResourceSchemas
	if len(args) > 0 && args[0] == "data" {
		known, args = google.DataSourceSchemas, args[1:]
	}
	if len(args) != 1 {
		return fmt.Errorf("which type? There are\n%s", strings.Join(slices.Sorted(maps.Keys(known)), "\n"))
	}
	found, ok := known[args[0]]
	if !ok {
		return fmt.Errorf("provider google %s has no %s, or verify/terraform/schema/types.txt does not ask for it", schema.Version, args[0])
	}
	return write(w, found.Block, "")
}

func write(w io.Writer, block *tfjson.SchemaBlock, indent string) error {
	for _, name := range slices.Sorted(maps.Keys(block.Attributes)) {
		attribute := block.Attributes[name]
		if _, err := fmt.Fprintf(w, "%s%s = %s %s\n", indent, name, attribute.AttributeType.FriendlyName(), place(attribute)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(block.NestedBlocks)) {
		nested := block.NestedBlocks[name]
		if _, err := fmt.Fprintf(w, "%s%s {  # %s\n", indent, name, count(nested)); err != nil {
			return err
		}
		if err := write(w, nested.Block, indent+"  "); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s}\n", indent); err != nil {
			return err
		}
	}
	return nil
}

func place(attribute *tfjson.SchemaAttribute) string {
	said := "(optional)"
	switch {
	case attribute.Required:
		said = "(required)"
	case attribute.Computed && !attribute.Optional:
		said = "(only read)"
	case attribute.WriteOnly:
		said = "(optional, write-only)"
	}
	if values := schema.Values(attribute); len(values) > 0 {
		said += " " + strings.Join(values, " | ")
	}
	return said
}

func count(nested *tfjson.SchemaBlockType) string {
	least, most := "any number", ""
	if nested.MinItems > 0 {
		least = fmt.Sprintf("at least %d", nested.MinItems)
	}
	if nested.NestingMode == tfjson.SchemaNestingModeSingle {
		return "at most 1"
	}
	if nested.MaxItems > 0 {
		most = fmt.Sprintf(", at most %d", nested.MaxItems)
		least = strings.Replace(least, "any number", "optional", 1)
	}
	return least + most
}
