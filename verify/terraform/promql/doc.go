// Package promql has tests only: the queries of terraform/modules/signals, as Terraform renders them, are read by
// Prometheus' own parser, and its engine evaluates every condition of every alert on series that it has
// to see and on series that it must not see. It is a module of its own, so that nothing else of the
// project depends on Prometheus' server.
//
// What Cloud Monitoring does otherwise than Prometheus it cannot tell. It is known for counters that
// begin: Prometheus' increase sees nothing of a series' first value.
package promql
