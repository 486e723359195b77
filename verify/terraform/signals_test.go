package terraform

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

var (
	asked   = regexp.MustCompile(`\{\s*"(tidewire\.[^"]+)"([^}]*)\}`)
	label   = regexp.MustCompile(`,\s*([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	suffix  = regexp.MustCompile(`_(bucket|count|sum)$`)
	counted = regexp.MustCompile(`(rate|increase|irate)\(\s*$`)
	message = regexp.MustCompile(`jsonPayload\.message="([^"]+)"`)
)

// resource labels are those that Cloud Monitoring puts on what comes over OTLP.
var resourceLabels = []string{"job", "instance", "location", "cluster", "namespace", "project_id"}

// metrics: what charts, alerts and the objective read is what the program measures, by name, kind and attributes.
func metrics(d *deployed, found *problems) {
	instruments := map[string]telemetry.Instrument{}
	for _, i := range telemetry.Instruments() {
		instruments[i.Name] = i
	}
	reasons, err := reasons()
	if err != nil {
		found.add(RuleReadme, "realtime", "%v", err)
		return
	}
	read := 0
	for _, set := range []map[string]string{d.signals().Queries.Charts, d.signals().Queries.Alerts} {
		for _, name := range sortedKeys(set) {
			for _, at := range asked.FindAllStringSubmatchIndex(set[name], -1) {
				read++
				query := set[name]
				before, metric, rest := query[:at[0]], query[at[2]:at[3]], query[at[4]:at[5]]
				reading(found, name, before, metric, rest, instruments, reasons)
			}
		}
	}
	if read < 20 {
		found.add(RuleReference, "modules/signals", "only %d readings of metrics were found in the queries", read)
	}
	for name := range d.signals().Metrics.Own {
		if _, ok := instruments[name]; !ok {
			found.add(RuleReference, "modules/signals", "there is no metric %s", name)
		}
	}
	slo(d, instruments, found)
}

// reading looks at one metric in a query.
func reading(found *problems, in, before, metric, rest string, instruments map[string]telemetry.Instrument, reasons func(metric, reason string) bool) {
	base, of := suffix.ReplaceAllString(metric, ""), suffix.FindString(metric)
	instrument, ok := instruments[base]
	if !ok {
		found.add(RuleReference, "modules/signals", "%s reads %s, and there is no such metric", in, metric)
		return
	}
	if (instrument.Kind == telemetry.KindHistogram) != (of != "") {
		found.add(RuleReference, "modules/signals", "%s reads %s, which is a %s", in, metric, instrument.Kind)
	}
	if instrument.Kind == telemetry.KindGauge && counted.MatchString(before) {
		found.add(RuleReference, "modules/signals", "%s takes the rate of %s, which is a gauge", in, metric)
	}
	for _, l := range label.FindAllStringSubmatch(rest, -1) {
		switch name, value := l[1], l[3]; {
		case slices.Contains(resourceLabels, name), name == "le" && of == "_bucket":
		case !slices.Contains(instrument.Attributes, name):
			found.add(RuleReference, "modules/signals", "%s asks for the %s of %s, which has %v", in, name, metric, instrument.Attributes)
		case base == telemetry.Prefix+string(realtime.CountBackendErrors):
			for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
				if !failures()[word] {
					found.add(RuleReference, "modules/signals", "%s asks for errors %q, and there is no such service or code", in, word)
				}
			}
		case name == telemetry.AttributeReason:
			for reason := range strings.SplitSeq(value, "|") {
				if regexp.QuoteMeta(reason) == reason && !reasons(base, reason) {
					found.add(RuleReference, "modules/signals", "%s asks for the reason %q of %s, and the program has none", in, reason, metric)
				}
			}
		}
	}
}

// reasons says whether a counter has a reason: one of those that are listed for it, or, where its words come from elsewhere, a text of
// the program.
func reasons() (func(metric, reason string) bool, error) {
	texts, err := literals("../../realtime", "../../services", "../../functions")
	if err != nil {
		return nil, err
	}
	return func(metric, reason string) bool {
		has := realtime.Counter(strings.TrimPrefix(metric, telemetry.Prefix)).Reasons()
		if slices.Contains(has.Constants, realtime.Reason(reason)) {
			return true
		}
		return (has.Codes || has.Limits || has.Tokens || has.Backend) && texts[reason]
	}, nil
}

// failures are the words of the reasons of backend errors: services, gRPC's codes in lower case, and kinds of documents.
func failures() map[string]bool {
	all := map[string]bool{"pubsub": true, "firestore": true, "malformed": true, "tenant": true, "logout": true, "connection": true, "lease": true}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		all[strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(code.String(), "${1}_${2}"))] = true
	}
	return all
}

// slo looks at the metric that the objective is about.
func slo(d *deployed, instruments map[string]telemetry.Instrument, found *problems) {
	kind := regexp.MustCompile(`metric\.type="prometheus\.googleapis\.com/([^/"]+)/([a-z]+)"`).FindStringSubmatch(d.signals().Objective.Filter)
	if kind == nil || instruments[kind[1]].Kind != telemetry.Kind(kind[2]) || kind[2] != string(telemetry.KindHistogram) {
		found.add(RuleReference, "modules/signals", "the objective is about %q, which is no histogram of the program", d.signals().Objective.Filter)
	}
}

// logs: metrics made of log lines look for messages that the program writes; and what they take of a line is a field
// of it, of which TestStart asks the program for the janitor's.
func logs(d *deployed, found *problems) {
	written, err := literals("../../realtime", "../../services", "../../functions")
	if err != nil {
		found.add(RuleReadme, "functions", "%v", err)
		return
	}
	looked := 0
	for _, name := range sortedKeys(d.signals().LogMetrics) {
		for _, m := range message.FindAllStringSubmatch(d.signals().LogMetrics[name].Filter, -1) {
			looked++
			if !written[m[1]] {
				found.add(RuleReference, "modules/signals", "%s counts lines that say %q, and nobody writes them", name, m[1])
			}
		}
	}
	if looked < 3 {
		found.add(RuleReference, "modules/signals", "only %d messages were found in the filters of log metrics", looked)
	}
	runbooks(d, found)
}

// runbooks: each alert has one.
func runbooks(d *deployed, found *problems) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		found.add(RuleReadme, "docs/operations.md", "%v", err)
		return
	}
	for _, name := range sortedKeys(d.signals().Alerts) {
		if !strings.Contains(string(text), "\n### "+name+"\n") || !strings.HasSuffix(d.signals().Alerts[name].Runbook, "#"+name) {
			found.add(RuleReadme, "docs/operations.md", "the alert %s has no runbook", name)
		}
	}
}

// literals are the texts in the Go source below some folders, without tests.
func literals(folders ...string) (map[string]bool, error) {
	all := map[string]bool{}
	quoted := regexp.MustCompile(`"((?:[^"\\\n]|\\.)*)"`)
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(name)
			for _, found := range quoted.FindAllSubmatch(text, -1) {
				all[string(found[1])] = true
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	all, err := literals("../../realtime", "../../functions")
	if err != nil || !all["the janitor ran"] || !all["too-slow"] || all["the janitor walked"] {
		t.Errorf("%d texts, %v", len(all), err)
	}
}
