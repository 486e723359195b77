package settings_test

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/functions/settings"
)

type env map[string]string

func (e env) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  env
		want settings.Settings
	}{
		{
			"memory", env{"TIDEWIRE_BACKEND": "memory", "TIDEWIRE_TENANTS": "tenants.json"},
			settings.Settings{Backend: settings.Memory, TenantsFile: "tenants.json", Retention: 10 * time.Minute, JanitorGrace: 5 * time.Minute, JanitorTime: 50 * time.Second, KeeperTime: 50 * time.Second, ProbeTime: 50 * time.Second, ProbeHeld: 6, ShownTenants: 20, CrawlerDelay: time.Second, CrawlerTime: 8 * time.Minute},
		},
		{
			"the least for gcp", env{"TIDEWIRE_BACKEND": "gcp:my-project-1"},
			settings.Settings{Backend: settings.GCP, Project: "my-project-1", Retention: 10 * time.Minute, JanitorGrace: 5 * time.Minute, JanitorTime: 50 * time.Second, KeeperTime: 50 * time.Second, ProbeTime: 50 * time.Second, ProbeHeld: 6, ShownTenants: 20, CrawlerDelay: time.Second, CrawlerTime: 8 * time.Minute},
		},
		{
			"everything",
			env{
				"TIDEWIRE_BACKEND": "gcp:my-project-1", "TIDEWIRE_DATABASE": "live", "TIDEWIRE_SHARDS": "16", "TIDEWIRE_RETENTION": "24h", "TIDEWIRE_PUBSUB_REGION": "europe-west1",
				"TIDEWIRE_LIFECYCLE_TOPIC": "tidewire-lost", "TIDEWIRE_JANITOR_GRACE": "10m", "TIDEWIRE_JANITOR_TIME": "4m", "TIDEWIRE_KEEPER_TIME": "40s",
				"TIDEWIRE_TELEMETRY": "otlp:127.0.0.1:4317", "K_SERVICE": "tidewire-janitor", "K_REVISION": "tidewire-janitor-1", "TIDEWIRE_REGION": "europe-west1",
				"TIDEWIRE_GATEWAY": "https://sockets.example.com", "TIDEWIRE_INGEST": "http://127.0.0.1:8081", "TIDEWIRE_PROBE_TENANT": "probe", "TIDEWIRE_PROBE_TIME": "30s", "TIDEWIRE_PROBE_HELD": "3", "TIDEWIRE_METRICS_TENANTS": "5",
				"TIDEWIRE_CRAWLER_HOSTS": "docs.example.com,*.example.org", "TIDEWIRE_CRAWLER_DELAY": "2s", "TIDEWIRE_CRAWLER_TIME": "1m", "TIDEWIRE_FILTER_RULES": "{}",
				"TIDEWIRE_LOG_LEVEL": "warn", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:2",
			},
			settings.Settings{
				Backend: settings.GCP, Project: "my-project-1", Database: "live", Shards: 16, Retention: 24 * time.Hour, LifecycleTopic: "tidewire-lost",
				JanitorGrace: 10 * time.Minute, JanitorTime: 4 * time.Minute, KeeperTime: 40 * time.Second, LogLevel: slog.LevelWarn,
				Telemetry: "otlp:127.0.0.1:4317", Service: "tidewire-janitor", Revision: "tidewire-janitor-1", Region: "europe-west1",
				Gateway: "https://sockets.example.com", Ingest: "http://127.0.0.1:8081", ProbeTenant: "probe", ProbeTime: 30 * time.Second, ProbeHeld: 3, ShownTenants: 5, PubSubRegion: "europe-west1", PubSubEmulator: "127.0.0.1:1", FirestoreEmulator: "127.0.0.1:2",
				CrawlerHosts: []string{"docs.example.com", "*.example.org"}, CrawlerDelay: 2 * time.Second, CrawlerTime: time.Minute, FilterRules: "{}",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := settings.Read(c.env.lookup)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  env
		want []string // a line each
	}{
		{"nothing is set", env{}, []string{"TIDEWIRE_BACKEND: is not set"}},
		{"another backend", env{"TIDEWIRE_BACKEND": "redis:6379"}, []string{`TIDEWIRE_BACKEND: must be gcp:PROJECT or memory, got "redis:6379"`}},
		{"memory with something behind it", env{"TIDEWIRE_BACKEND": "memory:x"}, []string{`TIDEWIRE_BACKEND: must be gcp:PROJECT or memory, got "memory:x"`}},
		{"memory without tenants", env{"TIDEWIRE_BACKEND": "memory"}, []string{"TIDEWIRE_TENANTS: is not set"}},
		{"gcp without a project", env{"TIDEWIRE_BACKEND": "gcp"}, []string{"TIDEWIRE_BACKEND:"}},
		{"gcp with a bad project", env{"TIDEWIRE_BACKEND": "gcp:My Project"}, []string{"TIDEWIRE_BACKEND:"}},
		{
			"a probe that knows nothing", env{"TIDEWIRE_BACKEND": "gcp:my-project-1", "FUNCTION_TARGET": "probe"},
			[]string{"TIDEWIRE_GATEWAY: is not set", "TIDEWIRE_INGEST: is not set", "TIDEWIRE_PROBE_TENANT: is not set"},
		},
		{"memory that keeps more", env{"TIDEWIRE_BACKEND": "memory", "TIDEWIRE_TENANTS": "tenants.json", "TIDEWIRE_RETENTION": "1h"}, []string{"TIDEWIRE_RETENTION: must be 10m"}},
		{"a region that is a zone", env{"TIDEWIRE_BACKEND": "gcp:my-project-1", "TIDEWIRE_PUBSUB_REGION": "europe-west1-b"}, []string{"TIDEWIRE_PUBSUB_REGION:"}},
		{
			"all of them",
			env{
				"TIDEWIRE_BACKEND": "gcp:", "TIDEWIRE_TENANTS": "tenants.json", "TIDEWIRE_SHARDS": "-1", "TIDEWIRE_RETENTION": "9m",
				"TIDEWIRE_LIFECYCLE_TOPIC": "projects/p/topics/t", "TIDEWIRE_JANITOR_GRACE": "30s", "TIDEWIRE_JANITOR_TIME": "a while", "TIDEWIRE_KEEPER_TIME": "2m",
				"TIDEWIRE_GATEWAY": "sockets.example.com", "TIDEWIRE_INGEST": "https://in.example.com/v1", "TIDEWIRE_PROBE_TENANT": "tenants/probe", "TIDEWIRE_PROBE_TIME": "2m", "TIDEWIRE_PROBE_HELD": "16", "TIDEWIRE_METRICS_TENANTS": "-1",
				"TIDEWIRE_TELEMETRY": "stackdriver", "TIDEWIRE_LOG_LEVEL": "loud", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
			},
			[]string{
				"TIDEWIRE_TELEMETRY:", "TIDEWIRE_METRICS_TENANTS:", "TIDEWIRE_SHARDS:", "TIDEWIRE_RETENTION:", "TIDEWIRE_LIFECYCLE_TOPIC:", "TIDEWIRE_JANITOR_GRACE:", "TIDEWIRE_JANITOR_TIME:", "TIDEWIRE_KEEPER_TIME:",
				"TIDEWIRE_GATEWAY:", "TIDEWIRE_INGEST:", "TIDEWIRE_PROBE_TENANT:", "TIDEWIRE_PROBE_TIME:", "TIDEWIRE_PROBE_HELD:", "TIDEWIRE_LOG_LEVEL:", "TIDEWIRE_BACKEND:", "TIDEWIRE_TENANTS:", "PUBSUB_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST:",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := settings.Read(c.env.lookup)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(lines), len(c.want), err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, c.want[i]) {
					t.Errorf("fault %d is %q, want %q...", i, line, c.want[i])
				}
			}
		})
	}
}

// TestDocument compares the table of docs/functions.md with what is read.
func TestDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/functions.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_`, ]+) \\|").FindAllStringSubmatch(string(raw), -1) {
		for _, name := range regexp.MustCompile("[A-Z_]{2,}").FindAllString(row[1], -1) {
			documented[name] = true
		}
	}
	read := map[string]bool{}
	_, _ = settings.Read(func(name string) (string, bool) { // what is wrong with nothing is not the question
		read[name] = true
		return "", false
	})
	if diff := cmp.Diff(read, documented); diff != "" {
		t.Error("(-read +documented):\n", diff)
	}
}
