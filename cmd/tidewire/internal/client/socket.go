package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/socket"
	"github.com/tidewire/tidewire/realtime/wire"
)

// askTimeout is how long a question over a socket may take, from the handshake on.
const askTimeout = 30 * time.Second

// SocketURL turns the address of a gateway into that of its sockets.
func SocketURL(address string) (string, error) {
	u, err := serverURL(address)
	if err != nil {
		return "", err
	}
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	return u.JoinPath("v1", "socket").String(), nil
}

// Ask sends one frame over a socket of its own, and returns the ok that answers it. A refusal is a *realtime.Error.
func Ask(ctx context.Context, address, token string, question wire.ClientFrame) (wire.ServerFrame, error) {
	var none wire.ServerFrame
	target, err := SocketURL(address)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c, err := socket.Dial(ctx, target, http.Header{}, wire.Subprotocol)
	if err != nil {
		return none, unreached(DialError(err))
	}
	defer c.Close() //nolint:errcheck // the answer is there, or will not come
	question.ID = wire.ID("1")
	for _, frame := range []wire.ClientFrame{{Type: wire.TypeConnect, Token: token}, question} {
		if err := c.Write(frame.AppendJSON(nil)); err != nil {
			return none, unreached(err)
		}
	}
	for {
		message, err := c.Read(askTimeout)
		if err != nil {
			return none, unreached(Ended(err))
		}
		f, err := wire.DecodeServer(message)
		if err != nil {
			return none, fmt.Errorf("the server sent something that is not a frame: %w", err)
		}
		switch {
		case f.Type == wire.TypeError && (len(f.ID) == 0 || string(f.ID) == string(question.ID)):
			return none, &realtime.Error{Code: f.Code, Message: f.Message, Limit: f.Limit, RetryAfter: time.Duration(f.RetryAfterMs) * time.Millisecond}
		case f.Type == wire.TypeOK && string(f.ID) == string(question.ID):
			return f, nil
		}
	}
}

// unreached gives an error of the network the code of a server that does not answer.
func unreached(err error) error {
	if realtime.CodeOf(err) != realtime.CodeInternal {
		return err
	}
	return unreachable(err)
}

// Ended says in words how a connection has ended. A close code that stands alone counts as the error with that code.
func Ended(err error) error {
	var closed *socket.CloseError
	switch {
	case errors.As(err, &closed):
		if code, ok := codeOf(closed.Code); ok {
			return &realtime.Error{Code: code, Message: "the server closed the connection", Err: err}
		}
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the server sent nothing for too long")
	}
	return fmt.Errorf("the connection was lost: %w", err)
}

// codeOf is the code that a close code speaks of for certain; 4400 may be several.
func codeOf(closed int) (realtime.Code, bool) {
	for _, code := range []realtime.Code{
		realtime.CodeUnauthorized, realtime.CodeForbidden, realtime.CodeReplaced, realtime.CodeBadRequest, realtime.CodeTooLarge,
	} {
		if code.Meaning().Close == closed {
			return code, true
		}
	}
	return "", false
}

// DialError gives a handshake's refusal that stands a code that says so. A gateway
// refuses a token behind the handshake.
func DialError(err error) error {
	var h *socket.HandshakeError
	if errors.As(err, &h) && h.Status < 500 && h.Status != http.StatusTooManyRequests && h.Status != http.StatusRequestTimeout {
		return &realtime.Error{Code: realtime.CodeNotFound, Message: "--url: no gateway answers there", Err: err}
	}
	return err
}
