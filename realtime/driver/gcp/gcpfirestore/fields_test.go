package gcpfirestore

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

// TestFieldsAreThoseOfTheDocuments: each is a field of a document, each document that is to end has one TTL field, as
// Firestore allows, and no field that a query asks for is left without an index.
func TestFieldsAreThoseOfTheDocuments(t *testing.T) {
	t.Parallel()
	documents := map[string]struct {
		tag   string
		is    reflect.Type
		asked []string
	}{
		connectionsCollection: {"firestore", reflect.TypeFor[connectionDocument](), []string{"user", "groups", "instance"}},
		instancesCollection:   {"firestore", reflect.TypeFor[leaseDocument](), nil},
		usersCollection:       {"firestore", reflect.TypeFor[userDocument](), nil},
		stateCollection:       {"firestore", reflect.TypeFor[stateDocument](), []string{"key"}},
		channelsCollection:    {"firestore", reflect.TypeFor[channelDocument](), nil},
		topicsCollection:      {"firestore", reflect.TypeFor[topicDocument](), nil},
		occupanciesCollection: {"firestore", reflect.TypeFor[occupancyDocument](), []string{"instances", "dueAt"}},
		tenantsCollection:     {"json", reflect.TypeFor[realtime.Tenant](), []string{updatedAt}},
	}
	ttl := map[string]int{}
	for _, f := range Fields() {
		doc := documents[f.Collection]
		known := false
		for i := range doc.is.NumField() {
			name, _, _ := strings.Cut(doc.is.Field(i).Tag.Get(doc.tag), ",")
			known = known || name == f.Name
		}
		if !known {
			t.Errorf("%s has no field %s", f.Collection, f.Name)
		}
		if f.TTL {
			ttl[f.Collection]++
		}
		for _, name := range doc.asked {
			if f.Plain && f.Name == name {
				t.Errorf("%s.%s is asked for, and has no index", f.Collection, name)
			}
		}
		if f.Plain && (f.Group || f.Array) {
			t.Errorf("%s.%s has an index and none", f.Collection, f.Name)
		}
	}
	for _, collection := range []string{connectionsCollection, instancesCollection, usersCollection, stateCollection, channelsCollection, occupanciesCollection} {
		if ttl[collection] != 1 {
			t.Errorf("%s has %d TTL fields, want 1", collection, ttl[collection])
		}
	}
}
