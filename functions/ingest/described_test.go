package ingest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// described is what a producer may say of an event, besides its data.
type described struct {
	Key, Data, EventType, Source, ContentType string

	Op  realtime.Op
	TTL time.Duration
}

func descriptions(pubs []realtime.Publication) (all []described) {
	for _, p := range pubs {
		all = append(all, described{p.Key, string(p.Data), p.EventType, p.Source, p.ContentType, p.Op, p.TTL})
	}
	return all
}

// What producers say reaches the broker, in whichever form they say it.
func TestWhatProducersSay(t *testing.T) {
	t.Parallel()
	const structured = "application/cloudevents+json"
	ce := func(members string) string {
		return `{"specversion":"1.0","id":"1","source":"//trackers/ü","type":"com.acme.position","subject":"board:7"` + members + `}`
	}
	cloud := described{EventType: "com.acme.position", Source: "//trackers/ü"}
	with := func(d described, set func(*described)) []described {
		set(&d)
		return []described{d}
	}
	for name, c := range map[string]struct {
		contentType, body string
		want              []described
	}{
		"plain": {
			"application/json", `{"channel":"board:7","key":"v7","ttl":"1m30s","eventType":"t","source":"s","contentType":"text/csv","delete":false,"data":"a,b"}`,
			[]described{{Key: "v7", Data: `"a,b"`, EventType: "t", Source: "s", ContentType: "text/csv", TTL: 90 * time.Second}},
		},
		"plain with nulls": {
			"application/json", `{"channel":"board:7","key":"v7","ttl":null,"eventType":null,"source":null,"contentType":null,"delete":null,"data":1}`,
			[]described{{Key: "v7", Data: "1"}},
		},
		"plain deletions": {
			"application/x-ndjson", "{\"channel\":\"board:7\",\"key\":\"v7\",\"delete\":true}\n{\"channel\":\"board:7\",\"key\":\"v8\",\"data\":1}\n",
			[]described{{Key: "v7", Op: realtime.OpDelete}, {Key: "v8", Data: "1"}},
		},
		"structured":            {structured, ce(`,"data":{}`), with(cloud, func(d *described) { d.Data = "{}" })},
		"structured, text":      {structured, ce(`,"datacontenttype":"text/plain; charset=utf-8","data":"a"`), with(cloud, func(d *described) { d.Data, d.ContentType = `"a"`, "text/plain; charset=utf-8" })},
		"structured, bytes":     {structured, ce(`,"datacontenttype":"image/png","data_base64":"AA=="`), with(cloud, func(d *described) { d.Data, d.ContentType = `"AA=="`, "image/png" })},
		"structured, no data":   {structured, ce(`,"datacontenttype":"image/png"`), with(cloud, func(d *described) { d.Data = "null" })},
		"structured, JSON type": {structured, ce(`,"datacontenttype":"application/vnd.acme+json","data":1`), with(cloud, func(d *described) { d.Data = "1" })},
		"extensions are tags":   {structured, ce(`,"ttl":"5","delete":true,"data":1`), with(cloud, func(d *described) { d.Data = "1" })},
		"batch": {"application/cloudevents-batch+json", "[" + ce(`,"data":1`) + "," + ce(`,"data":2`) + "]", []described{
			with(cloud, func(d *described) { d.Data = "1" })[0], with(cloud, func(d *described) { d.Data = "2" })[0],
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			a := d.post(t, c.contentType, c.body)
			if diff := cmp.Diff(c.want, descriptions(d.tap.taken()), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("status %d: %s\n%s", a.Status, a.Raw, diff)
			}
		})
	}
	for contentType, want := range map[string]described{
		"text/csv":         {Data: `"a"`, EventType: "t", Source: "/s", ContentType: "text/csv"},
		"image/png":        {Data: `"YQ=="`, EventType: "t", Source: "/s", ContentType: "image/png"},
		"application/json": {Data: "1", EventType: "t", Source: "/s"},
	} {
		body := "a"
		if contentType == "application/json" {
			body = "1"
		}
		d := open(t)
		a := d.do(t, binaryRequest(t, d, contentType, body))
		if diff := cmp.Diff([]described{want}, descriptions(d.tap.taken())); diff != "" {
			t.Errorf("binary, %s: status %d: %s\n%s", contentType, a.Status, a.Raw, diff)
		}
	}
}

func TestWhatProducersMayNotSay(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", realtime.MaxTypeBytes+1)
	plain := func(members string) string { return `{"channel":"board:7",` + members + `}` }
	for name, c := range map[string]struct{ contentType, body, detail string }{
		"delete without a key":    {"application/json", plain(`"delete":true`), "key: is missing; delete needs one"},
		"delete with data":        {"application/json", plain(`"key":"k","delete":true,"data":null`), "data: must be left out of delete"},
		"delete with a ttl":       {"application/json", plain(`"key":"k","delete":true,"ttl":"1m"`), "ttl: needs a key"},
		"delete is a word":        {"application/json", plain(`"key":"k","delete":"true"`), "delete: must be true or false"},
		"clear":                   {"application/json", plain(`"clear":true`), `"clear": unknown field`},
		"ttl is a number":         {"application/json", plain(`"key":"k","data":1,"ttl":30`), "ttl: must be a string"},
		"ttl is empty":            {"application/json", plain(`"key":"k","data":1,"ttl":""`), "ttl: must be a duration such as 30s"},
		"ttl is too long":         {"application/json", plain(`"key":"k","data":1,"ttl":"745h"`), "ttl: must be between 1s and 744h, got 745h"},
		"ttl without a key":       {"application/json", plain(`"data":1,"ttl":"1m"`), "ttl: needs a key"},
		"eventType is too long":   {"application/json", plain(`"data":1,"eventType":"` + long + `"`), "eventType: must be at most 256 bytes, got 257"},
		"source is an object":     {"application/json", plain(`"data":1,"source":{}`), "source: must be a string"},
		"a CloudEvent's type":     {"application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/s","type":"` + long + `","subject":"board:7"}`, "type: must be at most 256 bytes, got 257"},
		"a CloudEvent's source":   {"application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/` + long + `","type":"t","subject":"board:7"}`, "source: must be at most 256 bytes, got 258"},
		"a CloudEvent's own type": {"application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"board:7","datacontenttype":"text/` + long + `","data":"a"}`, "datacontenttype: must be at most 256 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			if a := d.post(t, c.contentType, c.body); a.Status != http.StatusBadRequest || !strings.Contains(a.Detail, c.detail) {
				t.Errorf("status %d, %q; want %q", a.Status, a.Detail, c.detail)
			}
		})
	}
}
