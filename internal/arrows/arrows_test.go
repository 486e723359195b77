package arrows

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tidewire/tidewire"

// allowed says which packages of this repository each package may import, and
// which modules of others it may. A pattern that ends in /... holds for all below. Packages
// not listed may import nothing: a new one needs a row.
var allowed = map[string]struct{ own, others []string }{
	"internal/arrows":   {},
	"internal/servers":  {}, // tests only
	"internal/archive":  {},
	"internal/capacity": {},
	"internal/schema":   {}, // for tests: JSON Schema
	"internal/freeport": {}, // for tests
	// Calls that several wait for; of the framework and the functions.
	"internal/flight": {},
	// What keeps requests to the URLs of others on the public Internet; of hooks and the crawler.
	"internal/egress": {},
	// What tests and make emulators start Google's emulators with.
	"internal/emulators":     {},
	"internal/emulators/run": {own: []string{"internal/emulators"}},
	// The words and the contracts of drivers: the standard library only, and none of those that do the work.
	"realtime": {},
	// Those that do the work. The queue and the publishing side know no hub, nor each other.
	"realtime/hub": {own: []string{"realtime", "realtime/budget", "realtime/contain", "realtime/internal/heap", "realtime/internal/spread", "realtime/internal/uid", "realtime/outbox", "realtime/recent", "realtime/hub/..."}},
	// The parts of the hub that know no connection, topic or lock.
	"realtime/hub/channel":      {own: []string{"realtime", "realtime/hub/agenda", "realtime/hub/held", "realtime/internal/line", "realtime/budget", "realtime/hub/fanout", "realtime/hub/history", "realtime/hub/protocol", "realtime/hub/record", "realtime/hub/client", "realtime/hub/lane", "realtime/hub/sight", "realtime/hub/tempo", "realtime/hub/request", "realtime/hub/turns", "realtime/hub/view", "realtime/internal/heap", "realtime/internal/uid", "realtime/outbox"}},
	"realtime/hub/client":       {own: []string{"realtime", "realtime/hub/protocol", "realtime/hub/schedule", "realtime/hub/turns", "realtime/outbox"}},
	"realtime/hub/fanout":       {own: []string{"realtime", "realtime/hub/lane", "realtime/hub/record"}},
	"realtime/hub/resident":     {own: []string{"realtime"}},
	"realtime/hub/lane":         {own: []string{"realtime/hub/record", "realtime/hub/view"}},
	"realtime/hub/sight":        {own: []string{"realtime/hub/lane", "realtime/hub/record", "realtime/hub/view"}},
	"realtime/hub/history":      {own: []string{"realtime", "realtime/hub/record", "realtime/hub/view"}},
	"realtime/hub/state":        {own: []string{"realtime", "realtime/budget", "realtime/contain", "realtime/hub/channel", "realtime/hub/record", "realtime/internal/uid"}},
	"realtime/hub/query":        {own: []string{"realtime", "realtime/hub/channel", "realtime/hub/history", "realtime/hub/record"}},
	"realtime/hub/request":      {own: []string{"realtime"}},
	"realtime/hub/backlog":      {own: []string{"realtime", "realtime/budget", "realtime/contain"}},
	"realtime/hub/stream":       {own: []string{"realtime", "realtime/contain", "realtime/hub/pace", "realtime/internal/uid"}},
	"realtime/hub/held":         {own: []string{"realtime"}},
	"realtime/hub/pattern":      {own: []string{"realtime", "realtime/hub/channel", "realtime/hub/view", "realtime/outbox"}},
	"realtime/hub/agenda":       {own: []string{"realtime/internal/heap"}},
	"realtime/hub/pace":         {},
	"realtime/hub/inspect":      {own: []string{"realtime"}},
	"realtime/hub/logout":       {own: []string{"realtime", "realtime/recent"}},
	"realtime/hub/presence":     {own: []string{"realtime", "realtime/census", "realtime/internal/distinct"}},
	"realtime/census":           {own: []string{"realtime", "realtime/internal/uid"}},
	"realtime/hub/tempo":        {own: []string{"realtime"}},
	"realtime/hub/protocol":     {own: []string{"realtime", "realtime/contain", "realtime/outbox"}},
	"realtime/hub/record":       {own: []string{"realtime", "realtime/budget", "realtime/hub/protocol", "realtime/hub/view", "realtime/internal/heap", "realtime/outbox"}},
	"realtime/hub/view":         {own: []string{"realtime", "realtime/jsontext"}},
	"realtime/hub/turns":        {},
	"realtime/hub/schedule":     {},
	"realtime/budget":           {own: []string{"realtime", "realtime/internal/spread"}},
	"realtime/outbox":           {own: []string{"realtime"}},
	"realtime/publish":          {own: []string{"realtime", "realtime/internal/checked", "realtime/internal/uid"}},
	"realtime/contain":          {own: []string{"realtime"}},
	"realtime/tenantcache":      {own: []string{"internal/flight", "realtime", "realtime/contain", "realtime/recent"}},
	"realtime/internal/uid":     {},
	"realtime/internal/heap":    {},
	"realtime/internal/line":    {},
	"realtime/internal/holding": {own: []string{"realtime"}},
	"realtime/internal/spread":  {},
	"realtime/hub/demand":       {own: []string{"realtime", "realtime/internal/distinct"}},
	"realtime/hub/mirror":       {own: []string{"realtime", "realtime/budget", "realtime/hub/channel", "realtime/hub/record"}},
	"realtime/hub/explain":      {own: []string{"realtime", "realtime/hub/channel", "realtime/hub/pattern", "realtime/hub/request", "realtime/hub/view"}},
	"realtime/hub/fleet":        {own: []string{"realtime", "realtime/budget", "realtime/census", "realtime/hub/channel", "realtime/hub/demand", "realtime/hub/explain", "realtime/hub/mirror", "realtime/hub/presence", "realtime/hub/protocol", "realtime/outbox"}},
	// What packages of this module tell each other, and nobody else can.
	"realtime/internal/checked": {},

	"realtime/internal/distinct": {},
	"realtime/internal/trial":    {}, // for tests

	"realtime/recent": {},
	// What mains read their settings with.
	"realtime/environment": {},

	"realtime/wire": {own: []string{"realtime", "realtime/outbox", "realtime/jsontext"}},
	"realtime/sse":  {own: []string{"realtime", "realtime/outbox", "realtime/wire"}}, // its events carry wire's JSON
	// The protocol of y-websocket: frames of a hub to its messages, and back.
	"realtime/yjs":      {own: []string{"realtime", "realtime/outbox", "realtime/wire"}},
	"realtime/jsontext": {},
	// The only importer of cel-go; of the framework nothing imports it, so that only programs that offer filters carry it.
	"realtime/filter":                {own: []string{"realtime", "realtime/filter/internal/field"}, others: []string{"cel.dev/cel-go"}},
	"realtime/filter/viewfilter":     {own: []string{"realtime", "realtime/filter", "realtime/hub/view"}},
	"realtime/filter/internal/field": {own: []string{"realtime"}},
	"realtime/strict":                {own: []string{"realtime", "realtime/jsontext"}},
	"realtime/limit":                 {own: []string{"realtime"}},
	"realtime/problem":               {own: []string{"realtime", "realtime/contain"}},
	"realtime/shutdown":              {},
	"realtime/httpserver":            {own: []string{"realtime", "realtime/problem", "realtime/shutdown"}},
	// What every API that takes events does: the ingest function, and the management API.
	"realtime/intake": {
		own:    []string{"realtime", "realtime/webhook/document", "realtime/publish", "realtime/jsontext", "realtime/problem", "realtime/wire"},
		others: []string{"github.com/cloudevents/sdk-go/v2"},
	},
	"realtime/auth": {
		own:    []string{"internal/flight", "realtime", "realtime/contain", "realtime/recent", "realtime/tenantcache", "realtime/jsontext"},
		others: []string{"github.com/golang-jwt/jwt/v5", "github.com/MicahParks/jwkset"},
	},
	// The only importer of gorilla/websocket.
	"realtime/socket":      {own: []string{"realtime", "realtime/contain", "realtime/outbox"}, others: []string{"github.com/gorilla/websocket"}},
	"realtime/socket/echo": {own: []string{"realtime", "realtime/outbox", "realtime/socket"}},
	// OpenTelemetry, and apart from it what only those who are scraped need.
	"realtime/telemetry":          {own: []string{"realtime"}, others: []string{"go.opentelemetry.io", "golang.org/x/time"}},
	"realtime/telemetry/otlpgrpc": {own: []string{"realtime/telemetry"}, others: []string{"go.opentelemetry.io", "google.golang.org/grpc"}},
	"realtime/telemetry/scrape":   {others: []string{"go.opentelemetry.io", "github.com/prometheus/client_golang"}},
	"realtime/driver/memory":      {own: []string{"realtime", "realtime/webhook/document", "realtime/internal/holding", "realtime/tenantcache", "realtime/jsontext", "realtime/strict"}},
	// The backend of Google Cloud: how its services are reached, and a package for each of the two SDKs.
	"realtime/driver/gcp": {own: []string{"realtime"}, others: []string{"google.golang.org/api", "google.golang.org/grpc"}},
	"realtime/driver/gcp/gcppubsub": {
		own:    []string{"realtime", "realtime/driver/gcp"},
		others: []string{"cloud.google.com/go/pubsub/v2", "google.golang.org/api", "google.golang.org/grpc", "google.golang.org/protobuf", "github.com/googleapis/gax-go/v2"},
	},
	"realtime/driver/gcp/gcpidentity":    {others: []string{"cloud.google.com/go/auth"}},
	"realtime/driver/gcp/pubsubemulator": {own: []string{"realtime"}}, // around any broker
	"realtime/driver/gcp/gcpfirestore": {
		own:    []string{"realtime", "realtime/webhook/document", "realtime/internal/holding", "realtime/driver/gcp", "realtime/strict"},
		others: []string{"cloud.google.com/go/firestore", "google.golang.org/api", "google.golang.org/grpc"},
	},
	// The parts of a gateway, by job; only the gateway puts them together.
	"realtime/gateway":                       {own: []string{"realtime/hub/view", "realtime", "realtime/budget", "realtime/contain", "realtime/hub", "realtime/outbox", "realtime/publish", "realtime/tenantcache", "realtime/auth", "realtime/limit", "realtime/problem", "realtime/httpserver", "realtime/shutdown", "realtime/socket", "realtime/wire", "realtime/yjs", "realtime/gateway/..."}},
	"realtime/gateway/hook":                  {own: []string{"realtime", "realtime/webhook/document", "realtime/contain", "realtime/gateway/internal/refusal"}},
	"realtime/gateway/internal/refusal":      {own: []string{"realtime", "realtime/auth", "realtime/problem"}},
	"realtime/gateway/internal/registration": {own: []string{"realtime", "realtime/contain", "realtime/gateway/internal/refusal"}},
	"realtime/gateway/internal/occupancy":    {own: []string{"realtime", "realtime/contain", "realtime/internal/heap"}},
	"realtime/gateway/internal/lifecycle":    {own: []string{"realtime", "realtime/gateway/internal/refusal"}},
	"realtime/gateway/internal/admission":    {own: []string{"realtime", "realtime/auth", "realtime/limit", "realtime/gateway/hook", "realtime/gateway/internal/refusal", "realtime/gateway/internal/registration"}},
	"realtime/gateway/internal/clients": {own: []string{"realtime", "realtime/hub/history", "realtime/auth", "realtime/contain", "realtime/hub", "realtime/limit", "realtime/outbox", "realtime/wire",
		"realtime/gateway/hook", "realtime/gateway/internal/admission", "realtime/gateway/internal/refusal", "realtime/gateway/internal/registration"}},
	"realtime/gateway/internal/session": {own: []string{"realtime", "realtime/hub/history", "realtime/contain", "realtime/hub", "realtime/internal/checked", "realtime/limit", "realtime/outbox", "realtime/publish", "realtime/socket", "realtime/wire", "realtime/yjs",
		"realtime/gateway/hook", "realtime/gateway/internal/admission", "realtime/gateway/internal/clients", "realtime/gateway/internal/lifecycle", "realtime/gateway/internal/refusal"}},
	"realtime/gateway/internal/eventstream": {own: []string{"realtime", "realtime/auth", "realtime/contain", "realtime/hub", "realtime/outbox", "realtime/problem", "realtime/sse",
		"realtime/gateway/internal/admission", "realtime/gateway/internal/clients", "realtime/gateway/internal/lifecycle", "realtime/gateway/internal/refusal", "realtime/gateway/internal/session"}},
	// Hooks over HTTP: the program that asks, the one that answers, and what both need.
	"realtime/webhook":           {own: []string{"internal/egress", "realtime", "realtime/gateway/hook", "realtime/internal/uid", "realtime/recent", "realtime/webhook/document", "realtime/webhook/event", "realtime/webhook/signature"}},
	"realtime/webhook/document":  {own: []string{"realtime"}},
	"realtime/webhook/event":     {own: []string{"realtime", "realtime/jsontext", "realtime/strict"}},
	"realtime/webhook/signature": {},
	"realtime/httpapi":           {own: []string{"realtime", "realtime/webhook/document", "realtime/hub/demand", "realtime/hub/explain", "realtime/survey", "realtime/hub/history", "realtime/tenantcache", "realtime/auth", "realtime/intake", "realtime/jsontext", "realtime/problem", "realtime/strict", "realtime/wire"}},
	// Reads what topics keep. It has a hub's record and views, and no hub.
	"realtime/retained": {own: []string{"realtime", "realtime/contain", "realtime/hub/history", "realtime/hub/inspect", "realtime/hub/record", "realtime/hub/view", "realtime/internal/uid"}},
	// Asks instances what they know. It has what a hub makes of it, and no hub.
	"realtime/survey": {own: []string{"realtime", "realtime/census", "realtime/contain", "realtime/hub/demand", "realtime/hub/explain", "realtime/hub/presence", "realtime/internal/distinct", "realtime/internal/uid"}},
	// Reads topics and writes checkpoints of state. No hub: functions have it.
	"realtime/keeper": {own: []string{"realtime", "realtime/wire"}},
	// The suite of brokers judges what clients are sent.
	"realtime/realtimetest":                {own: []string{"realtime", "realtime/hub", "realtime/outbox", "realtime/wire"}, others: []string{"github.com/google/go-cmp"}},
	"realtime/realtimetest/occupancytest":  {own: []string{"realtime", "realtime/internal/trial"}, others: []string{"github.com/google/go-cmp"}},
	"realtime/realtimetest/storetest":      {own: []string{"realtime", "realtime/internal/trial"}, others: []string{"github.com/google/go-cmp"}},
	"realtime/realtimetest/faultybroker":   {own: []string{"realtime"}},
	"realtime/realtimetest/canary":         {own: []string{"realtime", "realtime/realtimetest/canary/capture", "realtime/realtimetest/canary/frames", "realtime/realtimetest/canary/words"}},
	"realtime/realtimetest/canary/frames":  {},
	"realtime/realtimetest/canary/capture": {own: []string{"realtime/wire"}},
	"realtime/realtimetest/canary/words":   {},
	"realtime/realtimetest/canary/toy":     {}, // tests only
	"realtime/realtimetest/resumetest":     {own: []string{"realtime"}},
	"realtime/outbox/outboxtest":           {own: []string{"realtime", "realtime/outbox"}},
	// Functions pay for their binary at each cold start: no gateway. The probe's client of sockets is 0.2 MB of 22.8.
	"functions": {
		own:    []string{"functions/...", "realtime", "realtime/keeper", "realtime/publish", "realtime/auth", "realtime/limit", "realtime/shutdown", "realtime/telemetry", "realtime/telemetry/otlpgrpc", "realtime/tenantcache", "realtime/driver/memory", "realtime/driver/gcp", "realtime/driver/gcp/..."},
		others: []string{"github.com/GoogleCloudPlatform/functions-framework-go"},
	},
	"functions/crawler": {own: []string{"functions/crawler/crawl", "realtime", "realtime/problem"}},
	// It offers filters; of what it costs docs/functions.md tells.
	"functions/filter": {own: []string{"realtime", "realtime/filter", "realtime/problem"}},
	// Reads web sites; knows nothing of channels.
	"functions/crawler/crawl": {own: []string{"internal/egress"}, others: []string{"github.com/temoto/robotstxt", "golang.org/x/net"}},
	"functions/host":          {own: []string{"internal/flight", "realtime", "realtime/contain", "realtime/problem", "realtime/shutdown"}},
	"functions/settings":      {own: []string{"realtime", "realtime/environment"}},
	"functions/keeper":        {own: []string{"realtime", "realtime/keeper", "realtime/problem"}},
	"functions/janitor":       {own: []string{"realtime", "realtime/problem"}},
	// The probe is a client: it dials a socket, and accepts none.
	"functions/probe":  {own: []string{"clients/go", "clients/go/api", "realtime", "realtime/auth", "realtime/problem"}},
	"functions/ingest": {own: []string{"realtime", "realtime/tenantcache", "realtime/auth", "realtime/intake", "realtime/problem"}},
	// The one place where all drivers meet.
	"realtime/backend": {own: []string{"realtime", "realtime/tenantcache", "realtime/driver/memory", "realtime/driver/gcp", "realtime/driver/gcp/..."}},
	// The services on Cloud Run: mains over what the framework has.
	"services/cloudrun":              {own: []string{"realtime", "realtime/environment", "realtime/httpserver", "realtime/shutdown", "realtime/telemetry", "realtime/telemetry/scrape"}, others: []string{"github.com/KimMachineGun/automemlimit"}},
	"services/cloudrun/storage":      {own: []string{"realtime/backend", "services/cloudrun"}},
	"services/cloudrun/cloudruntest": {own: []string{"realtime", "realtime/backend", "realtime/environment", "services/cloudrun"}, others: []string{"github.com/google/go-cmp", "go.uber.org/goleak", "google.golang.org/genproto/googleapis/logging/type"}},
	"services/api":                   {own: []string{"realtime", "realtime/survey", "realtime/filter/viewfilter", "realtime/retained", "realtime/wire", "realtime/publish", "realtime/auth", "realtime/backend", "realtime/httpapi", "realtime/environment", "realtime/limit", "realtime/strict", "realtime/telemetry/otlpgrpc", "services/cloudrun", "services/cloudrun/storage"}},
	"services/gateway":               {own: []string{"realtime/filter/viewfilter", "realtime/budget", "realtime/environment", "realtime/auth", "realtime/backend", "realtime/gateway", "realtime/webhook", "realtime/telemetry/otlpgrpc", "services/cloudrun", "services/cloudrun/storage"}},
	"services/dashboard":             {own: []string{"realtime", "realtime/driver/gcp", "realtime/driver/gcp/gcpfirestore", "realtime/driver/memory", "realtime/shutdown", "realtime/telemetry/otlpgrpc", "realtime/tenantcache", "realtime/auth", "realtime/environment", "services/cloudrun", "services/dashboard/demo", "services/dashboard/web"}},
	"clients/js":                     {},
	// A client: it dials sockets, and accepts none.
	"clients/go":                     {own: []string{"clients/go/internal/...", "realtime", "realtime/wire"}},
	"clients/go/api":                 {own: []string{"clients/go", "clients/go/internal/address", "clients/go/internal/token", "realtime", "realtime/problem"}},
	"clients/go/lock":                {own: []string{"clients/go", "realtime"}},
	"clients/go/internal/address":    {own: []string{"realtime"}},
	"clients/go/internal/connection": {own: []string{"clients/go/internal/link", "clients/go/internal/loop", "clients/go/internal/token", "clients/go/internal/verdict", "realtime", "realtime/socket", "realtime/wire"}},
	"clients/go/internal/cursor":     {own: []string{"realtime"}},
	"clients/go/internal/link":       {own: []string{"clients/go/internal/loop", "clients/go/internal/verdict", "realtime", "realtime/wire"}},
	"clients/go/internal/loop":       {},
	"clients/go/internal/publishing": {own: []string{"clients/go/internal/link", "clients/go/internal/loop", "clients/go/internal/verdict", "realtime", "realtime/wire"}},
	"clients/go/internal/rows":       {own: []string{"realtime"}},
	"clients/go/internal/token":      {},
	"clients/go/internal/verdict":    {own: []string{"realtime", "realtime/socket", "realtime/wire"}},
	"services/dashboard/web":         {own: []string{"clients/js", "realtime/problem", "realtime"}},
	"services/dashboard/demo":        {own: []string{"clients/go", "realtime", "services/dashboard/web"}}, // it makes the sessions that pages ask for
	"examples/...":                   {own: []string{"clients/js", "examples/local", "realtime", "realtime/publish", "realtime/auth", "realtime/gateway", "realtime/driver/memory"}},
	// The module that verifies the whole: nothing of the framework imports it. Most of it is tests only.
	"verify/acceptance": {},
	"verify/browser":    {},
	"verify/docs":       {},
	"verify/fleet":      {},
	"verify/newcomer":   {},
	"verify/npm":        {},
	"verify/openapi":    {},
	"verify/pipeline":   {},
	"verify/programs":   {},
	"verify/react":      {},
	"verify/scrape":     {},
	"verify/vectors":    {},
	"verify/yjs":        {},
	"verify/collector":  {others: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/grpc"}},
	// What the buildpack writes, to run a function as a process.
	"verify/fleet/function": {own: []string{"functions"}, others: []string{"github.com/GoogleCloudPlatform/functions-framework-go"}},
	// The HCL.
	"verify/terraform":            {others: []string{"github.com/hashicorp/hcl/v2"}},
	"verify/terraform/applied":    {},
	"verify/terraform/cmd/check":  {own: []string{"verify/terraform"}},
	"verify/terraform/cmd/schema": {own: []string{"verify/terraform/schema"}, others: []string{"github.com/hashicorp/terraform-json"}},
	"verify/terraform/schema":     {others: []string{"github.com/hashicorp/terraform-json"}},
	"verify/terraform/stub":       {others: []string{"github.com/hashicorp/terraform-plugin-go"}},
	// The binary puts everything together.
	"cmd/tidewire": {
		own:    []string{"clients/go", "clients/go/api", "realtime", "realtime/auth", "realtime/driver/memory", "realtime/httpapi", "realtime/shutdown", "realtime/strict", "cmd/tidewire/internal/..."},
		others: []string{"github.com/spf13/cobra", "github.com/schollz/progressbar/v3", "golang.org/x/term"},
	},
	"cmd/tidewire/internal/usage":    {},
	"cmd/tidewire/internal/contexts": {own: []string{"cmd/tidewire/internal/usage"}},
	"cmd/tidewire/internal/show":     {own: []string{"cmd/tidewire/internal/client"}},
	"cmd/tidewire/internal/apply": {
		own:    []string{"realtime", "realtime/driver/memory", "realtime/httpapi", "cmd/tidewire/internal/client", "cmd/tidewire/internal/usage"},
		others: []string{"github.com/schollz/progressbar/v3", "golang.org/x/term"},
	},
	"cmd/tidewire/internal/starter":  {own: []string{"clients/js", "cmd/tidewire/internal/usage"}},
	"cmd/tidewire/internal/client":   {own: []string{"clients/go", "clients/go/api", "realtime", "realtime/httpapi", "cmd/tidewire/internal/usage"}},
	"cmd/tidewire/internal/devstate": {own: []string{"realtime", "realtime/auth", "realtime/driver/memory", "services/dashboard/demo", "cmd/tidewire/internal/usage"}},
	"cmd/tidewire/internal/doctor":   {own: []string{"internal/capacity", "realtime", "cmd/tidewire/internal/usage"}},
	"cmd/tidewire/internal/tail":     {own: []string{"clients/go", "realtime"}},
	// Everything in one process.
	"cmd/tidewire/internal/demosite": {own: []string{"functions/crawler", "functions/crawler/crawl", "realtime"}},
	"cmd/tidewire/internal/devserver": {
		own: []string{"clients/go", "cmd/tidewire/internal/demosite", "realtime/retained", "realtime/survey", "realtime/wire", "functions/crawler", "functions/crawler/crawl", "functions/filter", "functions/ingest", "realtime", "realtime/filter/viewfilter", "realtime/budget", "realtime/problem", "realtime/publish", "realtime/auth", "realtime/backend", "realtime/gateway", "realtime/webhook", "realtime/httpapi", "realtime/keeper", "realtime/limit", "realtime/httpserver", "realtime/shutdown", "realtime/telemetry", "realtime/telemetry/scrape",
			"realtime/driver/memory", "services/dashboard/...", "cmd/tidewire/internal/devstate"},
		others: []string{"go.opentelemetry.io/otel/sdk/metric"},
	},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// watch looks at every folder of the repository, so that go test takes no result from its cache after a change: it does not see what a
// go list that a test runs has read.
func watch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	watch(t)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	found := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found++
		check(t, p)
	}
	if found < 5 {
		t.Errorf("only %d packages were looked at", found)
	}
}

func check(t *testing.T, p pkg) {
	t.Helper()
	name := strings.TrimPrefix(p.ImportPath, module+"/")
	row, ok := rowOf(name)
	if !ok {
		t.Errorf("%s has no row in the table of arrows", name)
		return
	}
	for _, imported := range p.Imports {
		switch own, isOwn := strings.CutPrefix(imported, module+"/"); {
		case isOwn:
			if !matches(row.own, own) {
				t.Errorf("%s imports %s, which its row does not allow", name, own)
			}
		case strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
			if !slices.ContainsFunc(row.others, func(o string) bool { return imported == o || strings.HasPrefix(imported, o+"/") }) {
				t.Errorf("%s imports %s, which its row does not allow", name, imported)
			}
		}
	}
}

func rowOf(name string) (row struct{ own, others []string }, ok bool) {
	if row, ok = allowed[name]; ok {
		return row, true
	}
	for pattern, r := range allowed {
		if matches([]string{pattern}, name) {
			return r, true
		}
	}
	return row, false
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, tree := strings.CutSuffix(p, "/...")
		return p == name || tree && strings.HasPrefix(name, prefix+"/")
	})
}
