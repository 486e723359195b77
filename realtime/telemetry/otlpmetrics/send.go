package otlpmetrics

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// method is the one of OTLP's service for metrics
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/collector/metrics/v1/metrics_service.proto).
const method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

const (
	sendTime    = 10 * time.Second // one attempt, unless the settings say otherwise
	retryMin    = time.Second
	retryMax    = 5 * time.Second
	answerBytes = 1 << 20
)

// statusError is what a call of gRPC ended with.
type statusError struct {
	code int // https://grpc.io/docs/guides/status-codes
	text string
}

func (e *statusError) Error() string { return fmt.Sprintf("grpc status %d: %s", e.code, e.text) }

// passes reports whether what failed may succeed in a while, as OTLP says (https://opentelemetry.io/docs/specs/otlp/#failures).
func passes(err error) bool {
	var refused *statusError
	if !errors.As(err, &refused) {
		return true // nothing came
	}
	switch refused.code {
	case 1, 4, 10, 11, 14, 15: // cancelled, deadline_exceeded, aborted, out_of_range, unavailable, data_loss
		return true
	}
	return false
}

func (e *exporter) send(ctx context.Context, message []byte) error {
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		err := e.try(ctx, message)
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// try makes one call of gRPC: a request of HTTP/2 with one message, and an answer that ends with a status
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func (e *exporter) try(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, e.settings.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(e.body(message)))
	if err != nil {
		return err
	}
	maps.Copy(r.Header, e.settings.headers)
	if e.settings.gzip {
		r.Header.Set("Grpc-Encoding", "gzip")
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	if e.sign != nil {
		token, err := e.sign.Token()
		if err != nil {
			return fmt.Errorf("get a token: %w", err)
		}
		token.SetAuthHeader(r)
	}
	res, err := e.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it was only read from
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerBytes))
	if err != nil {
		return err
	}
	if err := statusOf(res); err != nil {
		return err
	}
	return partly(answer)
}

// body puts before a message whether it is compressed, and its length.
func (e *exporter) body(message []byte) []byte {
	b := bytes.NewBuffer(make([]byte, 5, 5+len(message)))
	if e.settings.gzip {
		w := gzip.NewWriter(b)
		_, _ = w.Write(message) // into memory
		_ = w.Close()
	} else {
		b.Write(message)
	}
	all := b.Bytes()
	if e.settings.gzip {
		all[0] = 1
	}
	binary.BigEndian.PutUint32(all[1:], uint32(len(all)-5)) //nolint:gosec // of 200 points
	return all
}

// statusOf reads how a call has ended: behind the answer, or before it if there is none.
func statusOf(res *http.Response) error {
	status := cmp.Or(res.Trailer.Get("Grpc-Status"), res.Header.Get("Grpc-Status"))
	text := cmp.Or(res.Trailer.Get("Grpc-Message"), res.Header.Get("Grpc-Message"))
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	code, err := strconv.Atoi(status)
	switch {
	case err != nil && res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests:
		return &statusError{14, res.Status}
	case err != nil:
		return &statusError{2, "no status of gRPC: " + res.Status}
	case code != 0:
		return &statusError{code, text}
	}
	return nil
}

// partly reads an answer, which may say that some points were not taken.
func partly(answer []byte) error {
	if len(answer) < 5 {
		return nil
	}
	var points uint64
	var why string
	partial := field(answer[5:], 1)
	for b := partial; len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		b = b[n:]
		if number == 1 && kind == protowire.VarintType {
			points, _ = protowire.ConsumeVarint(b)
		}
		if number == 2 && kind == protowire.BytesType {
			why, _ = protowire.ConsumeString(b)
		}
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			break
		}
		b = b[n:]
	}
	if points > 0 {
		return &statusError{3, fmt.Sprintf("%d points were not taken: %s", points, why)}
	}
	return nil
}

// field returns the last field of a number, which holds a message.
func field(message []byte, want protowire.Number) (found []byte) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return found
		}
		message = message[n:]
		if number == want && kind == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message)
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return found
		}
		message = message[n:]
	}
	return found
}
