package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"a resource", []string{"google_pubsub_topic"}, []string{"name = string (required)", "effective_labels = map of string (only read)", "schema_settings {  # optional, at most 1"}},
		{"values", []string{"google_cloud_run_v2_service"}, []string{"ingress = string (optional) INGRESS_TRAFFIC_ALL | ", "template {  # at least 1, at most 1"}},
		{"a data source", []string{"data", "google_project"}, []string{"number = string (only read)"}},
		{"write-only", []string{"google_secret_manager_secret_version"}, []string{"secret_data_wo = string (optional, write-only)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := run(tt.args, &out); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in\n%s", want, out.String())
				}
			}
		})
	}
}

func TestRunWithoutAType(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{"google_pubsub_subscription": nil, "google_client_config": {"data"}, "types.txt": {"google_nothing"}} {
		if err := run(args, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
