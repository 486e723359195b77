package check

import (
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
)

// typeOf is the type of a resource with this schema, as references see it.
func typeOf(block *tfjson.SchemaBlock) cty.Type {
	all := map[string]cty.Type{}
	for name, attribute := range block.Attributes {
		all[name] = attribute.AttributeType
	}
	for name, nested := range block.NestedBlocks {
		inner := typeOf(nested.Block)
		switch nested.NestingMode {
		case tfjson.SchemaNestingModeSingle, tfjson.SchemaNestingModeGroup:
			all[name] = inner
		case tfjson.SchemaNestingModeSet:
			all[name] = cty.Set(inner)
		default:
			all[name] = cty.List(inner)
		}
	}
	return cty.Object(all)
}
