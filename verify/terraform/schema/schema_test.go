package schema

import (
	"slices"
	"testing"
)

func TestGoogle(t *testing.T) {
	t.Parallel()
	google, err := Google()
	if err != nil {
		t.Fatal(err)
	}
	topic := google.ResourceSchemas["google_pubsub_topic"].Block
	if !topic.Attributes["name"].Required || topic.Attributes["name"].AttributeType.FriendlyName() != "string" {
		t.Errorf("a topic's name: %+v", topic.Attributes["name"])
	}
	version := google.ResourceSchemas["google_secret_manager_secret_version"].Block
	if !version.Attributes["secret_data_wo"].WriteOnly {
		t.Error("secret_data_wo is not write-only")
	}
	service := google.ResourceSchemas["google_cloud_run_v2_service"].Block
	if uri := service.Attributes["uri"]; uri.Optional || !uri.Computed {
		t.Errorf("a service's uri: %+v", uri)
	}
	if template := service.NestedBlocks["template"]; template.MinItems != 1 || template.MaxItems != 1 {
		t.Errorf("a service's template: %d to %d", template.MinItems, template.MaxItems)
	}
	if values := Values(service.Attributes["ingress"]); !slices.Contains(values, "INGRESS_TRAFFIC_ALL") {
		t.Errorf("a service's ingress may be %v", values)
	}
	project := google.DataSourceSchemas["google_project"].Block
	if number := project.Attributes["number"]; number.Optional || !number.Computed {
		t.Errorf("a project's number: %+v", number)
	}
}
