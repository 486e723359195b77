package tidewire

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tidewire/tidewire/clients/go/internal/address"
	"github.com/tidewire/tidewire/clients/go/internal/connection"
	"github.com/tidewire/tidewire/clients/go/internal/link"
	"github.com/tidewire/tidewire/clients/go/internal/token"
	"github.com/tidewire/tidewire/realtime"
)

// Options configure a Client. URL and Token are required.
type Options struct {
	// URL is that of a gateway, such as https://gateway.example.com, without a query.
	URL string
	// Token returns a token. It is called when the client has none, when the server has refused the last one (then Refused says so
	// of its context), and when three quarters of its life have passed. An error is a reason to try again later, except ErrNoToken.
	Token func(ctx context.Context) (string, error)
	// Header is sent with each handshake, for what is in front of the gateway. The token is not in it, but in the first frame.
	Header http.Header
	// MaxPending is how many publishes and calls may be unanswered; one more waits. Default 256.
	MaxPending int
	// MaxBytesPerSecond is how much the server sends in a second at most, 1,000 to 1,000,000,000; 0 is as much as the connection takes. Of
	// state, and of what has a MaxRate, what waits is replaced by what is newer; everything else is delayed. See SetMaxBytesPerSecond.
	MaxBytesPerSecond int64
	// ConnectTimeout bounds one try, from the token to the welcome; default 20 s.
	ConnectTimeout time.Duration
	// Once has nothing tried again: the first connection that cannot be had or is lost ends the Client, and what is refused is refused. It is
	// for commands and for probes, which must not hide what is wrong.
	Once bool
	// OnState is told of every change of the State, in order. It must return at once and not call the Client.
	OnState func(State)
	Logger  *slog.Logger // of what is wrong with a server's frames; nil discards

	dial func(ctx context.Context, url string, header http.Header) (link.Conn, error) // for tests
}

// ErrNoToken is what a Token function returns when there will be no other token: the client ends with the error of the server.
var ErrNoToken = token.ErrNone

// Refused reports, of the context of a Token function, whether the server has refused the last token: it must not be returned
// from a cache.
func Refused(ctx context.Context) bool { return token.Refused(ctx) }

// StaticToken returns a function for Options.Token that has one token, and no other when that is refused.
func StaticToken(static string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if Refused(ctx) {
			return "", ErrNoToken
		}
		return static, nil
	}
}

func (o *Options) withDefaults() (socketURL string, err error) {
	u, err := address.Parse("URL", o.URL)
	if err != nil {
		return "", err
	}
	if o.Token == nil {
		return "", realtime.Errorf(realtime.CodeBadRequest, "Token: is missing")
	}
	if o.MaxBytesPerSecond != 0 {
		if err := realtime.CheckBytesPerSecond("MaxBytesPerSecond", o.MaxBytesPerSecond); err != nil {
			return "", err
		}
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 256
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 20 * time.Second
	}
	if o.OnState == nil {
		o.OnState = func(State) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.dial == nil {
		o.dial = connection.Dial
	}
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	if !strings.HasSuffix(u.Path, "/v1/socket") {
		u = u.JoinPath("v1", "socket")
	}
	return u.String(), nil
}
