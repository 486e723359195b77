// Package probe shows that a deployment works, from one end to the other: asked over HTTP, it does
// what a page and a producer do and says how long each step took.
//
//	GET or POST /
//	-> token    signed with the probe's tenant's own key
//	-> connect  a WebSocket to the gateway, until its welcome
//	-> subscribe  a channel, until its answer
//	-> delivery   an event through ingest, until the socket has it, unchanged
//	-> 200 {"connect":41,"subscribe":12,"publish":38,"delivery":63}, in milliseconds
//
// What fails is answered with a problem document, 503, whose detail begins with the stage, and the
// stage stands in the log line, by which failures are counted. A run is bounded as a whole. Runs may
// overlap: all use one channel, so that they leave one record in the gateways and not one each, and
// each waits for the event that has its own key.
//
// The socket of a run stays open for the next few (Options.Held), so that gateways go on following the probe's topic; a deployment
// whose topic is followed anew for each run would be measured at its slowest, and called broken when Pub/Sub takes its minute to
// begin a replay.
//
// # Whose token
//
// The probe reads its tenant's document and signs a token for itself that lives half an hour longer than
// a run may take, for as long as its socket is held, and is good for its one channel. The choices were:
//
//   - a token that lives long, in Secret Manager: somebody has to renew it, and the first alarm of
//     the probe would be its own expiry;
//   - a key of its own in Secret Manager, whose public half is in the document: the function could
//     read nothing else, and each rotation has two places;
//   - the document, as ingest and the dashboards' sessions do.
//
// It is the last: nothing is to be made, rotated or forgotten besides the tenant itself, and a document that
// cannot be read is one of the faults that the probe is there to find. What it costs is that its service account may
// read tenants' documents. It is the same right that ingest has, of the same source, and
// nobody from outside may call this one: Cloud Run's IAM admits the caller of the uptime check alone.
package probe
