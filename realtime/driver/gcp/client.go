package gcp

import (
	"context"
	"slices"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/tidewire/tidewire/realtime"
)

// Connection says which project is meant and where its services are. Only Project is required.
type Connection struct {
	// Project is the identifier of the Google Cloud project.
	Project string
	// Database is the Firestore database; empty is "(default)".
	Database string
	// PubSubEmulator and FirestoreEmulator are host:port of an emulator to speak to instead
	// of the service.
	PubSubEmulator, FirestoreEmulator string
	// Region is the one in which Pub/Sub is spoken to, at its own address, and in which topics that are made keep their messages;
	// empty is the global address, which may take a message elsewhere, and then order between two does not hold.
	Region string
	// Metrics is told of calls that failed, and of what a Broker does; nil forgets.
	Metrics realtime.Metrics
}

func (c *Connection) metrics() realtime.Metrics {
	if c.Metrics == nil {
		return realtime.NoMetrics{}
	}
	return c.Metrics
}

// PubSub returns the options of a client of Pub/Sub that publishes and administers.
func (c *Connection) PubSub() []option.ClientOption {
	return slices.Concat(c.pubsubAddress(), reconnecting(callSilence, callPing), counting("pubsub", c.metrics()))
}

// PubSubStreams returns those of a client that holds streams.
func (c *Connection) PubSubStreams() []option.ClientOption {
	return slices.Concat(c.pubsubAddress(), reconnecting(streamSilence, streamPing), counting("pubsub", c.metrics()))
}

func (c *Connection) pubsubAddress() []option.ClientOption {
	switch {
	case c.PubSubEmulator != "":
		return emulator(c.PubSubEmulator, false)
	case c.Region != "":
		return []option.ClientOption{option.WithEndpoint(pubsubEndpoint(c.Region))}
	}
	return nil
}

// pubsubEndpoint is the address of a region (https://cloud.google.com/pubsub/docs/reference/service_apis_overview).
func pubsubEndpoint(region string) string { return region + "-pubsub.googleapis.com:443" }

// Firestore returns those of a client of Firestore.
func (c *Connection) Firestore() []option.ClientOption {
	return slices.Concat(emulator(c.FirestoreEmulator, true), reconnecting(callSilence, callPing), counting("firestore", c.metrics()))
}

// When a connection is asked whether it lives: after silence with something under way on it; and how long it may take to answer.
// A stream is silent by nature, and Google's frontends take a ping every 30 s; a call is not, and so a ping is the exception.
const (
	streamSilence, streamPing = 30 * time.Second, 10 * time.Second
	callSilence, callPing     = 10 * time.Second, 10 * time.Second
)

// reconnecting returns the options of a client that comes back soon after an outage: by itself gRPC tries to connect ever
// more seldom, in the end every two minutes, and TCP may take a quarter of an hour to give up a peer that fell silent.
func reconnecting(silence, ping time.Duration) []option.ClientOption {
	pace := backoff.DefaultConfig
	pace.BaseDelay, pace.MaxDelay = 200*time.Millisecond, 3*time.Second
	return []option.ClientOption{
		option.WithGRPCDialOption(grpc.WithConnectParams(grpc.ConnectParams{Backoff: pace, MinConnectTimeout: 5 * time.Second})),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: silence, Timeout: ping})),
	}
}

// emulator returns the options of a client that speaks to an emulator, and none if there is none.
func emulator(addr string, owner bool) []option.ClientOption {
	if addr == "" {
		return nil
	}
	dial := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if owner {
		dial = append(dial, grpc.WithPerRPCCredentials(ownerToken{}))
	}
	options := []option.ClientOption{option.WithEndpoint(addr), option.WithoutAuthentication(), option.WithTelemetryDisabled()}
	for _, d := range dial {
		options = append(options, option.WithGRPCDialOption(d))
	}
	return options
}

// ownerToken lets a client past the security rules of the Firestore emulator, as a
// server identity is let past those of the service.
type ownerToken struct{}

func (ownerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

func (ownerToken) RequireTransportSecurity() bool { return false }
