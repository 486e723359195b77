package firestorerest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
)

// Options configure Tenants. Only Project is required.
type Options struct {
	// Project is the identifier of the Google Cloud project, and Database that of the Firestore database; empty is "(default)".
	Project, Database string
	// Emulator is host:port of an emulator to use instead of the service.
	Emulator string
	// Retention is how long topics keep messages, by which documents are checked; 0 is realtime.DefaultRetention.
	Retention time.Duration
	// Metrics counts calls that failed and malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each malformed document; nil discards.
	Logger *slog.Logger
}

// Tenants is a realtime.TenantSource of the documents that gcpfirestore.Tenants writes. It is safe for concurrent use. What asks often does so
// by a tenantcache.Reader.
type Tenants struct {
	o    Options
	base string // URL of the documents
	http *http.Client
	sign oauth2.TokenSource
	paid string // the project that a person's credentials charge; empty: not a person's
}

var _ realtime.TenantSource = (*Tenants)(nil)

// scope is what the tokens of this process are to be good for.
const scope = "https://www.googleapis.com/auth/datastore"

// Open returns the Tenants of a database. It makes no call before it is used, except for credentials.
func Open(ctx context.Context, o Options) (*Tenants, error) {
	o.Retention = cmp.Or(o.Retention, realtime.DefaultRetention)
	if o.Metrics == nil {
		o.Metrics = realtime.NoMetrics{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Tenants{o: o, http: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}} //nolint:forcetypeassert // it is one
	origin := "https://firestore.googleapis.com"
	if o.Emulator != "" {
		origin = "http://" + o.Emulator
		t.sign = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "owner"}) // whom the emulator's rules do not hold
	} else {
		identity, err := google.FindDefaultCredentials(ctx, scope)
		if err != nil {
			return nil, fmt.Errorf("open firestore of project %s: %w", o.Project, err)
		}
		t.sign = oauth2.ReuseTokenSource(nil, identity.TokenSource)
		var file struct {
			QuotaProject string `json:"quota_project_id"`
		}
		if json.Unmarshal(identity.JSON, &file) == nil { // there is none on Cloud Run
			t.paid = file.QuotaProject
		}
	}
	t.base = origin + "/v1/projects/" + url.PathEscape(o.Project) + "/databases/" + url.PathEscape(cmp.Or(o.Database, "(default)")) + "/documents"
	return t, nil
}

// Close lets idle connections go.
func (t *Tenants) Close() error {
	t.http.CloseIdleConnections()
	return nil
}

// The names in the database that this package reads.
const (
	collection = "tenants"
	updatedAt  = "updatedAt" // a field of each document that is not the tenant's
)

// Read returns a document as Firestore has it now.
func (t *Tenants) Read(ctx context.Context, id string) (realtime.TenantState, error) {
	var d document
	err := t.call(ctx, http.MethodGet, "/"+collection+"/"+url.PathEscape(id), nil, &d)
	var failed *callError
	if errors.As(err, &failed) && failed.status == http.StatusNotFound {
		return realtime.TenantState{ID: id}, nil
	}
	if err != nil {
		return realtime.TenantState{}, fmt.Errorf("read tenant %s: %w", id, err)
	}
	return t.state(&d), nil
}

// Changed asks by the one field that every writer sets.
func (t *Tenants) Changed(ctx context.Context, since time.Time) (all []realtime.TenantState, err error) {
	const page = 500
	query := changedSince(since, page)
	for {
		var found []struct {
			Document *document `json:"document"`
		}
		if err := t.call(ctx, http.MethodPost, ":runQuery", map[string]any{"structuredQuery": query}, &found); err != nil {
			return nil, fmt.Errorf("list changed tenants: %w", err)
		}
		n := 0
		for _, f := range found { // one without a document says only when it was read
			if f.Document == nil {
				continue
			}
			n++
			all = append(all, t.state(f.Document))
			query["startAt"] = map[string]any{"values": []any{f.Document.Fields[updatedAt], map[string]any{"referenceValue": f.Document.Name}}, "before": false}
		}
		if n < page {
			return all, nil
		}
	}
}

// changedSince is a query in the order of changes.
func changedSince(since time.Time, limit int) map[string]any {
	by := map[string]any{"fieldPath": updatedAt}
	return map[string]any{
		"from": []any{map[string]any{"collectionId": collection}},
		"where": map[string]any{"fieldFilter": map[string]any{
			"field": by, "op": "GREATER_THAN", "value": map[string]any{"timestampValue": since.UTC().Format(time.RFC3339Nano)},
		}},
		"orderBy": []any{
			map[string]any{"field": by, "direction": "ASCENDING"}, map[string]any{"field": map[string]any{"fieldPath": "__name__"}, "direction": "ASCENDING"},
		},
		"limit": limit,
	}
}

// reasonMalformed is that of gcpfirestore for a tenant's document.
const reasonMalformed realtime.Reason = "firestore malformed tenant"

// Malformed counts and logs a document that holds what nobody here writes.
func (t *Tenants) Malformed(ctx context.Context, id string, fault error) {
	t.o.Metrics.Add(realtime.CountBackendErrors, "", reasonMalformed, 1)
	t.o.Logger.WarnContext(ctx, "a document is malformed", realtime.KeyReason, "tenant", realtime.KeyDocument, collection+"/"+id, realtime.KeyError, fault)
}

func (t *Tenants) state(d *document) realtime.TenantState {
	state := realtime.TenantState{ID: d.Name[strings.LastIndexByte(d.Name, '/')+1:], Exists: true, Version: d.UpdateTime.UnixNano()}
	doc := new(realtime.Tenant)
	err := strict.Decode("the document", d.text(), doc)
	doc.ID, doc.Version = state.ID, state.Version
	if err == nil {
		err = doc.CheckFor(t.o.Retention)
	}
	if err != nil {
		state.Fault = err
	} else {
		state.Doc = doc
	}
	return state
}

// document is one as Firestore's REST interface has it
// (https://firebase.google.com/docs/firestore/reference/rest/v1/projects.databases.documents).
type document struct {
	Name       string                     `json:"name"`
	Fields     map[string]json.RawMessage `json:"fields"`
	UpdateTime time.Time                  `json:"updateTime"`
}

// text writes the fields of a document as JSON. What JSON cannot say is left to be refused as what it is not.
func (d *document) text() []byte {
	fields := make(map[string]any, len(d.Fields))
	for name, value := range d.Fields {
		if name != updatedAt {
			fields[name] = plain(value)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		text = fmt.Appendf(nil, "%q", err.Error())
	}
	return text
}
