// Package intake reads and publishes the events of an HTTP request: what the ingest function and the
// management API have in common, once they know the caller.
//
//	body, tenant, Principal -> events, every one checked -> limits -> Publisher -> 200
//
// # Formats
//
//	application/json                      one event, or an array of events
//	application/x-ndjson, jsonl, ndjson   one event per line
//	any, with ce-specversion              a CloudEvent in binary mode
//	application/cloudevents+json          a CloudEvent in structured mode
//	application/cloudevents-batch+json    an array of CloudEvents
//
// A plain event is
//
//	{"channel":"prices:fx","key":"EURUSD","tags":{"desk":"eu"},"data":{"bid":1.08},"id":"quote-17"}
//
// where channel and data are required. It may also have eventType, source, contentType, ttl and transient, as
// Publication has them; with "delete":true instead of data it removes its key. A field that is not one of these is
// an error. Data is any JSON value. A body may be compressed with gzip. Media types, charset (which must be UTF-8 where
// there is one) and codings are case-insensitive, and a byte order mark before text is skipped. A batch of CloudEvents may
// be empty; a plain array and NDJSON must hold an event.
//
// Of a CloudEvent, subject is the channel, the extension partitionkey the key,
// other extensions are tags, type is the EventType, source the Source, and source and id together the event's ID (EventID).
// Data that is not JSON has its datacontenttype as ContentType, and
// becomes a JSON string: of the text itself if its type is text/..., else of its base64. An event
// without data has the data null. A CloudEvent cannot remove a key: a plain event can.
//
// # One request is all or nothing
//
// Before the first event is published, every event is checked, also whether the token may publish to
// its channel. If one event is refused, the whole request is, and the problem document names
// each refused event by its index. The answer 200 is sent when the broker has stored all of them:
//
//	{"accepted":2,"results":[{"id":"quote-17"},{"id":"3q2-7wAAqHvP0XcBoG5R2w"}]}
//
// After a 503, some events may have been published. It is safe to send the request again
// for events with an ID, because every hub drops a repeated ID. An event
// without an ID gets a new one each time.
package intake
