package gcpfirestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidewire/tidewire/realtime"
)

// Revocations is a realtime.Revocations on Firestore: tenants/{tenant}/users/{user}. A question is one reading of a
// document, a logout a reading and a write.
type Revocations struct {
	db        *firestore.Client
	malformed malformed
}

// RevocationsOptions configure Revocations. The zero value works.
type RevocationsOptions struct {
	// Metrics counts malformed documents, as backend errors; nil forgets.
	Metrics realtime.Metrics
	// Logger gets a line for each; nil discards.
	Logger *slog.Logger
}

// NewRevocations returns Revocations on a client, which stays open.
func NewRevocations(db *firestore.Client, o RevocationsOptions) *Revocations {
	return &Revocations{db, newMalformed(o.Metrics, o.Logger)}
}

// userDocument is tenants/{tenant}/users/{user}.
type userDocument struct {
	Before  time.Time `firestore:"revokedBefore"`
	Expires time.Time `firestore:"expireAt"`
}

// Revoke makes the user's tokens of before and earlier no longer good. Of several at a time none is lost: each writes
// only over what it has read, and otherwise begins again.
func (r *Revocations) Revoke(ctx context.Context, tenant, user string, before, until time.Time) error {
	ref, err := r.document(tenant, user)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for {
		err := r.revoke(ctx, ref, userDocument{before, until})
		if outrun(err) {
			err = backOff(ctx)
			if err == nil {
				continue
			}
		}
		return storeError("revoke the tokens of a user of "+tenant, err)
	}
}

// revoke writes the later of what is there and what is asked for.
func (r *Revocations) revoke(ctx context.Context, ref *firestore.DocumentRef, asked userDocument) error {
	s, err := ref.Get(ctx)
	if status.Code(err) == codes.NotFound {
		_, err = ref.Create(ctx, asked)
		return err
	}
	if err != nil {
		return err
	}
	have, err := r.decode(ctx, s)
	if err != nil {
		_, err = ref.Set(ctx, asked) // what was there said nothing, and would let nobody in
		return err
	}
	if !asked.Before.After(have.Before) && !asked.Expires.After(have.Expires) {
		return nil
	}
	_, err = ref.Update(ctx, []firestore.Update{
		{Path: "revokedBefore", Value: laterOf(asked.Before, have.Before)}, {Path: "expireAt", Value: laterOf(asked.Expires, have.Expires)},
	}, firestore.LastUpdateTime(s.UpdateTime))
	return err
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// outrun reports whether a write failed because somebody else wrote meanwhile.
func outrun(err error) bool {
	switch status.Code(err) {
	case codes.AlreadyExists, codes.FailedPrecondition, codes.NotFound, codes.Aborted:
		return true
	}
	return false
}

// backOff lets those who outran each other come back at different times.
func backOff(ctx context.Context) error {
	timer := time.NewTimer(5*time.Millisecond + rand.N(50*time.Millisecond)) //nolint:gosec // it spreads load and keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RevokedBefore returns the moment; the zero time if there is none.
func (r *Revocations) RevokedBefore(ctx context.Context, tenant, user string) (time.Time, error) {
	ref, err := r.document(tenant, user)
	if err != nil {
		return time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s, err := ref.Get(ctx)
	if status.Code(err) == codes.NotFound {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, storeError("read the logout of a user of "+tenant, err)
	}
	doc, err := r.decode(ctx, s)
	if err != nil {
		// Nobody knows which tokens are good. The next logout of the user, or whoever removes the document, mends it.
		return time.Time{}, &realtime.Error{Code: realtime.CodeUnavailable, Message: "the user's last logout cannot be read", RetryAfter: time.Minute,
			Err: fmt.Errorf("document of a user of tenant %s: %w", tenant, err)}
	}
	return doc.Before, nil
}

// decode reads a document, which always says when its user was logged out.
func (r *Revocations) decode(ctx context.Context, s *firestore.DocumentSnapshot) (doc userDocument, err error) {
	if err = s.DataTo(&doc); err == nil && doc.Before.IsZero() {
		err = errors.New("revokedBefore: is missing")
	}
	if err != nil {
		r.malformed.found(ctx, logoutKind, pathOf(s.Ref), err)
	}
	return doc, err
}

func (r *Revocations) document(tenant, user string) (*firestore.DocumentRef, error) {
	if user == "" {
		return nil, realtime.Errorf(realtime.CodeBadRequest, "user: is missing")
	}
	if err := realtime.CheckTenantID(tenant); err != nil {
		return nil, err
	}
	return r.db.Collection(tenantsCollection).Doc(tenant).Collection(usersCollection).Doc(encodeName(user)), nil
}
