package ingest_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"
)

func zipped(t *testing.T, bodies ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, body := range bodies {
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// How a body may be written and labelled: content codings and media types in any case (RFC 9110, sections 8.3.1 and
// 8.4.1), what belongs to neither, and what an empty body means in each form.
func TestForms(t *testing.T) {
	t.Parallel()
	const (
		js, lines         = "application/json", "application/x-ndjson"
		structured, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
		event             = `{"channel":"board:7","data":"é"}`
		ce                = `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"board:7","data":"é"}`
		bom               = "\ufeff"
	)
	type h = map[string][]string
	binary := func(contentType string, more ...string) h {
		header := h{"Content-Type": {contentType}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}, "Ce-Subject": {"board:7"}}
		if contentType == "" {
			delete(header, "Content-Type")
		}
		for i := 0; i < len(more); i += 2 {
			header[more[i]] = []string{more[i+1]}
		}
		return header
	}
	coded := func(codings ...string) h { return h{"Content-Type": {js}, "Content-Encoding": codings} }
	of := func(contentTypes ...string) h { return h{"Content-Type": contentTypes} }
	gz := zipped(t, event)
	for _, c := range []struct {
		name   string
		header h
		body   string
		status int
		detail string // of a refusal
		data   string // of the one event, none if it is empty
	}{
		{"no coding", coded(), event, 200, "", `"é"`},
		{"gzip", coded("gzip"), gz, 200, "", `"é"`},
		{"GZIP", coded("GZIP"), gz, 200, "", `"é"`},
		{"Gzip in space", coded(" Gzip "), gz, 200, "", `"é"`},
		{"x-gzip", coded("x-gzip"), gz, 200, "", `"é"`},
		{"X-GZip", coded("X-GZip"), gz, 200, "", `"é"`},
		{"identity", coded("Identity"), event, 200, "", `"é"`},
		{"identity, gzip", coded("identity, gzip"), gz, 200, "", `"é"`},
		{"in two lines", coded("identity", "gzip"), gz, 200, "", `"é"`},
		{"an empty element", coded(", gzip,"), gz, 200, "", `"é"`},
		{"an empty coding", coded(""), event, 200, "", `"é"`},
		{"two members", coded("gzip"), zipped(t, event[:9], event[9:]), 200, "", `"é"`},
		{"twice", coded("gzip, gzip"), zipped(t, gz), 415, "Content-Encoding", ""},
		{"twice in two lines", coded("gzip", "gzip"), zipped(t, gz), 415, "Content-Encoding", ""},
		{"br", coded("br"), event, 415, `Content-Encoding: must be gzip or identity, got "br"`, ""},
		{"deflate behind gzip", coded("gzip, deflate"), gz, 415, `"gzip, deflate"`, ""},
		{"behind identity", coded("identity", "zstd"), event, 415, "zstd", ""},
		{"a parameter", coded("gzip;q=1"), gz, 415, "Content-Encoding", ""},
		{"gzip that is none", coded("GZIP"), event, 400, "not valid gzip", ""},
		{"gzip of nothing", coded("gzip"), zipped(t, ""), 400, "not JSON", ""},
		{"nothing in place of gzip", coded("gzip"), "", 400, "not valid gzip", ""},
		{"gzip that is cut off", coded("gzip"), gz[:len(gz)-3], 400, "not valid gzip", ""},
		{"gzip with more behind it", coded("gzip"), gz + "x", 400, "not valid gzip", ""},
		{"gzip that is damaged", coded("gzip"), gz[:12] + "\xff\xff" + gz[14:], 400, "not valid gzip", ""},

		{"any case", of("Application/JSON"), event, 200, "", `"é"`},
		{"charset", of("application/json; charset=utf-8"), event, 200, "", `"é"`},
		{"charset in any case", of(`application/json;Charset="UTF-8"`), event, 200, "", `"é"`},
		{"charset that is a part of it", of("application/json; charset=US-ASCII"), `{"channel":"board:7","data":1}`, 200, "", `1`},
		{"another charset", of("application/json; charset=iso-8859-1"), event, 415, `charset: must be utf-8, got "iso-8859-1"`, ""},
		{"another charset of lines", of("application/x-ndjson; charset=utf-16"), event, 415, "charset", ""},
		{"another charset of a CloudEvent", of(structured + "; charset=latin1"), ce, 415, "charset", ""},
		{"other parameters", of("application/json; profile=x; v=1"), event, 200, "", `"é"`},
		{"an empty parameter", of("application/json;"), event, 200, "", `"é"`},
		{"a parameter without value", of("application/json; x"), event, 200, "", `"é"`},
		{"a parameter twice", of("application/json; charset=utf-8; charset=utf-8"), event, 200, "", `"é"`},
		{"in space", of(" application/json "), event, 200, "", `"é"`},
		{"two types", of("application/json", "text/plain"), event, 415, "Content-Type", ""},
		{"a list of types", of("application/json, text/plain"), event, 415, "Content-Type", ""},
		{"none", of(), event, 415, "Content-Type", ""},
		{"a type of somebody's own", of("application/vnd.acme+json"), event, 415, "Content-Type", ""},
		{"JSON of another name", of("text/json"), event, 415, "Content-Type", ""},

		{"byte order mark", of(js), bom + event, 200, "", `"é"`},
		{"byte order mark of lines", of(lines), bom + event + "\n", 200, "", `"é"`},
		{"byte order mark of a CloudEvent", of(structured), bom + ce, 200, "", `"é"`},
		{"byte order mark of a batch", of(batch), bom + "[" + ce + "]", 200, "", `"é"`},
		{"byte order mark in gzip", coded("gzip"), zipped(t, bom+event), 200, "", `"é"`},
		{"two byte order marks", of(js), bom + bom + event, 400, "not JSON", ""},
		{"UTF-16", of(js), "\xff\xfe{\x00}\x00", 400, "not UTF-8", ""},
		{"space around it", of(js), " \r\n\t" + event + "\r\n\n", 200, "", `"é"`},
		{"empty lines", of(lines), "\n\r\n \t\n" + event + "\r\n\r\n\n", 200, "", `"é"`},
		{"lines in any case", of("Application/X-NDJSON"), event, 200, "", `"é"`},
		{"a lone carriage return", of(lines), event + "\r" + event, 400, "1 of 1 events were refused", ""},

		{"empty batch", of(batch), "[]", 200, "", ""},
		{"empty batch in space", of(batch), " [ \n ]\n", 200, "", ""},
		{"empty batch, any case", of("Application/CloudEvents-Batch+JSON; charset=UTF-8"), "[]", 200, "", ""},
		{"empty batch in gzip", h{"Content-Type": {batch}, "Content-Encoding": {"GZIP"}}, zipped(t, "[]"), 200, "", ""},
		{"nothing in place of a batch", of(batch), "", 400, "not JSON", ""},
		{"null in place of a batch", of(batch), "null", 400, "a JSON array", ""},
		{"empty plain array", of(js), "[]", 400, "the body contains no event", ""},
		{"structured, any case", of("APPLICATION/CLOUDEVENTS+JSON"), ce, 200, "", `"é"`},
		{"CloudEvents in another format", of("application/cloudevents+xml"), ce, 415, "Content-Type", ""},
		{"the same with the headers of binary mode", binary("application/cloudevents+avro"), ce, 415, "Content-Type", ""},
		{"a batch in another format", binary("application/cloudevents-batch+avro"), ce, 415, "Content-Type", ""},

		{"binary JSON", binary("Application/JSON; charset=utf-8"), `{"a":"é"}`, 200, "", `{"a":"é"}`},
		{"binary +json", binary("application/vnd.acme+JSON; v=1"), `[1]`, 200, "", `[1]`},
		{"binary text/json", binary("text/json"), `[1]`, 200, "", `[1]`},
		{"binary JSON with a byte order mark", binary(js), bom + "[1]", 200, "", `[1]`},
		{"binary JSON in gzip", binary(js, "Content-Encoding", "X-GZIP"), zipped(t, "[1]"), 200, "", `[1]`},
		{"binary without a type", binary(""), `[1]`, 200, "", `[1]`},
		{"binary text", binary("Text/Plain; charset=UTF-8"), "é", 200, "", `"é"`},
		{"binary text of another charset", binary("text/plain; charset=iso-8859-1"), "\xe9", 415, "charset", ""},
		{"binary of any type", binary("application/octet-stream"), "\xff", 200, "", `"/w=="`},
		{"binary of a type that is none", binary("nonsense"), "[1]", 200, "", `"WzFd"`},
		{"binary of nothing", binary(js), "", 200, "", `null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			r := d.request(t, "", strings.NewReader(c.body))
			for name, values := range c.header {
				r.Header[name] = values
			}
			a := d.do(t, r)
			if a.Status != c.status || !strings.Contains(a.Detail, c.detail) {
				t.Fatalf("status %d, %s; want %d, %q", a.Status, a.Raw, c.status, c.detail)
			}
			if a.Status == http.StatusUnsupportedMediaType && a.Header.Get("Accept")+a.Header.Get("Accept-Encoding") == "" {
				t.Error("415 does not say what is taken")
			}
			pubs := d.tap.taken()
			switch {
			case c.data == "" && len(pubs) > 0:
				t.Errorf("%d events were published", len(pubs))
			case c.data != "" && (len(pubs) != 1 || string(pubs[0].Data) != c.data):
				t.Errorf("published %v, want %s", pubs, c.data)
			case c.status == 200 && c.data == "" && strings.TrimSpace(a.Raw) != `{"accepted":0,"results":[]}`:
				t.Errorf("answered %s", a.Raw)
			}
		})
	}
}
