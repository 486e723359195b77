package terraform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// retention is that of topics which the driver makes: its default, which its tests hold it to and TestEnsured compares
// with what it makes.
const retention = 10 * time.Minute

// topics: those of tenants have the names that programs publish to and follow, and keep as much as a replay may ask for;
// lost connections go where somebody can have them, and from there to dead letters.
func topics(d *deployed, found *problems) {
	shards := 2
	placed := realtime.Placed(shards)
	wanted := map[string]bool{}
	for n := range shards {
		wanted[string(realtime.PooledTopic(n))] = true
	}
	for _, id := range sortedKeys(d.plan().Tenants) {
		topic := string(placed(&realtime.Tenant{ID: id, Placement: d.plan().Tenants[id].Placement}))
		wanted[topic] = true
		if _, ok := d.plan().Topics[topic]; !ok {
			found.add(RuleValue, "modules/plan", "the tenant %s is on the topic %s, and nobody makes that", id, topic)
		}
	}
	made := map[string]Instance{}
	for _, i := range of(d.root(), "google_pubsub_topic") {
		name, _ := i.Text("name")
		made[name] = i
	}
	spoken := d.plan().Environments["gateway"]["TIDEWIRE_PUBSUB_REGION"]
	for _, name := range sortedKeys(made) {
		if kept := made[name].Texts("message_storage_policy", "allowed_persistence_regions"); spoken == "" || !slices.Equal(kept, []string{spoken}) {
			found.add(RuleValue, made[name].Address, "%s keeps messages in %v, and programs speak to Pub/Sub in %q", made[name].Address, kept, spoken)
		}
	}
	for _, name := range sortedKeys(d.plan().Topics) {
		if !wanted[name] {
			found.add(RuleValue, "modules/plan", "nobody uses the topic %s", name)
		}
		if t := d.plan().Topics[name]; time.Duration(t.RetentionSeconds)*time.Second < retention || t.Labels["tidewire"] != "topic" {
			found.add(RuleValue, "modules/plan", "the topic %s keeps %d s and has the labels %v, and the driver would make it otherwise", name, t.RetentionSeconds, t.Labels)
		}
		i, ok := made[name]
		if !ok {
			found.add(RuleValue, "modules/pubsub", "nobody makes the topic %s", name)
			continue
		}
		if kept, _ := i.Text("message_retention_duration"); kept != fmt.Sprintf("%ds", d.plan().Topics[name].RetentionSeconds) {
			found.add(RuleValue, i.Address, "%s keeps %s, and modules/plan says %d s", i.Address, kept, d.plan().Topics[name].RetentionSeconds)
		}
	}
	lost(d, made, found)
}

func lost(d *deployed, made map[string]Instance, found *problems) {
	janitor, _ := d.program("janitor")
	topic := janitor.Environment()["TIDEWIRE_LIFECYCLE_TOPIC"].Value
	if _, ok := made[topic]; !ok {
		found.add(RuleValue, janitor.Address, "the janitor publishes to %q, and nobody makes that", topic)
	}
	gateway, _ := d.program("gateway")
	if other := gateway.Environment()["TIDEWIRE_LIFECYCLE_TOPIC"].Value; other != topic {
		found.add(RuleValue, gateway.Address, "the gateway tells %q of channels, and the janitor %q", other, topic)
	}
	pulled := false
	for _, i := range of(d.root(), "google_pubsub_subscription") {
		of, _ := i.Text("topic")
		letters, _ := i.Text("dead_letter_policy", "dead_letter_topic")
		if expires, ok := i.Text("expiration_policy", "ttl"); !ok || expires != "" {
			found.add(RuleValue, i.Address, "%s expires when nobody reads it", i.Address)
		}
		if of == reference(made[topic]) {
			pulled = pulled || len(i.List("push_config")) == 0
			if letters != reference(made[d.plan().Lost.DeadTopic]) {
				found.add(RuleValue, i.Address, "%s has no dead letters", i.Address)
			}
		}
	}
	if !pulled {
		found.add(RuleValue, "modules/pubsub", "nobody can pull lost connections from %s", topic)
	}
}

// reference is what a reference to a resource's id has.
func reference(i Instance) string {
	id, _ := i.Text("id")
	return strings.TrimSpace(id)
}
