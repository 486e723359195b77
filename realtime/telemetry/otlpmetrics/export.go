package otlpmetrics

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/tidewire/tidewire/realtime/telemetry"
)

var _ telemetry.Export = Export

// Export is what telemetry.Options take. It makes no call before something is to be sent, except for credentials. There is no
// exporter of spans.
func Export(ctx context.Context, to telemetry.Target) (telemetry.Exporters, error) {
	protocols := &http.Protocols{}
	transport := &http.Transport{Protocols: protocols, IdleConnTimeout: 5 * time.Minute}
	e := &exporter{settings: readSettings(os.LookupEnv)}
	if to.Address != "" {
		protocols.SetUnencryptedHTTP2(true)
		e.url = "http://" + to.Address + method
	} else {
		protocols.SetHTTP2(true)
		transport.Proxy = http.ProxyFromEnvironment
		e.url = "https://" + telemetry.GoogleEndpoint + method
		identity, err := google.FindDefaultCredentials(ctx, telemetry.GoogleScope)
		if err != nil {
			return telemetry.Exporters{}, fmt.Errorf("find the credentials of this process: %w", err)
		}
		e.sign = oauth2.ReuseTokenSource(nil, identity.TokenSource)
	}
	e.http = &http.Client{Transport: transport}
	return telemetry.Exporters{Metrics: e}, nil
}

// exporter is a metric.Exporter. It is safe for concurrent use.
type exporter struct {
	settings settings
	url      string
	http     *http.Client
	sign     oauth2.TokenSource // nil: nobody asks who sends
}

// Aggregation is the default of each kind.
func (e *exporter) Aggregation(k metric.InstrumentKind) metric.Aggregation {
	return metric.DefaultAggregationSelector(k)
}

// Export sends metrics, again while the other side says that it may take them in a while, until ctx ends.
func (e *exporter) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	message, err := encode(all)
	if err != nil {
		return fmt.Errorf("encode metrics: %w", err)
	}
	if err := e.send(ctx, message); err != nil {
		return fmt.Errorf("send metrics: %w", err)
	}
	return nil
}

// ForceFlush has nothing to do: Export returns when what it was given is sent.
func (e *exporter) ForceFlush(ctx context.Context) error { return ctx.Err() }

// Shutdown lets the connection go.
func (e *exporter) Shutdown(ctx context.Context) error {
	e.http.CloseIdleConnections()
	return ctx.Err()
}
