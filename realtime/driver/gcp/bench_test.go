package gcp_test

import (
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/gcp"
)

// BenchmarkConnectStorm writes the documents of 2,000 connections at once, as Registry does and as the client's
// BulkWriter does.
func BenchmarkConnectStorm(b *testing.B) {
	const storm = 2000
	db := fresh(b)
	now := time.Now()
	docs := make([]realtime.ConnectionDoc, storm)
	for i := range docs {
		docs[i] = realtime.ConnectionDoc{
			Tenant: "acme", ID: fmt.Sprintf("c%04d", i), User: fmt.Sprintf("user-%d", i), Groups: []string{"traders", "eu"}, Instance: "i1",
			Remote: "192.0.2.1", Connected: now, Expires: now.Add(time.Hour),
		}
	}
	b.Run("commits", func(b *testing.B) {
		registry := gcp.NewRegistry(db, gcp.RegistryOptions{Timeout: patience})
		for b.Loop() {
			if err := registry.Connect(b.Context(), docs); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(storm*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	})
	b.Run("bulkwriter", func(b *testing.B) {
		for b.Loop() {
			w := db.BulkWriter(b.Context())
			jobs := make([]*firestore.BulkWriterJob, len(docs))
			for i := range docs {
				job, err := w.Set(db.Doc("tenants/acme/connections/"+docs[i].ID), map[string]any{
					"user": docs[i].User, "groups": docs[i].Groups, "instance": "i1", "remote": docs[i].Remote, "connectedAt": now, "expireAt": docs[i].Expires,
				})
				if err != nil {
					b.Fatal(err)
				}
				jobs[i] = job
			}
			w.End()
			for _, job := range jobs {
				if _, err := job.Results(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(storm*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	})
}
