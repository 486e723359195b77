package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// ingestClient is an ingest endpoint and a token for it.
type ingestClient struct{ url, token, tenant string }

// patience is how long a request that may pass later is tried again.
const patience = 2 * time.Minute

// post sends a body until the endpoint has it, as often and as late as it
// asks. An *realtime.Error says why it was refused.
func (i ingestClient) post(ctx context.Context, body []byte) ([]byte, error) {
	deadline := time.Now().Add(patience)
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		answer, err := i.try(ctx, body)
		after, again := retryAfter(err, wait)
		if !again || time.Now().Add(after).After(deadline) {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(after + rand.N(after/2+1)): //nolint:gosec // spreads requests, hides nothing
		}
	}
}

// retryAfter reports whether an error may pass, and how long to wait at least.
func retryAfter(err error, wait time.Duration) (time.Duration, bool) {
	refused, ok := err.(*realtime.Error) //nolint:errorlint // try returns it as it is
	if !ok || refused.Code != realtime.CodeLimited && refused.Code != realtime.CodeUnavailable && refused.Code != realtime.CodeDraining {
		return 0, false
	}
	return max(wait, refused.RetryAfter), true
}

func (i ingestClient) try(ctx context.Context, body []byte) ([]byte, error) {
	target := strings.TrimSuffix(i.url, "/") + "/v1/tenants/" + url.PathEscape(i.tenant) + "/events"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, usagef("--url: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+i.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return answer, nil
	}
	return nil, refusal(res, answer)
}

// refusal reads a problem document (RFC 9457).
func refusal(res *http.Response, answer []byte) error {
	var problem struct {
		Code         realtime.Code `json:"code"`
		Detail       string        `json:"detail"`
		RetryAfterMs int64         `json:"retryAfterMs"`
		Errors       []struct {
			Index  int    `json:"index"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer, &problem) != nil || problem.Code == "" {
		problem.Code, problem.Detail = realtime.CodeInternal, res.Status
		if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
			problem.Code = realtime.CodeUnavailable
		}
	}
	err := realtime.Errorf(problem.Code, "%s", problem.Detail)
	for n, bad := range problem.Errors {
		if n == 10 {
			err.Message += fmt.Sprintf("; and %d more", len(problem.Errors)-n)
			break
		}
		err.Message += fmt.Sprintf("; event %d: %s", bad.Index, bad.Detail)
	}
	err.RetryAfter = time.Duration(problem.RetryAfterMs) * time.Millisecond
	if s, bad := strconv.Atoi(res.Header.Get("Retry-After")); bad == nil && err.RetryAfter == 0 {
		err.RetryAfter = time.Duration(s) * time.Second
	}
	return err
}
