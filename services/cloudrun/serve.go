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
	"slices"
	"strconv"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/environment"
	"github.com/tidewire/tidewire/realtime/httpserver"
	"github.com/tidewire/tidewire/realtime/shutdown"
	"github.com/tidewire/tidewire/realtime/telemetry"
)

// Service is a service from its start to its end, which comes when ctx ends.
type Service func(ctx context.Context, lookup environment.Lookup, out io.Writer) error

// Run runs a service in the process's environment until SIGTERM or an interrupt, and returns the exit code. A
// second signal ends the process at once. What the service failed with is a log line. When Run returns, within
// nine seconds of the signal, the process must exit: something that hangs may have been left behind.
func Run(service Service) int {
	log := slog.New(telemetry.NewCloudLog(os.Stdout, telemetry.CloudLogOptions{}))
	err := shutdown.Run(context.Background(), func(ctx context.Context) error {
		limitMemory(ctx, log, nil)
		return service(ctx, os.LookupEnv, os.Stdout)
	})
	if err != nil {
		log.Log(context.Background(), slog.LevelError+4, "the service ended", realtime.KeyError, err)
		return 1
	}
	return 0
}

// Parts is what a service is made of while it runs. Assemble fills it, and nobody else.
type Parts struct {
	*Observed
	Log *slog.Logger
	// Drain tells clients that hold a connection for long that this instance goes away, and waits for them. It is the first
	// thing done at the end, while the server still answers others. nil: there are none.
	Drain shutdown.Step

	// Config is what the service was started with.
	Config *Config

	server  *httpserver.Server
	closers []shutdown.Step
}

// Closing adds what has to be closed at the end, after the server, in the reverse order of the calls.
func (p *Parts) Closing(closer shutdown.Step) { p.closers = append(p.closers, closer) }

// Serve makes the parts of a service, serves what assemble makes of them until ctx ends, and then ends all of it with one
// deadline, whatever of it hangs: clients are told first, then requests end, then what assemble has opened is closed, and
// what has been counted is sent last. When assemble fails, what it has opened until then is closed as well.
func (c *Config) Serve(ctx context.Context, out io.Writer, assemble func(ctx context.Context, p *Parts) (http.Handler, error)) error {
	p := &Parts{Log: c.Logger(out), Config: c}
	err := p.serve(ctx, assemble)
	ending, cancel := shutdown.Begin(ctx)
	defer cancel()
	return errors.Join(err, shutdown.End(ending, p.steps()...))
}

func (p *Parts) serve(ctx context.Context, assemble func(ctx context.Context, p *Parts) (http.Handler, error)) (err error) {
	if p.Observed, err = p.Config.Observe(ctx, p.Log); err != nil {
		return err
	}
	p.Closing(p.Observed.Close)
	handler, err := assemble(ctx, p)
	if err != nil {
		return err
	}
	l, err := p.Config.listen(ctx, p.Log)
	if err != nil {
		return err
	}
	p.server = httpserver.New(p.Routes(handler), httpserver.Options{Logger: p.Log, Metrics: p.Metrics})
	broken := make(chan error, 1)
	go func() { broken <- p.server.Serve(l) }()
	select {
	case err := <-broken:
		return err
	case <-ctx.Done():
		return nil
	}
}

// steps are what is done at the end.
func (p *Parts) steps() (steps []shutdown.Step) {
	if p.Drain != nil {
		steps = append(steps, p.Drain)
	}
	if p.server != nil {
		steps = append(steps, p.server.Close)
	}
	for _, closer := range slices.Backward(p.closers) {
		steps = append(steps, closer)
	}
	return steps
}

// listen listens as the container contract says, on all addresses, and logs where.
func (c *Config) listen(ctx context.Context, log *slog.Logger) (net.Listener, error) {
	if c.Listener != nil {
		return c.Listener, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("0.0.0.0", strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("PORT: %w", err)
	}
	log.InfoContext(ctx, "listening", realtime.KeyAddress, l.Addr().String())
	return l, nil
}
