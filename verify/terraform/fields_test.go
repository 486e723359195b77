package terraform

import (
	"slices"

	"github.com/tidewire/tidewire/realtime/driver/gcp/gcpfirestore"
)

// fields: what is set for single fields in Firestore is what the driver's queries and writes need.
func fields(d *deployed, found *problems) {
	wanted := map[string]Field{}
	for _, f := range gcpfirestore.Fields() {
		wanted[f.Collection+"."+f.Name] = Field{f.Collection, f.Name, f.TTL, f.Group, f.Plain, f.Array}
	}
	for _, name := range sortedKeys(d.plan().Fields) {
		if d.plan().Fields[name] != wanted[name] {
			found.add(RuleValue, "modules/plan/fields.tf", "%s is %+v, and the driver says %+v", name, d.plan().Fields[name], wanted[name])
		}
	}
	made := map[string]bool{}
	for _, i := range of(d.root(), "google_firestore_field") {
		collection, _ := i.Text("collection")
		field, _ := i.Text("field")
		f := wanted[collection+"."+field]
		made[collection+"."+field] = true
		if ttl := len(i.List("ttl_config")) > 0; ttl != f.TTL {
			found.add(RuleValue, i.Address, "%s: removed by time is %v, and the driver says %v", i.Address, ttl, f.TTL)
		}
		scopes := scopes(i)
		var want []string
		if !f.Plain {
			want = append(want, "COLLECTION")
		}
		if f.Group || f.Array {
			want = append(want, "COLLECTION_GROUP")
		}
		if !slices.Equal(scopes, want) {
			found.add(RuleValue, i.Address, "%s has indexes of %v, and the driver needs %v", i.Address, scopes, want)
		}
	}
	for _, name := range sortedKeys(wanted) {
		if _, planned := d.plan().Fields[name]; !planned || !made[name] {
			found.add(RuleValue, "modules/plan/fields.tf", "nothing is set for %s, and the driver says %+v", name, wanted[name])
		}
	}
}

// scopes are those of the indexes of a field.
func scopes(i Instance) []string {
	if len(i.List("index_config")) == 0 {
		return []string{"no index_config"}
	}
	var all []string
	for _, index := range i.Blocks("index_config", "indexes") {
		scope, _ := index.Text("query_scope")
		all = append(all, scope)
	}
	slices.Sort(all)
	return all
}
