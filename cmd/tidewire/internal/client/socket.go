package client

import (
	"context"
	"errors"
	"time"

	tidewire "github.com/tidewire/tidewire/clients/go"
	"github.com/tidewire/tidewire/realtime"
)

// askTimeout is how long a question over a socket may take, from the handshake on.
const askTimeout = 30 * time.Second

// OverSocket does something over a socket of its own. A gateway that cannot be reached is not tried again.
func OverSocket(ctx context.Context, address, token string, do func(context.Context, *tidewire.Client) error) error {
	if err := CheckAddress(address); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c, err := tidewire.New(tidewire.Options{URL: address, Token: tidewire.StaticToken(token), Once: true})
	if err != nil {
		return err
	}
	defer c.Close()
	if err = c.Connect(ctx); err == nil {
		err = do(ctx, c)
	}
	return unreached(err)
}

// unreached gives an error of the network the code of a server that does not answer.
func unreached(err error) error {
	known := (*realtime.Error)(nil)
	if err == nil || errors.As(err, &known) && known.Code != realtime.CodeTimeout {
		return err
	}
	return unreachable(err)
}
