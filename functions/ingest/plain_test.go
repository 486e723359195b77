package ingest_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidewire/tidewire/realtime"
)

// event is a Publication as the tables write it.
type event struct {
	Channel, ID, Key, Data string
	Tags                   map[string]string
}

func events(pubs []realtime.Publication) []event {
	var es []event
	for _, p := range pubs {
		es = append(es, event{p.Channel.Name(), p.ID, p.Key, string(p.Data), p.Tags})
	}
	return es
}

// madeUp compares events but for IDs that were made here: those have 22 characters.
var madeUp = cmpopts.IgnoreFields(event{}, "ID")

func TestPlainEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, contentType, body string
		want                    []event
	}{
		{
			"one", "application/json",
			`{"channel":"prices:fx","key":"EURUSD","tags":{"desk":"eu"},"data":{"bid":1.08},"id":"q1"}`,
			[]event{{"prices:fx", "q1", "EURUSD", `{"bid":1.08}`, map[string]string{"desk": "eu"}}},
		},
		{
			"least", "application/json; charset=utf-8", `{"channel":"board:7","data":0}`,
			[]event{{Channel: "board:7", Data: "0"}},
		},
		{
			"spaced, escaped and with nulls", "application/json",
			" {\r\n \"ch\\u0061nnel\" : \"board\\u003a7\" , \"key\" : null, \"tags\":null, \"id\":null,\n\t\"data\" : [ 1 , { \"a b\" : \"c \\\" d\" } , [ ] ] }\n",
			[]event{{Channel: "board:7", Data: `[1,{"a b":"c \" d"},[]]`}},
		},
		{
			"data of every kind", "application/json",
			`[{"channel":"board:7","data":null},{"channel":"board:7","data":"x"},{"channel":"board:7","data":-1.5e3},{"channel":"board:7","data":true},{"channel":"board:7","data":{}}]`,
			[]event{
				{Channel: "board:7", Data: "null"}, {Channel: "board:7", Data: `"x"`}, {Channel: "board:7", Data: "-1.5e3"},
				{Channel: "board:7", Data: "true"}, {Channel: "board:7", Data: "{}"},
			},
		},
		{
			"an array of one", "application/json", "\n[ {\"data\":1,\"channel\":\"board:7\"} ] ",
			[]event{{Channel: "board:7", Data: "1"}},
		},
		{
			"lines", "application/x-ndjson", "{\"channel\":\"board:7\",\"data\":1}\r\n\n {\"channel\":\"prices:fx\",\"data\":{ }}",
			[]event{{Channel: "board:7", Data: "1"}, {Channel: "prices:fx", Data: "{}"}},
		},
		{
			"lines by another name", "application/jsonl", "{\"channel\":\"board:7\",\"data\":1}\n",
			[]event{{Channel: "board:7", Data: "1"}},
		},
		{
			"one ID twice in a batch is the hubs' to drop", "application/json",
			`[{"channel":"board:7","data":1,"id":"a"},{"channel":"board:7","data":2,"id":"a"}]`,
			[]event{{Channel: "board:7", ID: "a", Data: "1"}, {Channel: "board:7", ID: "a", Data: "2"}},
		},
		{
			"an ID that has to be quoted", "application/json", `{"channel":"board:7","data":1,"id":"a\"b\\c\u00e9"}`,
			[]event{{Channel: "board:7", ID: "a\"b\\cé", Data: "1"}},
		},
		{
			"as much data as fits", "application/json", `{"channel":"board:7","data":[` + strings.Repeat(" ", 500) + `"` + strings.Repeat("x", 196) + `"]}`,
			[]event{{Channel: "board:7", Data: `["` + strings.Repeat("x", 196) + `"]`}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			a := d.post(t, c.contentType, c.body)
			if a.Status != 200 {
				t.Fatalf("status %d: %s", a.Status, a.Raw)
			}
			got := events(d.tap.taken())
			if diff := cmp.Diff(c.want, got, madeUp); diff != "" {
				t.Error(diff)
			}
			if a.Accepted != len(c.want) || len(a.Results) != len(c.want) {
				t.Fatalf("answered %s for %d events", a.Raw, len(c.want))
			}
			for i, e := range got {
				if want := c.want[i].ID; want != "" && e.ID != want || want == "" && len(e.ID) != 22 {
					t.Errorf("event %d has the ID %q, want %q", i, e.ID, want)
				}
				if a.Results[i].ID != e.ID {
					t.Errorf("event %d is answered with the ID %q, published with %q", i, a.Results[i].ID, e.ID)
				}
			}
		})
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	d := open(t)
	zip := func(body string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := zip(`{"channel":"board:7","data":1}`)
	for _, c := range []struct {
		name   string
		body   []byte
		status int
	}{
		{"whole", whole, 200},
		{"truncated", whole[:len(whole)-6], 400},
		{"not gzip", []byte(`{"channel":"board:7","data":1}`), 400},
		{"a wrong checksum", append(whole[:len(whole)-8:len(whole)-8], 1, 2, 3, 4, 5, 6, 7, 8), 400},
		{"empty", nil, 400},
		{"a bomb", zip(strings.Repeat(" ", 8<<20)), 413},
	} {
		r := d.request(t, "application/json", bytes.NewReader(c.body))
		r.Header.Set("Content-Encoding", "gzip")
		if a := d.do(t, r); a.Status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, a.Status, c.status, a.Raw)
		}
	}
}
