// Package schema holds what the resources and data sources of provider google
// take and give, for the checks of HCL that run without the provider.
package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	tfjson "github.com/hashicorp/terraform-json"
)

// Version is that of the provider the schema was taken from.
const Version = "6.50.0"

const source = "registry.terraform.io/hashicorp/google"

//go:embed google.json.gz
var google []byte

// Google reads the schema of provider google, reduced to the types of types.txt.
func Google() (*tfjson.ProviderSchema, error) {
	packed, err := gzip.NewReader(bytes.NewReader(google))
	if err != nil {
		return nil, fmt.Errorf("reading the schema of provider google: %w", err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of provider google: %w", err)
	}
	var all tfjson.ProviderSchemas
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("reading the schema of provider google: %w", err)
	}
	found, ok := all.Schemas[source]
	if !ok {
		return nil, fmt.Errorf("reading the schema of provider google: it holds no %s", source)
	}
	return found, nil
}

var possible = regexp.MustCompile(`^Possible values: (\[.*\])$`)

// Values lists what an attribute may be set to, and is empty when that is not known. The shape
// of a schema has no place for it, so it stands in the attribute's description.
func Values(attribute *tfjson.SchemaAttribute) []string {
	found := possible.FindStringSubmatch(attribute.Description)
	if found == nil {
		return nil
	}
	var values []string
	if json.Unmarshal([]byte(found[1]), &values) != nil {
		return nil
	}
	return values
}
