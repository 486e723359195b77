package httpapi_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/internal/schema"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// description is openapi.json, taken apart as far as the tests need it.
type description struct {
	Paths      map[string]map[string]operation
	Components struct {
		Responses  map[string]response
		Parameters map[string]struct {
			Name   string
			Schema json.RawMessage
		}
		Schemas map[string]struct {
			Properties map[string]json.RawMessage
			Enum       []string
		}
	}

	document *schema.Document
}

type operation struct {
	OperationID string
	Parameters  []reference
	RequestBody struct{ Content map[string]media }
	Responses   map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	Content map[string]media
	Headers map[string]json.RawMessage
}

type reference struct {
	Ref string `json:"$ref"`
}

type media struct{ Example json.RawMessage }

func describe(t testing.TB) *description {
	t.Helper()
	var d description
	if err := json.Unmarshal([]byte(httpapi.Description), &d); err != nil {
		t.Fatal(err)
	}
	document, err := schema.Read([]byte(httpapi.Description))
	if err != nil {
		t.Fatal(err)
	}
	d.document = document
	return &d
}

// check validates a document by the schema at a pointer into openapi.json.
func (d *description) check(pointer string, text []byte) error {
	return d.document.Validate(pointer, text)
}

func escape(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(s)
}

// path finds the template of a request's path.
func (d *description) path(escaped string) string {
	have := strings.Split(escaped, "/")
	for template := range d.Paths {
		want := strings.Split(template, "/")
		if len(have) == len(want) && !slices.ContainsFunc(want, func(s string) bool {
			at := slices.Index(want, s)
			return !strings.HasPrefix(s, "{") && have[at] != s
		}) {
			return template
		}
	}
	return ""
}

// checkRequest validates a body that was found good.
func (d *description) checkRequest(method, escapedPath, contentType string, body []byte) error {
	template := d.path(escapedPath)
	pointer := "/paths/" + escape(template) + "/" + strings.ToLower(method) + "/requestBody/content/" + escape(contentType) + "/schema"
	return d.check(pointer, body)
}

// checkAnswer validates an answer: its status has to be listed, and its body what is said of it.
func (d *description) checkAnswer(method, escapedPath string, status int, header http.Header, body []byte) error {
	template := d.path(escapedPath)
	op, ok := d.Paths[template][strings.ToLower(method)]
	if !ok {
		if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
			return d.check("/components/schemas/Problem", body)
		}
		return fmt.Errorf("%s %s is not described", method, escapedPath)
	}
	pointer := "/paths/" + escape(template) + "/" + strings.ToLower(method) + "/responses/" + strconv.Itoa(status)
	r, ok := op.Responses[strconv.Itoa(status)]
	if !ok {
		return fmt.Errorf("%s %s may not answer %d", method, template, status)
	}
	if r.Ref != "" {
		pointer = strings.TrimPrefix(r.Ref, "#")
		r = d.Components.Responses[pointer[strings.LastIndexByte(pointer, '/')+1:]]
	}
	for name := range r.Headers {
		if header.Get(name) == "" {
			return fmt.Errorf("%d comes without %s", status, name)
		}
	}
	if len(r.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%d comes with a body", status)
		}
		return nil
	}
	if _, ok := r.Content[header.Get("Content-Type")]; !ok {
		return fmt.Errorf("%d comes as %q", status, header.Get("Content-Type"))
	}
	return d.check(pointer+"/content/"+escape(header.Get("Content-Type"))+"/schema", body)
}

// TestRoutesAreDescribed finds every route in openapi.json, and nothing else there but what others serve.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	want := []string{ // of functions/ingest and of the gateway
		"POST /v1/tenants/{tenant}/events", "GET /v1/events", "GET /v1/socket",
	}
	want = append(want, httpapi.Routes()...)
	var got []string
	ids := map[string]bool{}
	for path, operations := range describe(t).Paths {
		for method, op := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is missing or taken", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			var named []string
			for _, p := range op.Parameters {
				named = append(named, "{"+strings.TrimPrefix(p.Ref, "#/components/parameters/")+"}")
			}
			for _, segment := range strings.Split(path, "/") {
				if strings.HasPrefix(segment, "{") && !slices.Contains(named, segment) {
					t.Errorf("%s %s does not describe %s", method, path, segment)
				}
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-routes +described):\n%s", diff)
	}
}

func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	d := describe(t)
	n := 0
	content := func(pointer string, all map[string]media) {
		for name, m := range all {
			at := pointer + "/content/" + escape(name)
			if m.Example == nil {
				if name == "application/json" && !strings.Contains(pointer, "openapi.json") {
					t.Errorf("%s has no example", at)
				}
				continue
			}
			n++
			if err := d.check(at+"/schema", m.Example); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
	}
	for path, operations := range d.Paths {
		for method, op := range operations {
			pointer := "/paths/" + escape(path) + "/" + method
			content(pointer+"/requestBody", op.RequestBody.Content)
			for status, r := range op.Responses {
				if _, ok := d.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]; r.Ref != "" && !ok {
					t.Errorf("%s: there is no %s", pointer, r.Ref)
				}
				content(pointer+"/responses/"+status, r.Content)
			}
		}
	}
	for name, r := range d.Components.Responses {
		content("/components/responses/"+name, r.Content)
	}
	if n < 30 {
		t.Errorf("only %d examples were looked at", n)
	}
}

// TestSchemasAreTheTypes compares the properties of a tenant document with the fields of its types.
func TestSchemasAreTheTypes(t *testing.T) {
	t.Parallel()
	d := describe(t)
	for name, value := range map[string]any{
		"Tenant": realtime.Tenant{}, "Limits": realtime.Limits{}, "Namespace": realtime.Namespace{}, "Key": realtime.Key{}, "Hook": realtime.Hook{}, "Connection": realtime.ConnectionDoc{},
	} {
		var want []string
		for i := range reflect.TypeOf(value).NumField() {
			if tag, _, _ := strings.Cut(reflect.TypeOf(value).Field(i).Tag.Get("json"), ","); tag != "-" {
				want = append(want, tag)
			}
		}
		var got []string
		for property := range d.Components.Schemas[name].Properties {
			got = append(got, property)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", name, diff)
		}
	}
	var parts []string
	for _, part := range httpapi.Parts() {
		parts = append(parts, string(part))
	}
	if diff := cmp.Diff(parts, d.Components.Schemas["Part"].Enum); diff != "" {
		t.Errorf("parts of manage (-routes +schema):\n%s", diff)
	}
	var codes []string
	file, err := parser.ParseFile(token.NewFileSet(), "../codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Code" {
				codes = append(codes, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	got := slices.Sorted(slices.Values(d.Components.Schemas["Code"].Enum))
	slices.Sort(codes)
	if diff := cmp.Diff(codes, got); diff != "" || len(codes) == 0 {
		t.Errorf("codes (-realtime +schema):\n%s", diff)
	}
}

func TestDescriptionIsServed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	httpapi.New(httpapi.Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/openapi.json", nil))
	if w.Code != 200 || w.Body.String() != httpapi.Description || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d, %q, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
}
