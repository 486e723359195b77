package capture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Stream is a client of Server-Sent Events on a Tap.
type Stream struct {
	Tap  *Tap
	in   *bufio.Reader // of the connection
	body *bufio.Reader // of the answer
	ID   string        // of the last event
}

// ErrNoUplink says that a stream of events takes no frames.
var ErrNoUplink = errors.New("a stream of events takes no frames")

// DialStream opens one at a server with a token, perhaps behind the last event of another one.
func DialStream(ctx context.Context, address, token string, query url.Values, lastID string) (*Stream, error) {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query.Encode()}, Header: http.Header{}}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	return dialStream(ctx, address, token, r)
}

// Post sends frames of the socket protocol, one a line, in the body of a request, and returns the stream that answers them.
func Post(ctx context.Context, address, token string, frames []map[string]any) (*Stream, error) {
	var body []byte
	for _, f := range frames {
		line, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		body = append(append(body, line...), '\n')
	}
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{"Content-Type": {"application/x-ndjson"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	return dialStream(ctx, address, token, r)
}

func dialStream(ctx context.Context, address, token string, r *http.Request) (*Stream, error) {
	tap, u, err := Dial(ctx, address, "/v1/events")
	if err != nil {
		return nil, err
	}
	u.RawQuery = r.URL.RawQuery
	r.URL, r.Host = u, u.Host
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "text/event-stream")
	s := &Stream{Tap: tap, in: bufio.NewReader(tap)}
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

// Consumed returns how many bytes of the capture were made events.
func (s *Stream) Consumed() int { return s.Tap.Len() - s.in.Buffered() }

// Next returns the data of the next event that has some.
func (s *Stream) Next() ([]byte, error) {
	var data []string
	id := s.ID
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
			s.ID = id // only now, lest an event that was cut off counts as read
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

// Send fails.
func (*Stream) Send([]byte) error { return ErrNoUplink }

// Close ends the connection.
func (s *Stream) Close() error { return s.Tap.Close() }
