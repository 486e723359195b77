package check

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// unknown are functions of Terraform that are known by name alone: what they return is not.
var unknown = strings.Fields(`abspath basename base64gzip base64sha256 base64sha512 bcrypt cidrhost cidrnetmask cidrsubnet cidrsubnets csvdecode dirname
	ephemeralasnull filebase64 filebase64sha256 filebase64sha512 filemd5 filesha1 filesha512 index issensitive log matchkeys md5 parseint pathexpand plantimestamp
	rsadecrypt sha1 sha512 templatefile templatestring textdecodebase64 textencodebase64 timeadd timecmp timestamp transpose type urlencode uuid uuidv5 yamldecode
	yamlencode formatdate`)

// functions are those of Terraform, for the HCL below a folder.
func functions(root string) map[string]function.Function {
	all := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc,
		"coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc, "format": stdlib.FormatFunc,
		"formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"keys": stdlib.KeysFunc, "lookup": lookup, "lower": stdlib.LowerFunc, "max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "pow": stdlib.PowFunc,
		"range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replace, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
		"signum": stdlib.SignumFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc, "length": length, "startswith": two(strings.HasPrefix), "endswith": two(strings.HasSuffix), "strcontains": two(strings.Contains),
		"alltrue": every(true), "anytrue": every(false), "sum": sum, "one": one, "nonsensitive": same, "sensitive": same,
		"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"base64encode": text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }), "base64decode": text(decoded),
		"sha256":     text(func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }),
		"file":       read(root, func(b []byte) string { return string(b) }),
		"filesha256": read(root, func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }),
		"fileexists": exists(root), "fileset": fileset,
	}
	for _, name := range unknown {
		all[name] = function.New(&function.Spec{
			VarParam: &function.Parameter{Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
			Type:     function.StaticReturnType(cty.DynamicPseudoType),
			Impl:     func([]cty.Value, cty.Type) (cty.Value, error) { return cty.DynamicVal, nil },
		})
	}
	return all
}

var same = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

// lookup takes two arguments as well.
var lookup = function.New(&function.Spec{
	VarParam: &function.Parameter{Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if len(args) < 2 || !args[0].IsKnown() || !args[1].IsKnown() {
			return cty.DynamicVal, nil
		}
		in, key := args[0], args[1].AsString()
		if in.Type().IsObjectType() && in.Type().HasAttribute(key) {
			return in.GetAttr(key), nil
		}
		if in.Type().IsMapType() && in.HasIndex(args[1]).True() {
			return in.Index(args[1]), nil
		}
		if len(args) < 3 {
			return cty.NilVal, function.NewArgErrorf(1, "there is no %q", key)
		}
		return args[2], nil
	},
})

// replace takes a regular expression between slashes, as Terraform's does.
var replace = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.String}, {Type: cty.String}, {Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if old := args[1].AsString(); len(old) > 1 && strings.HasPrefix(old, "/") && strings.HasSuffix(old, "/") {
			return stdlib.RegexReplaceFunc.Call([]cty.Value{args[0], cty.StringVal(old[1 : len(old)-1]), args[2]})
		}
		return stdlib.ReplaceFunc.Call(args)
	},
})

// length is that of a text, too.
var length = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType, AllowDynamicType: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if args[0].Type() == cty.String {
			return stdlib.StrlenFunc.Call(args)
		}
		if args[0].Type().IsObjectType() {
			return cty.NumberIntVal(int64(len(args[0].Type().AttributeTypes()))), nil
		}
		return args[0].Length(), nil
	},
})

func two(is func(string, string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}, {Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(is(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func text(make func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(make(args[0].AsString())), nil
		},
	})
}

func decoded(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

// every is alltrue, or anytrue.
func every(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, v := range args[0].AsValueSlice() {
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				if v.IsNull() || v.True() != all {
					return cty.BoolVal(!all), nil
				}
			}
			return cty.BoolVal(all), nil
		},
	})
}

var sum = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		total := cty.Zero
		for it := args[0].ElementIterator(); it.Next(); {
			_, v := it.Element()
			v, err := convert.Convert(v, cty.Number)
			if err != nil {
				return cty.NilVal, err
			}
			total = total.Add(v)
		}
		return total, nil
	},
})

var one = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		all := args[0].AsValueSlice()
		switch len(all) {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			return all[0], nil
		}
		return cty.NilVal, function.NewArgErrorf(0, "it has %d elements", len(all))
	},
})

// below is a file that a path of Terraform names: path.module begins with the root of the tree here.
func below(root, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(root, name)
}

func read(root string, of func([]byte) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			b, err := os.ReadFile(below(root, args[0].AsString())) //nolint:gosec // what the HCL names
			if err != nil {
				return cty.UnknownVal(cty.String), nil //nolint:nilerr // it may be made by a build
			}
			return cty.StringVal(of(b)), nil
		},
	})
}

func exists(root string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, err := os.Stat(below(root, args[0].AsString()))
			return cty.BoolVal(err == nil), nil
		},
	})
}

// fileset is not evaluated: nothing here depends on which files there are.
var fileset = function.New(&function.Spec{
	Params: []function.Parameter{{Type: cty.String}, {Type: cty.String}},
	Type:   function.StaticReturnType(cty.Set(cty.String)),
	Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
		return cty.UnknownVal(cty.Set(cty.String)), nil
	},
})
