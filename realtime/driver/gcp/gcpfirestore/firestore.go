package gcpfirestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
)

// The collections.
const (
	tenantsCollection     = "tenants"
	connectionsCollection = "connections" // below a tenant
	usersCollection       = "users"       // below a tenant
	instancesCollection   = "instances"
	topicsCollection      = "topics"
	channelsCollection    = "channels"    // below a tenant
	stateCollection       = "state"       // below a channel
	occupanciesCollection = "occupancies" // below a tenant
)

// Open returns a client of the database, which the caller closes.
func Open(ctx context.Context, c gcp.Connection) (*firestore.Client, error) {
	database := c.Database
	if database == "" {
		database = firestore.DefaultDatabaseID
	}
	client, err := firestore.NewClientWithDatabase(ctx, c.Project, database, c.Firestore()...)
	if err != nil {
		return nil, fmt.Errorf("open firestore of project %s: %w", c.Project, err)
	}
	return client, nil
}

// storeTimeout bounds one call of Firestore, unless the options say otherwise. The client repeats what
// fails until its context ends, so without a bound a call would wait as long as an outage lasts.
const storeTimeout = 5 * time.Second

// storeError says what was being done when Firestore failed. What may pass by itself has
// CodeUnavailable.
func storeError(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if storeTransient(err) {
		return &realtime.Error{Code: realtime.CodeUnavailable, Message: "the database cannot be reached now", RetryAfter: 5 * time.Second, Err: err}
	}
	return err
}

func storeTransient(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// page checks the limit of a page and fills in its default.
func pageLimit(limit int) (int, error) {
	switch {
	case limit < 0 || limit > 1000:
		return 0, realtime.Errorf(realtime.CodeBadRequest, "limit: must be 1 to 1000, got %d", limit)
	case limit == 0:
		return 100, nil
	}
	return limit, nil
}
