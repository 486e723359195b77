package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// Service is a service from its start to its end, which comes when ctx ends.
type Service func(ctx context.Context, lookup Lookup, out io.Writer) error

// Run runs a service in the process's environment until SIGTERM or an interrupt, and returns the exit code. A
// second signal ends the process at once. What the service failed with is a log line.
func Run(service Service) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	log := slog.New(telemetry.NewCloudLog(os.Stdout, telemetry.CloudLogOptions{}))
	limitMemory(ctx, log, nil)
	if err := service(ctx, os.LookupEnv, os.Stdout); err != nil {
		log.Log(context.WithoutCancel(ctx), slog.LevelError+4, "the service ended", realtime.KeyError, err)
		return 1
	}
	return 0
}

// Listen listens as the container contract says, on all addresses, and logs where.
func (c *Config) Listen(ctx context.Context, log *slog.Logger) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("0.0.0.0", strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("PORT: %w", err)
	}
	log.InfoContext(ctx, "listening", realtime.KeyAddress, l.Addr().String())
	return l, nil
}

// drainTime is what requests that are under way have when ctx ends: Cloud Run ends a process
// ten seconds after it has asked it to.
const drainTime = 8 * time.Second

// Serve serves h on l until ctx ends, and then lets the requests end that are under way.
// A gateway has a Serve of its own. It closes l.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: problem.Contain(h, log, realtime.NoMetrics{}), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
