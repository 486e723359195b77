package gcp

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

// counting returns the options of a client of a service whose failed calls are counted, each attempt.
func counting(service string, metrics realtime.Metrics) []option.ClientOption {
	c := calls{service, metrics}
	return []option.ClientOption{
		option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(c.unary)),
		option.WithGRPCDialOption(grpc.WithChainStreamInterceptor(c.stream)),
	}
}

// calls counts those of one service.
type calls struct {
	service string
	metrics realtime.Metrics
}

func (c calls) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, conn, o...)
	c.ended(method, err)
	return err
}

func (c calls) stream(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, d, conn, method, o...)
	if err != nil {
		c.ended(method, err)
		return nil, err
	}
	return &countedStream{s, c, method}, nil
}

// countedStream counts how a stream ended. Receiving from one that has ended is nothing that clients do.
type countedStream struct {
	grpc.ClientStream
	calls  calls
	method string
}

func (s *countedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if !errors.Is(err, io.EOF) { // the end of an answer
		s.calls.ended(s.method, err)
	}
	return err
}

// ended counts an error that says something of the service.
func (c calls) ended(method string, err error) {
	if code := status.Code(err); telling(method, code) {
		c.metrics.Add(realtime.CountBackendErrors, "", realtime.Reason(c.service+" "+codeName(code)), 1)
	}
}

// The methods of which a code says something else than usually. They are written out here, so that whoever uses one of the services links no
// other.
const (
	methodStreamingPull = "/google.pubsub.v1.Subscriber/StreamingPull"
	methodPublish       = "/google.pubsub.v1.Publisher/Publish"
	methodRunQuery      = "/google.firestore.v1.Firestore/RunQuery"
)

// telling reports whether a code says something of the service: not that something is not there or is there already,
// of which most is asked to learn just that, and not that somebody stopped waiting.
func telling(method string, code codes.Code) bool {
	switch code {
	case codes.Unavailable:
		// Pub/Sub ends every streaming pull so after a while, and is well (https://cloud.google.com/pubsub/docs/pull-troubleshooting).
		return method != methodStreamingPull
	case codes.NotFound:
		return method == methodPublish // the topic of a tenant is missing
	case codes.FailedPrecondition:
		return method == methodRunQuery // an index is missing
	case codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.DataLoss, codes.Unknown,
		codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	return false
}

// codeName is a gRPC code in lower case, with its words apart: deadline_exceeded.
func codeName(c codes.Code) string {
	var b strings.Builder
	for i, r := range c.String() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
