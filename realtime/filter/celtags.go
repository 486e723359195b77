package filter

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// celTags is the tags of an input as a map of cel-go, without making one. No filter can go through it or measure it:
// the binder lets tags stand before a name and behind in alone.
type celTags struct {
	ref.Val // nil: of ref.Val it has what is defined below
	in      *Input
}

var errNoNative = errors.New("tags have no native form")

func (celTags) ConvertToNative(reflect.Type) (any, error) { return nil, errNoNative }
func (celTags) ConvertToType(ref.Type) ref.Val            { return types.NewErr("tags cannot be converted") }
func (celTags) Equal(ref.Val) ref.Val                     { return types.NewErr("tags cannot be compared") }
func (celTags) Type() ref.Type                            { return types.MapType }
func (t celTags) Value() any                              { return t }
func (celTags) Iterator() traits.Iterator {
	return types.DefaultTypeAdapter.NativeToValue([]string{}).(traits.Lister).Iterator()
}
func (celTags) Size() ref.Val { return types.NewErr("tags cannot be counted") }

// Find returns the tag of a name.
func (t celTags) Find(name ref.Val) (ref.Val, bool) {
	if s, ok := name.(types.String); ok {
		if v, ok := t.in.tag(string(s)); ok {
			return types.String(v), true
		}
		return nil, false
	}
	return types.MaybeNoSuchOverloadErr(name), false
}

// Get returns the tag of a name, or an error.
func (t celTags) Get(name ref.Val) ref.Val {
	if v, ok := t.Find(name); ok {
		return v
	}
	return types.NewErr("no such tag")
}

// Contains reports whether there is a tag of a name.
func (t celTags) Contains(name ref.Val) ref.Val {
	v, ok := t.Find(name)
	if v != nil && types.IsUnknownOrError(v) {
		return v
	}
	return types.Bool(ok)
}
