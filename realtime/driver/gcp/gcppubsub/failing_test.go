package gcppubsub_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// failing stands before an emulator of Pub/Sub and passes everything on as it is, except requests to publish what is to fail.
type failing struct {
	addr string
	conn *grpc.ClientConn

	mu  sync.Mutex // guards ids
	ids map[string]bool
}

// before starts one before the emulator at an address; it ends with the test.
func before(t *testing.T, emulator string) *failing {
	t.Helper()
	conn, err := grpc.NewClient(emulator, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{addr: l.Addr().String(), conn: conn, ids: map[string]bool{}}
	s := grpc.NewServer(
		grpc.ForceServerCodec(bytesCodec{}), grpc.UnknownServiceHandler(f.pass), grpc.MaxRecvMsgSize(64<<20),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l) // ends with Stop
	}()
	t.Cleanup(func() {
		s.Stop()
		<-served
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// fail lets the next request to publish the message of that ID fail.
func (f *failing) fail(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids[id] = true
}

// fails reports whether the request, if it is one to publish, is to fail.
func (f *failing) fails(method string, request []byte) bool {
	r := &pubsubpb.PublishRequest{}
	if method != pubsubpb.Publisher_Publish_FullMethodName || proto.Unmarshal(request, r) != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range r.GetMessages() {
		if id := m.GetAttributes()["tw-id"]; f.ids[id] {
			delete(f.ids, id)
			return true
		}
	}
	return false
}

// pass handles any call.
func (f *failing) pass(_ any, in grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(in)
	header, _ := metadata.FromIncomingContext(in.Context())
	out, err := f.conn.NewStream(metadata.NewOutgoingContext(in.Context(), header),
		&grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodec(bytesCodec{}))
	if err != nil {
		return err
	}
	var first []byte
	if err := in.RecvMsg(&first); err != nil {
		return err
	}
	if f.fails(method, first) {
		time.Sleep(50 * time.Millisecond)
		return status.Error(codes.OutOfRange, "not stored") // a code upon which the client does not try again by itself
	}
	if err := out.SendMsg(&first); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	go func() { // ends with the call
		for {
			var m []byte
			if in.RecvMsg(&m) != nil || out.SendMsg(&m) != nil {
				_ = out.CloseSend() // it says nil
				return
			}
		}
	}()
	for {
		var m []byte
		if err := out.RecvMsg(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := in.SendMsg(&m); err != nil {
			return err
		}
	}
}

// bytesCodec takes messages for what they are on the wire.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil } //nolint:forcetypeassert // nothing else is given

func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...) //nolint:forcetypeassert // nothing else is given
	return nil
}

func (bytesCodec) Name() string { return "proto" }
