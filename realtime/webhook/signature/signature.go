// Package signature signs requests as Standard Webhooks has it (https://www.standardwebhooks.com, version 1, symmetric), and verifies them: an HMAC with SHA-256 of
// the message's id, the time and the body.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a request may be off when it is verified.
const Tolerance = 5 * time.Minute

// version begins a signature.
const version = "v1,"

// Sign sets the headers of a request with a body: one signature for each key.
func Sign(h http.Header, id string, at time.Time, body []byte, keys ...[]byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = version + base64.StdEncoding.EncodeToString(sum(key, id, timestamp, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(all, " "))
}

// Verify returns nil if one of the signatures in the headers is that of the body with one of the keys, and was made at most Tolerance before or
// after now. Its errors do not tell who sends forged requests which of both was wrong.
func Verify(h http.Header, body []byte, now time.Time, keys ...[]byte) error {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return errors.New("the request is not signed")
	}
	// Comparing seconds cannot overflow, as the difference of two times could.
	if seconds < now.Add(-Tolerance).Unix() || seconds > now.Add(Tolerance).Unix() {
		return errors.New("the request is not signed for this time")
	}
	for one := range strings.SplitSeq(h.Get(HeaderSignature), " ") {
		text, known := strings.CutPrefix(one, version)
		if !known {
			continue
		}
		given, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		for _, key := range keys {
			if hmac.Equal(given, sum(key, id, timestamp, body)) {
				return nil
			}
		}
	}
	return errors.New("the request is not signed by a key that is known")
}

func sum(key []byte, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}
