package gcp

import (
	"context"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
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
	c.ended(err)
	return err
}

func (c calls) stream(ctx context.Context, d *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, d, conn, method, o...)
	if err != nil {
		c.ended(err)
		return nil, err
	}
	return &countedStream{s, c, method == pubsubpb.Subscriber_StreamingPull_FullMethodName}, nil
}

// countedStream counts how a stream ended. Receiving from one that has ended is nothing that clients do.
type countedStream struct {
	grpc.ClientStream
	calls calls
	// pulls: Pub/Sub ends every streaming pull after a while with Unavailable, and is well
	// (https://cloud.google.com/pubsub/docs/pull-troubleshooting).
	pulls bool
}

func (s *countedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if !s.pulls || status.Code(err) != codes.Unavailable {
		s.calls.ended(err)
	}
	return err
}

// ended counts an error that says something of the service: not what was asked for wrongly or is not
// there, and not that somebody stopped waiting. A stream that ends without an error has none.
func (c calls) ended(err error) {
	switch code := status.Code(err); code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.DataLoss,
		codes.PermissionDenied, codes.Unauthenticated:
		c.metrics.Add(realtime.CountBackendErrors, "", c.service+" "+codeName(code), 1)
	}
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
