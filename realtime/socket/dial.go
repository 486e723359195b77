package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Client is the other end of a connection: what a command line or a test uses to
// reach a gateway. Read is called by one goroutine at a time, and so is
// Write; both may run at once. It does not reconnect.
type Client struct {
	conn *websocket.Conn
	stop func() bool
}

// CloseError is the end of a connection with the code and reason of its close frame.
type CloseError struct {
	Code   int
	Reason string
}

// Error shows code and reason.
func (e *CloseError) Error() string { return fmt.Sprintf("closed with %d %s", e.Code, e.Reason) }

// HandshakeError is a server's answer to a handshake other than 101.
type HandshakeError struct {
	Status int // HTTP status
	Err    error
}

// Error shows the status.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("status %d %s: %v", e.Status, http.StatusText(e.Status), e.Err)
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Dial connects to a ws or wss URL and offers subprotocols. ctx bounds
// the handshake, and ends the connection when it ends later. A refused handshake is a *HandshakeError.
func Dial(ctx context.Context, url string, header http.Header, subprotocols ...string) (*Client, error) {
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 20 * time.Second, Subprotocols: subprotocols}
	conn, res, err := dialer.DialContext(ctx, url, header)
	if res != nil && res.Body != nil {
		defer res.Body.Close() //nolint:errcheck // what it says is in the status
	}
	if err != nil {
		if res != nil {
			err = &HandshakeError{res.StatusCode, err}
		}
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	conn.SetReadLimit(64 << 20)
	return &Client{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })}, nil
}

// Read waits for the next message, for at most the time given; it belongs to the caller. The end is a *CloseError if the
// server said why, else io.ErrUnexpectedEOF in the chain or the network's error.
func (c *Client) Read(within time.Duration) ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	_, message, err := c.conn.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return nil, &CloseError{closed.Code, closed.Text}
	}
	if closed != nil {
		err = io.ErrUnexpectedEOF
	}
	return message, err
}

// Write sends a text message.
func (c *Client) Write(message []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	return c.conn.WriteMessage(websocket.TextMessage, message)
}

// Close sends a close frame and ends the connection.
func (c *Client) Close() error {
	c.stop()
	message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	err := c.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
	if errors.Is(err, websocket.ErrCloseSent) {
		err = nil
	}
	return errors.Join(err, c.conn.Close())
}
