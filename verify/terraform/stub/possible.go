package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var listed = regexp.MustCompile(`^Possible values: (\[.*\])$`)

// possible is what an attribute may be, as its description lists it: the shape of a schema has no place for that.
func possible(description string) []string {
	found := listed.FindStringSubmatch(description)
	var values []string
	if found == nil || json.Unmarshal([]byte(found[1]), &values) != nil {
		return nil
	}
	return values
}

// impossible tells of each argument in a block that is only read, and of each text that is not one of those that it may be. What is not known
// yet is not judged.
func impossible(v tftypes.Value, b block, at *tftypes.AttributePath) []*tfprotov5.Diagnostic {
	fields := map[string]tftypes.Value{}
	if v.IsNull() || !v.IsKnown() || v.As(&fields) != nil {
		return nil
	}
	var all []*tfprotov5.Diagnostic
	for name, a := range b.Attributes {
		if a.Computed && !a.Optional && !a.Required && !fields[name].IsNull() {
			all = append(all, &tfprotov5.Diagnostic{
				Severity: tfprotov5.DiagnosticSeverityError, Summary: "unconfigurable attribute", Attribute: at.WithAttributeName(name), Detail: name + ": is only read",
			})
		}
		s := text(v, name)
		if s == "" || len(a.values) == 0 || slices.Contains(a.values, s) {
			continue
		}
		all = append(all, &tfprotov5.Diagnostic{
			Severity: tfprotov5.DiagnosticSeverityError, Summary: "no possible value", Attribute: at.WithAttributeName(name),
			Detail: fmt.Sprintf("%s: must be %s, got %q", name, strings.Join(a.values, ", "), s),
		})
	}
	for name, n := range b.Blocks {
		inner := at.WithAttributeName(name)
		if n.Nesting == "single" {
			all = append(all, impossible(fields[name], n.Block, inner)...)
			continue
		}
		var elements []tftypes.Value
		if x := fields[name]; x.IsNull() || !x.IsKnown() || x.As(&elements) != nil {
			continue
		}
		for i, e := range elements {
			step := inner.WithElementKeyInt(i)
			if n.Nesting == "set" {
				step = inner.WithElementKeyValue(e)
			}
			all = append(all, impossible(e, n.Block, step)...)
		}
	}
	return all
}
