package gcp

import pubsub "cloud.google.com/go/pubsub/v2"

var _ = pubsub.NewClient
