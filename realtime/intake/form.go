package intake

import (
	"mime"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// form reads the events of a body into a batch. An error refuses the body; what is
// wrong with one event only is put into the batch.
type form func(b *batch, header http.Header, body []byte) error

// accepted is what a 415 lists.
const accepted = "application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json"

// formOf chooses by the Content-Type and, for binary mode, by the header that
// every CloudEvent in it has (CloudEvents HTTP binding 1.0.2, section 3).
func formOf(w http.ResponseWriter, r *http.Request) (form, *problem.Problem) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && encoding != "gzip" {
		w.Header().Set("Accept-Encoding", "gzip")
		return nil, unsupported("Content-Encoding %.32q is not served; use gzip or none", encoding)
	}
	contentType := r.Header.Get("Content-Type")
	media := mediaType(contentType)
	switch media {
	case "application/cloudevents+json":
		return readStructured, nil
	case "application/cloudevents-batch+json":
		return readCloudEvents, nil
	}
	if len(r.Header["Ce-Specversion"]) > 0 {
		return readBinary, nil
	}
	switch media {
	case "application/json":
		return readJSON, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines":
		return readLines, nil
	}
	w.Header().Set("Accept", accepted) // RFC 9110 section 15.5.16
	return nil, unsupported("Content-Type %.64q is not served; send one of %s, or a CloudEvent in binary mode", contentType, accepted)
}

func unsupported(format string, args ...any) *problem.Problem {
	return problem.WithStatus(http.StatusUnsupportedMediaType, realtime.Errorf(realtime.CodeBadRequest, format, args...))
}

// mediaType returns the type without its parameters, in lower case, or "" for what is none.
func mediaType(contentType string) string {
	if contentType == "application/json" {
		return contentType // nearly all there are
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return media
}

// isJSON reports whether data of a media type is JSON (RFC 6839 section 3.1). What has no
// type is, by the CloudEvents JSON format 1.0.2, section 3.1.
func isJSON(media string) bool {
	return media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
