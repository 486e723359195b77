package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/verify/terraform"
)

// plan is what Terraform computes for the fleet: the topics that it would make, and what it would tell each program.
type plan struct {
	topics       map[string]terraform.Topic
	environments map[string]map[string]string // by short name of a service or function
	documents    map[string]json.RawMessage   // placement and limits of each tenant
	database     string
}

// planned has Terraform plan a deployment with the tenants.
func planned(t *testing.T, project string, docs []*realtime.Tenant) plan {
	t.Helper()
	type settings struct {
		Placement string          `json:"placement,omitempty"`
		Limits    realtime.Limits `json:"limits,omitzero"`
	}
	tenants := map[string]settings{}
	for _, doc := range docs {
		tenants[doc.ID] = settings{doc.Placement, doc.Limits}
	}
	outputs, err := terraform.Outputs(t.Context(), filepath.Join("..", "..", "terraform", "modules", "plan"), map[string]any{
		"project": project, "number": "1", "region": "europe-west1", "shards": sharedTopics, "telemetry": false, "tenants": tenants,
	})
	if errors.Is(err, terraform.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skipf("NOT TESTED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var p plan
	var lost terraform.Lost
	for name, into := range map[string]any{
		"topics": &p.topics, "environments": &p.environments, "documents": &p.documents, "database": &p.database, "lost": &lost,
	} {
		if err := json.Unmarshal(outputs[name], into); err != nil {
			t.Fatalf("output %s of the plan: %v", name, err)
		}
	}
	for _, name := range []string{lost.Topic, lost.DeadTopic} { // which have no settings
		p.topics[name] = terraform.Topic{}
	}
	return p
}

// document returns a tenant's document as who deploys it would write it: placement and limits are those of the plan.
func (p plan) document(t *testing.T, doc *realtime.Tenant) *realtime.Tenant {
	t.Helper()
	made := *doc
	made.Placement, made.Limits = "", realtime.Limits{}
	if err := json.Unmarshal(p.documents[doc.ID], &made); err != nil {
		t.Fatalf("the plan's document of %s: %v", doc.ID, err)
	}
	return &made
}

// provision makes the topics of the plan, as Terraform would, and sees at the end of the test that there are no
// others and that nobody has changed one.
func (f *fleet) provision() {
	f.t.Helper()
	client := f.messages()
	for name, topic := range f.plan.topics {
		want := &pubsubpb.Topic{Name: "projects/" + f.project + "/topics/" + name, Labels: topic.Labels}
		if topic.RetentionSeconds > 0 {
			want.MessageRetentionDuration = durationpb.New(time.Duration(topic.RetentionSeconds) * time.Second)
		}
		if _, err := client.TopicAdminClient.CreateTopic(f.t.Context(), want); err != nil {
			f.t.Fatalf("topic %s of the plan: %v", name, err)
		}
	}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			return // the emulator may be gone
		}
		for name, topic := range f.topics(client) {
			want, ok := f.plan.topics[name]
			if !ok {
				f.t.Errorf("somebody made the topic %s, which is not of the plan", name)
				continue
			}
			want.Tenant, want.Shard = nil, nil
			if diff := cmp.Diff(want, topic); diff != "" {
				f.t.Errorf("topic %s (-planned +there):\n%s", name, diff)
			}
		}
	})
}

// topics returns the topics that there are, with their settings.
func (f *fleet) topics(client *pubsub.Client) map[string]terraform.Topic {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all := map[string]terraform.Topic{}
	topics := client.TopicAdminClient.ListTopics(ctx, &pubsubpb.ListTopicsRequest{Project: "projects/" + f.project})
	for {
		topic, err := topics.Next()
		if errors.Is(err, iterator.Done) {
			return all
		}
		if err != nil {
			f.t.Fatal(err)
		}
		name := topic.GetName()[strings.LastIndexByte(topic.GetName(), '/')+1:]
		all[name] = terraform.Topic{RetentionSeconds: int(topic.GetMessageRetentionDuration().GetSeconds()), Labels: topic.GetLabels()}
	}
}
