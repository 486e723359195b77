package terraform

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
)

// Tree is the source of the HCL of a folder and of all that are below it. Each folder with .tf files is a module. What the HCL says is
// Terraform's to tell; a Tree knows what is written where.
type Tree struct {
	root    string
	modules map[string]*module // by folder, relative to root and with slashes
	faults  problems           // of reading
}

// module is one folder.
type module struct {
	dir    string
	root   bool               // no other module calls it
	blocks []*hclsyntax.Block // all of the top level
	used   map[string]bool    // what is referred to: "var.x", "local.y", "data.z.n"
}

// Read reads the HCL below a folder. What cannot be read there is among the Problems of
// the Tree; the error says that the folder cannot be read.
func Read(root string) (*Tree, error) {
	t := &Tree{root: root, modules: map[string]*module{}}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != root || entry.Name() == "node_modules" || entry.Name() == "testdata" && name != root) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".tf") {
			return nil
		}
		return t.file(name)
	})
	if err != nil {
		return nil, fmt.Errorf("reading HCL: %w", err)
	}
	for _, m := range t.modules {
		for _, call := range m.all("module") {
			if called := t.called(m, call); called != nil {
				called.root = false
			}
		}
	}
	return t, nil
}

// file reads one file into its module.
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
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			t.faults.at(RuleSyntax, *d.Subject, "%s: %s", d.Summary, d.Detail)
		}
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	dir := path.Dir(relative)
	m := t.modules[dir]
	if m == nil {
		m = &module{dir: dir, root: true, used: map[string]bool{}}
		t.modules[dir] = m
	}
	m.blocks = append(m.blocks, body.Blocks...)
	for _, block := range body.Blocks {
		m.uses(block, "")
	}
	return nil
}

// uses notes what the expressions in a block refer to. A variable's own validation is no use of it.
func (m *module) uses(block *hclsyntax.Block, variable string) {
	if block.Type == "variable" && len(block.Labels) == 1 {
		variable = "var." + block.Labels[0]
	}
	for _, attribute := range block.Body.Attributes {
		for _, traversal := range hclsyntax.Variables(attribute.Expr) {
			name := traversal.RootName() + "." + attributeAt(traversal, 1)
			if root := traversal.RootName(); root == "data" || root == "ephemeral" {
				name += "." + attributeAt(traversal, 2)
			}
			if name != variable {
				m.used[name] = true
			}
		}
	}
	for _, inner := range block.Body.Blocks {
		m.uses(inner, variable)
	}
}

// all are the blocks of a kind in the order of their files.
func (m *module) all(kind string) []*hclsyntax.Block {
	var all []*hclsyntax.Block
	for _, block := range m.blocks {
		if block.Type == kind && len(block.Labels) > 0 {
			all = append(all, block)
		}
	}
	return all
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
	if len(m.required()) > 0 || len(m.all("resource"))+len(m.all("data"))+len(m.all("ephemeral")) > 0 {
		return true
	}
	return slices.ContainsFunc(m.all("module"), func(call *hclsyntax.Block) bool {
		called := t.called(m, call)
		return called == nil || t.needsProvider(called)
	})
}

// called is the module that a call names, or nil.
func (t *Tree) called(m *module, call *hclsyntax.Block) *module {
	text, ok := literal(call.Body.Attributes["source"])
	if !ok || !strings.HasPrefix(text, "./") && !strings.HasPrefix(text, "../") {
		return nil
	}
	return t.modules[path.Join(m.dir, text)]
}

// required is what each required provider is given.
func (m *module) required() map[string]*hclsyntax.Attribute {
	all := map[string]*hclsyntax.Attribute{}
	for _, block := range m.blocks {
		for _, inner := range block.Body.Blocks {
			if block.Type == "terraform" && inner.Type == "required_providers" {
				maps.Copy(all, inner.Body.Attributes)
			}
		}
	}
	return all
}

// literal is the text of an argument that is only that.
func literal(attribute *hclsyntax.Attribute) (string, bool) {
	if attribute == nil {
		return "", false
	}
	value, diags := attribute.Expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || !value.IsWhollyKnown() || value.Type().FriendlyName() != "string" {
		return "", false
	}
	return value.AsString(), true
}

// attributeAt is the name of a step, or "".
func attributeAt(traversal hcl.Traversal, at int) string {
	if at >= len(traversal) {
		return ""
	}
	if step, ok := traversal[at].(hcl.TraverseAttr); ok {
		return step.Name
	}
	return ""
}
