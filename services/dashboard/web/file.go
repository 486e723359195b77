package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// file is an embedded file, ready to be sent as it is or compressed.
type file struct {
	name    string
	kind    string // content type
	plain   []byte
	gzipped []byte // nil if it would not be smaller
	etag    string // without quotes; the gzipped form has a "-gz" behind it
}

// contentTypes has every kind of file the pages are made of. The operating system's
// table is not asked: it differs between machines.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	"":      "text/plain; charset=utf-8", // LICENSE
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	f := &file{
		name: name, kind: contentTypes[path.Ext(name)], plain: content,
		etag: base64.RawURLEncoding.EncodeToString(sum[:12]),
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(content) //nolint:errcheck // a bytes.Buffer takes everything
	z.Close()        //nolint:errcheck // as above
	if b.Len() < len(content) {
		f.gzipped = b.Bytes()
	}
	return f
}

// ServeHTTP answers GET and HEAD, ranges and If-None-Match.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	content, etag := f.plain, f.etag
	if f.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		content, etag = f.gzipped, etag+"-gz"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", strconv.Quote(etag))
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, quality, weighted := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(quality), "q="), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
