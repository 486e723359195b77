// Package gcppubsub has a Broker on Google Cloud Pub/Sub: a topic per tenant (or a shared one), ordering key = channel, and
// one subscription per topic and instance that follows it. Lost tells a topic of connections whose instance has died.
//
// It speaks to the emulator as well, which gcp.Connection names; what follows topics there needs package pubsubemulator around it. Where
// the emulator differs from the service, a comment at the place says so.
package gcppubsub
