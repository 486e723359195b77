package check

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/tidewire/tidewire/terraform/check/schema"
)

// Tree is the HCL of a folder and of all that are below it. Each folder with .tf files is a module.
type Tree struct {
	root      string
	modules   map[string]*module // by folder, relative to root and with slashes
	google    *tfjson.ProviderSchema
	functions map[string]function.Function
	faults    problems // of reading
}

// module is one folder.
type module struct {
	dir       string
	root      bool // no other module calls it
	variables map[string]*variable
	outputs   map[string]*hclsyntax.Block
	locals    map[string]*hclsyntax.Attribute
	resources map[string]*resource // by address: "google_x.y", "data.google_x.y", "ephemeral.random_x.y"
	calls     map[string]*hclsyntax.Block
	providers map[string]*hclsyntax.Block // by name, with a dot and the alias if there is one
	required  map[string]hcl.Expression   // what each required provider is given
	blocks    []*hclsyntax.Block          // all of the top level
	settings  *hclsyntax.Block            // the first of type terraform
}

// resource is a block of a resource, a data source or an ephemeral resource.
type resource struct {
	kind, typ, name string
	block           *hclsyntax.Block
}

func (r *resource) address() string {
	if r.kind == "resource" {
		return r.typ + "." + r.name
	}
	return r.kind + "." + r.typ + "." + r.name
}

// Read reads the HCL below a folder. What cannot be read there is among the Problems of
// the Tree; the error says that the folder cannot be read.
func Read(root string) (*Tree, error) {
	google, err := schema.Google()
	if err != nil {
		return nil, err
	}
	t := &Tree{root: root, modules: map[string]*module{}, google: google, functions: functions(root)}
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != root || entry.Name() == "node_modules" || entry.Name() == "testdata" && name != root) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".tf") && !strings.HasSuffix(name, ".tftest.hcl") {
			return nil
		}
		return t.file(name)
	})
	if err != nil {
		return nil, fmt.Errorf("reading HCL: %w", err)
	}
	for _, m := range t.modules {
		m.root = true
	}
	for _, m := range t.modules {
		for _, call := range m.calls {
			if called := t.called(m, call); called != nil {
				called.root = false
			}
		}
	}
	return t, nil
}

// file reads one file into its module. Of tests only the syntax is looked at: Terraform runs them.
func (t *Tree) file(name string) error {
	text, err := os.ReadFile(name) //nolint:gosec // below the folder that the caller names
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(t.root, name)
	if err != nil {
		return err
	}
	relative = filepath.ToSlash(relative)
	file, diags := hclsyntax.ParseConfig(text, relative, hcl.InitialPos)
	t.faults.diagnosed(RuleSyntax, diags)
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok || strings.HasSuffix(name, ".tftest.hcl") {
		return nil
	}
	dir := path.Dir(relative)
	m := t.modules[dir]
	if m == nil {
		m = &module{
			dir: dir, variables: map[string]*variable{}, outputs: map[string]*hclsyntax.Block{}, locals: map[string]*hclsyntax.Attribute{},
			resources: map[string]*resource{}, calls: map[string]*hclsyntax.Block{}, providers: map[string]*hclsyntax.Block{}, required: map[string]hcl.Expression{},
		}
		t.modules[dir] = m
	}
	for _, attribute := range body.Attributes {
		t.faults.add(RuleArgument, attribute.Range(), "an argument outside of all blocks: %s", attribute.Name)
	}
	m.blocks = append(m.blocks, body.Blocks...)
	for _, block := range body.Blocks {
		t.declare(m, block)
	}
	return nil
}

// Modules lists the folders that are modules.
func (t *Tree) Modules() []string { return slices.Sorted(maps.Keys(t.modules)) }

// Roots lists the modules that no other calls.
func (t *Tree) Roots() []string {
	return slices.DeleteFunc(t.Modules(), func(dir string) bool { return !t.modules[dir].root })
}

// WithoutProviders lists the modules that Terraform can run by itself: those that require no
// provider, and call none that does.
func (t *Tree) WithoutProviders() []string {
	return slices.DeleteFunc(t.Modules(), func(dir string) bool { return t.needsProvider(t.modules[dir]) })
}

func (t *Tree) needsProvider(m *module) bool {
	if len(m.required) > 0 || len(m.resources) > 0 {
		return true
	}
	for _, call := range m.calls {
		if called := t.called(m, call); called == nil || t.needsProvider(called) {
			return true
		}
	}
	return false
}

// called is the module that a call names, or nil.
func (t *Tree) called(m *module, call *hclsyntax.Block) *module {
	source, ok := call.Body.Attributes["source"]
	if !ok {
		return nil
	}
	text, ok := literal(source.Expr)
	if !ok || !strings.HasPrefix(text, "./") && !strings.HasPrefix(text, "../") {
		return nil
	}
	return t.modules[path.Join(m.dir, text)]
}

// Problems says what is wrong with the HCL by itself.
func (t *Tree) Problems() []Problem {
	found := slices.Clone(t.faults)
	for _, dir := range t.Modules() {
		m := t.modules[dir]
		c := &checker{tree: t, module: m, problems: &found, used: map[string]bool{}}
		c.structure()
		c.resources()
		c.calls()
		c.references()
		c.declarations()
	}
	return found.sorted()
}

// checker looks at one module.
type checker struct {
	tree     *Tree
	module   *module
	problems *problems
	used     map[string]bool // what is referred to: "var.x", "local.y", "data.z.n"
}

func (c *checker) add(rule Rule, where hcl.Range, format string, args ...any) {
	c.problems.add(rule, where, format, args...)
}
