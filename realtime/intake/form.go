package intake

import (
	"net/http"
	"strings"
)

// form reads the events of a body into a batch. An error refuses the body; what is
// wrong with one event only is put into the batch.
type form func(b *batch, header http.Header, body []byte) error

// accepted is what a 415 lists.
const accepted = "application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json"

// formOf chooses by the Content-Type and, for binary mode, by the header that
// every CloudEvent in it has (CloudEvents HTTP binding 1.0.2, section 3).
func formOf(h http.Header) (form, error) {
	media, err := MediaType(h, accepted)
	if err != nil {
		return nil, err
	}
	switch media {
	case "application/cloudevents+json":
		return readStructured, nil
	case "application/cloudevents-batch+json":
		return readCloudEvents, nil
	}
	// What begins so is an event in a format that is not served, whatever the headers say (section 3.2.1).
	if len(h["Ce-Specversion"]) > 0 && !strings.HasPrefix(media, "application/cloudevents") {
		return readBinary, nil
	}
	switch media {
	case "application/json":
		return readJSON, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines":
		return readLines, nil
	}
	return nil, unsupported("Content-Type", "one of "+accepted+", or that of a CloudEvent in binary mode", h.Get("Content-Type"), "Accept", accepted)
}

// isJSON reports whether data of a media type is JSON (RFC 6839 section 3.1). What has no
// type is, by the CloudEvents JSON format 1.0.2, section 3.1.
func isJSON(media string) bool {
	return media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
