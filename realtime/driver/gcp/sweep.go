package gcp

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// SweepReport says what a Sweep removed.
type SweepReport struct {
	Instances   []string // that were dead: their leases
	Connections int      // documents of theirs
}

// Sweep removes the leases of dead instances and the connection documents that they left. An instance is dead
// when its lease ended RegistryOptions.Grace before now and did not change while Sweep looked on. It is safe to
// run twice, several at a time, and while gateways start: these have no lease yet, or one that lasts.
//
// It takes RegistryOptions.Settle if any lease has ended. What was removed before an error is in the report;
// the next Sweep goes on. Ask Gone after it, not before: only then has a live instance had
// the time to renew its lease after an outage.
func (r *Registry) Sweep(ctx context.Context, now time.Time) (SweepReport, error) {
	var report SweepReport
	dead, err := r.ended(ctx, now)
	if err != nil || len(dead) == 0 {
		return report, storeError("read leases", err)
	}
	if r.o.Settle > 0 {
		timer := time.NewTimer(r.o.Settle)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return report, ctx.Err()
		}
	}
	for _, lease := range dead {
		removed, err := r.bury(ctx, lease, &report)
		if err != nil {
			return report, storeError("sweep instance "+decodeName(lease.Ref.ID), err)
		}
		if removed {
			report.Instances = append(report.Instances, decodeName(lease.Ref.ID))
		}
	}
	return report, nil
}

// ended returns the leases that ended long enough ago. There are as many leases as instances, so it reads them all:
// an index of moments that are written every few seconds would cost more than it saves.
func (r *Registry) ended(ctx context.Context, now time.Time) ([]*firestore.DocumentSnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	all, err := r.db.Collection(instancesCollection).Documents(ctx).GetAll()
	if err != nil {
		return nil, err
	}
	var dead []*firestore.DocumentSnapshot
	for _, s := range all {
		var doc leaseDocument
		if err := s.DataTo(&doc); err != nil {
			return nil, err
		}
		if r.gone(doc.Until, now) {
			dead = append(dead, s)
		}
	}
	return dead, nil
}

func (r *Registry) gone(until, now time.Time) bool { return until.Add(r.o.Grace).Before(now) }

// bury removes what an instance left, and its lease last: who is interrupted finds it again. It is false
// if the instance lives after all, or somebody else has done it.
func (r *Registry) bury(ctx context.Context, lease *firestore.DocumentSnapshot, report *SweepReport) (bool, error) {
	same, err := r.unchanged(ctx, lease)
	if err != nil || !same {
		return false, err
	}
	query := r.db.CollectionGroup(connectionsCollection).Where("instance", "==", decodeName(lease.Ref.ID)).Select().Limit(2 * commitWrites)
	for {
		n, err := r.removeFound(ctx, query)
		report.Connections += n
		if err != nil {
			return false, err
		}
		if n < 2*commitWrites {
			break
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	_, err = lease.Ref.Delete(ctx, firestore.LastUpdateTime(lease.UpdateTime))
	switch status.Code(err) {
	case codes.FailedPrecondition, codes.NotFound:
		return false, nil
	}
	return err == nil, err
}

func (r *Registry) unchanged(ctx context.Context, lease *firestore.DocumentSnapshot) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	s, err := lease.Ref.Get(ctx)
	if status.Code(err) == codes.NotFound {
		return false, nil
	}
	return err == nil && s.UpdateTime.Equal(lease.UpdateTime), err
}

// removeFound removes the documents that a query finds, and says how many.
func (r *Registry) removeFound(ctx context.Context, query firestore.Query) (int, error) {
	reading, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	found, err := query.Documents(reading).GetAll()
	if err != nil {
		return 0, err
	}
	w := docWriter{db: r.db, timeout: r.o.Timeout}
	for _, s := range found {
		w.next().Delete(s.Ref)
	}
	if err := w.commit(ctx); err != nil {
		return 0, err
	}
	return len(found), nil
}

// Gone returns those of the instances that are dead: whose lease ended RegistryOptions.Grace before now, or that have
// none. One that has only just begun may have none yet, so what belongs to an instance without a lease is to be let
// live for as long as that after it was made.
func (r *Registry) Gone(ctx context.Context, now time.Time, instances []string) (map[string]bool, error) {
	gone := map[string]bool{}
	for len(instances) > 0 {
		part := instances[:min(len(instances), 1000)]
		instances = instances[len(part):]
		reading, cancel := context.WithTimeout(ctx, r.o.Timeout)
		until, err := r.readLeases(reading, part)
		cancel()
		if err != nil {
			return nil, storeError("read leases", err)
		}
		for instance, end := range until {
			if r.gone(end, now) {
				gone[instance] = true
			}
		}
	}
	return gone, nil
}
