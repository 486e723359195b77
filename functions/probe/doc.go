// Package probe shows that a deployment works from end to end: when it is called over HTTP, it does
// what a page and a producer do, and reports how long each step took.
//
//	GET or POST /
//	-> token    signed with the probe's tenant's own key
//	-> connect  a WebSocket to the gateway, until its welcome
//	-> subscribe  a channel, until its answer
//	-> delivery   an event through ingest, until the socket has it, unchanged
//	-> 200 {"connect":41,"subscribe":12,"publish":38,"delivery":63}, in milliseconds
//
// A failure is answered with 503 and a problem document whose detail begins with the stage. The log
// line also has the stage, by which failures are counted. The time of a whole run is bounded. Runs may
// overlap: all use one channel, so that they leave one record in the gateways instead of one each, and
// each waits for the event with its own key.
//
// The socket of a run stays open during the next runs (Options.Held), so that gateways continue to follow the probe's
// topic. Otherwise each run would follow the topic again: it would measure the deployment at its slowest, and report it
// as broken when Pub/Sub takes a minute to begin a replay.
//
// # The token
//
// The probe reads its tenant's document and signs a token for itself. The token is valid for half an hour longer than
// a run may take, because its socket stays open, and only for the probe's channel. The choices were:
//
//   - a long-lived token in Secret Manager: somebody must renew it, and the first alert of
//     the probe would be about its own token;
//   - a key of its own in Secret Manager, with its public half in the document: the function could
//     read nothing else, but each rotation changes two places;
//   - the key in the document, as for ingest and the dashboards' sessions.
//
// We chose the last: nothing must be created, rotated or remembered except the tenant itself, and an unreadable
// document is one of the faults that the probe must find. The price is that its service account can read tenants'
// documents. Ingest, from the same source, has the same permission, and nobody from outside can call the probe:
// Cloud Run's IAM admits only the caller of the uptime check.
package probe
