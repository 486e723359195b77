package canary

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// stream is a client of Server-Sent Events on a Tap.
type stream struct {
	tap  *Tap
	in   *bufio.Reader // of the connection
	body *bufio.Reader // of the answer
	id   string        // of the last event
}

// errNoUplink says that a stream of events takes no frames.
var errNoUplink = errors.New("a stream of events takes no frames")

func dialStream(ctx context.Context, address, token string, query url.Values, lastID string) (*stream, error) {
	tap, u, err := dialTap(ctx, address, "/v1/events")
	if err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"Authorization": {"Bearer " + token}, "Accept": {"text/event-stream"}}}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	s := &stream{tap: tap, in: bufio.NewReader(tap)}
	if err := r.Write(tap); err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	resp, err := http.ReadResponse(s.in, r) //nolint:bodyclose // the connection is closed, and with it the body
	if err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, errors.Join(fmt.Errorf("the stream is answered %s: %s", resp.Status, text), tap.Close())
	}
	const small = 16 // what was read ahead is not yet consumed
	s.body = bufio.NewReaderSize(resp.Body, small)
	return s, nil
}

func (s *stream) consumed() int { return s.tap.len() - s.in.Buffered() }

// next returns the data of the next event that has some.
func (s *stream) next() ([]byte, error) {
	var data []string
	id := s.id
	for {
		line, err := s.body.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			s.id = id // only now, lest an event that was cut off counts as read
			if len(data) > 0 {
				return []byte(strings.Join(data, "\n")), nil
			}
		case name == "data":
			data = append(data, value)
		case name == "id":
			id = value
		}
	}
}

func (*stream) send([]byte) error { return errNoUplink }
func (s *stream) close() error    { return s.tap.Close() }
