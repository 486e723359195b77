package capture

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Answer is an answer to one request, all of which has come.
type Answer struct {
	Tap    *Tap
	Status int
	Body   []byte
	given  bool
}

// Get makes a request, on a connection of its own. The Answer is to be closed.
func Get(ctx context.Context, address, path string, query url.Values, token string, patience time.Duration) (*Answer, error) {
	tap, u, err := Dial(ctx, address, path)
	if err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	a := &Answer{Tap: tap}
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Close: true, Header: http.Header{"Authorization": {"Bearer " + token}}}
	if err := errors.Join(tap.SetDeadline(time.Now().Add(patience)), r.Write(tap)); err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	resp, err := http.ReadResponse(bufio.NewReader(tap), r)
	if err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	a.Status = resp.StatusCode
	a.Body, err = io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	return a, nil
}

// Next returns the body, once.
func (a *Answer) Next() ([]byte, error) {
	if a.given {
		return nil, io.EOF
	}
	a.given = true
	return a.Body, nil
}

// Send fails.
func (*Answer) Send([]byte) error { return ErrNoUplink }

// Consumed is all that has come.
func (a *Answer) Consumed() int { return a.Tap.Len() }

// Close ends the connection.
func (a *Answer) Close() error { return a.Tap.Close() }
