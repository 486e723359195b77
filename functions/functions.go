// Package functions is the source root of the Cloud Functions. It registers
// each under the name of its package, for functions-framework to serve the one that the
// variable FUNCTION_TARGET names:
//
//	ingest   takes events in (package functions/ingest)
//
// It is their main, and so the one place that has an init and reads the environment:
//
//	TIDEWIRE_BACKEND   memory: a broker within the function's own process, which nothing else
//	                   can read from. It serves to try a function by itself
//	TIDEWIRE_TENANTS   memory: the file of tenant documents
//
// There are no tests in this folder, because the buildpack takes every Go file of it for the
// function's source; what can be tested is in the packages below.
package functions

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/problem"
)

func init() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	functions.HTTP("ingest", onFirstUse(log, func(c config) (http.Handler, error) { return newIngest(c, log) }))
}

// onFirstUse builds a function's handler at its first request, because every function
// of the binary is registered and one is used. What cannot be built answers 503, and one log line
// says why.
func onFirstUse(log *slog.Logger, build func(config) (http.Handler, error)) http.HandlerFunc {
	handler := sync.OnceValues(func() (http.Handler, error) {
		c, err := configFromEnvironment()
		if err == nil {
			var h http.Handler
			if h, err = build(c); err == nil {
				return h, nil
			}
		}
		log.Error("the function cannot start", realtime.KeyError, err)
		return nil, err
	})
	return func(w http.ResponseWriter, r *http.Request) {
		h, err := handler()
		if err != nil {
			problem.Write(w, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the function is not configured; its log says what is missing", RetryAfter: time.Minute, Err: err})
			return
		}
		h.ServeHTTP(w, r)
	}
}

// newIngest assembles functions/ingest. Nothing of it is closed: a function ends
// with its process, and what it has answered 200 is with the broker.
func newIngest(c config, log *slog.Logger) (http.Handler, error) {
	tenants, err := memory.LoadTenantsFile(c.tenants)
	if err != nil {
		return nil, fmt.Errorf("TIDEWIRE_TENANTS: %w", err)
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	return ingest.New(ingest.Options{
		Verifier:  auth.New(tenants, auth.Options{Logger: log}),
		Tenants:   tenants,
		Publisher: realtime.NewPublisher(broker, realtime.PublisherOptions{}),
		Limiter:   limit.New(limit.Options{}),
		Logger:    log,
	}), nil
}

// config is what the environment says.
type config struct {
	tenants string // file of tenant documents
}

// configFromEnvironment reports every fault at once.
func configFromEnvironment() (config, error) {
	c := config{tenants: os.Getenv("TIDEWIRE_TENANTS")}
	var faults []error
	switch backend := os.Getenv("TIDEWIRE_BACKEND"); backend {
	case "memory":
	case "":
		faults = append(faults, errors.New("TIDEWIRE_BACKEND: is not set; memory is the one there is"))
	default:
		faults = append(faults, fmt.Errorf("TIDEWIRE_BACKEND: %q is not served; memory is the one there is", backend))
	}
	if c.tenants == "" {
		faults = append(faults, errors.New("TIDEWIRE_TENANTS: is not set; name a file of tenant documents"))
	}
	return c, errors.Join(faults...)
}
