package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// refusal is a frame and how Decode refuses it.
type refusal struct {
	frame string
	says  string // the message begins with it
	id    wire.ID
	fatal bool
}

func checkRefused(t *testing.T, payload []byte, want refusal) {
	t.Helper()
	f, err := wire.Decode(payload)
	if err == nil {
		t.Fatalf("%s decodes to %+v", want.frame, f)
	}
	var refused *wire.DecodeError
	if !errors.As(err, &refused) {
		t.Fatalf("the error is a %T", err)
	}
	if realtime.CodeOf(err) != realtime.CodeBadRequest || refused.Fatal != want.fatal || refused.ID != want.id || !strings.HasPrefix(refused.Err.Message, want.says) {
		t.Errorf("%s: %+v, %q; want %q..., id %s, fatal %v", want.frame, refused, refused.Err.Message, want.says, want.id, want.fatal)
	}
	if diff := cmp.Diff(wire.ClientFrame{}, f); diff != "" {
		t.Errorf("something of a refused frame is returned:\n%s", diff)
	}
}

// wrongFrames are refused by Decode and by the schemas.
var wrongFrames = map[string]refusal{
	"no bytes a second":       {frame: `{"type":"tune","id":1,"maxBytesPerSecond":0}`, says: "maxBytesPerSecond: must be an integer from 1000 to 1000000000, got 0", id: `1`},
	"fewer bytes than none":   {frame: `{"type":"tune","id":1,"maxBytesPerSecond":-1}`, says: "maxBytesPerSecond: must be an integer from 1000 to 1000000000, got -1", id: `1`},
	"bytes that are too many": {frame: `{"type":"tune","id":1,"maxBytesPerSecond":1e12}`, says: "maxBytesPerSecond: must be an integer from 1000 to 1000000000, got 1e12", id: `1`},
	"bytes as a string":       {frame: `{"type":"tune","id":1,"maxBytesPerSecond":"7000"}`, says: `maxBytesPerSecond: must be an integer from 1000 to 1000000000, got "7000"`, id: `1`},
	"bytes of connect":        {frame: `{"type":"connect","maxBytesPerSecond":999}`, says: "maxBytesPerSecond: must be an integer from 1000 to 1000000000, got 999"},
	"bytes of a channel":      {frame: `{"type":"tune","id":1,"channel":"a","maxBytesPerSecond":7000}`, says: "channel: is no option of a connection", id: `1`},
	"bytes of a subscription": {frame: `{"type":"subscribe","id":1,"channel":"a","maxBytesPerSecond":7000}`, says: "maxBytesPerSecond: is no option of a subscription", id: `1`},
	"array":                   {frame: `[{"type":"ping"}]`, says: "frame: is not a JSON object", fatal: true},
	"string":                  {frame: `"ping"`, says: "frame: is not a JSON object", fatal: true},
	"null":                    {frame: `null`, says: "frame: is not a JSON object", fatal: true},
	"no type":                 {frame: `{"id":1}`, says: "type: is missing", id: `1`},
	"type is a number":        {frame: `{"id":"a","type":7}`, says: "type: must be a string", id: `"a"`},
	"type is empty":           {frame: `{"id":1,"type":""}`, says: "type: is empty", id: `1`},
	"unknown type":            {frame: `{"id":1,"type":"Subscribe","channel":"a"}`, says: `type: "Subscribe" is unknown; a client may send connect, subscribe`, id: `1`},
	"a server's type":         {frame: `{"id":1,"type":"welcome"}`, says: `type: "welcome" is unknown`, id: `1`},
	"no id":                   {frame: `{"type":"subscribe","channel":"a"}`, says: "id: is missing"},
	"id is null":              {frame: `{"type":"ping","id":null}`, says: "id: must be an integer or a string"},
	"id is an object":         {frame: `{"type":"ping","id":{}}`, says: "id: must be an integer or a string"},
	"id is true":              {frame: `{"type":"ping","id":true}`, says: "id: must be an integer or a string"},
	"id is a fraction":        {frame: `{"type":"ping","id":1.5}`, says: "id: must be an integer or a string"},
	"id is too long":          {frame: `{"type":"ping","id":"` + strings.Repeat("a", 65) + `"}`, says: "id: must be at most 64 bytes, got 65"},
	"subscribe to nothing":    {frame: `{"type":"subscribe","id":1}`, says: "channel: is missing", id: `1`},
	"channel is empty":        {frame: `{"type":"subscribe","id":1,"channel":""}`, says: "channel: is empty", id: `1`},
	"channel is an array":     {frame: `{"type":"unsubscribe","id":1,"channel":["a"]}`, says: "channel: must be a string", id: `1`},
	"filter":                  {frame: `{"type":"subscribe","id":1,"channel":"a","filter":7}`, says: "filter: must be a string", id: `1`},
	"long filter":             {frame: `{"type":"subscribe","id":1,"channel":"a","filter":"` + strings.Repeat("x", 3<<10) + `"}`, says: "filter: must be at most 2048 bytes, got 3072", id: `1`},
	"state":                   {frame: `{"type":"subscribe","id":1,"channel":"a","state":"yes"}`, says: "state: must be true or false", id: `1`},
	"maxRate":                 {frame: `{"type":"subscribe","id":1,"channel":"a","maxRate":0}`, says: "maxRate: must be 0.05 to 1000, got 0", id: `1`},
	"maxRate below zero":      {frame: `{"type":"subscribe","id":1,"channel":"a","maxRate":-1}`, says: "maxRate: must be 0.05 to 1000, got -1", id: `1`},
	"maxRate too large":       {frame: `{"type":"subscribe","id":1,"channel":"a","maxRate":1e9}`, says: "maxRate: must be 0.05 to 1000, got 1e+09", id: `1`},
	"maxRate as text":         {frame: `{"type":"subscribe","id":1,"channel":"a","maxRate":"NaN"}`, says: "maxRate: must be a number", id: `1`},
	"keys":                    {frame: `{"type":"subscribe","id":1,"channel":"a","keys":"EURUSD"}`, says: "keys: must be a list of strings", id: `1`},
	"an empty key":            {frame: `{"type":"subscribe","id":1,"channel":"a","keys":["a",""]}`, says: "keys[1]: must be 1 to 200 bytes, got 0", id: `1`},
	"unknown option":          {frame: `{"type":"subscribe","id":1,"channel":"a","fitler":"x"}`, says: `"fitler": is no option of a subscription`, id: `1`},
	"tune state":              {frame: `{"type":"tune","id":1,"channel":"a","state":true}`, says: "state: cannot be changed", id: `1`},
	"tune keys":               {frame: `{"type":"tune","id":1,"channel":"a","keys":{"plus":[]}}`, says: `keys: must be a list, or have add and remove, has "plus"`, id: `1`},
	"tune unknown":            {frame: `{"type":"tune","id":1,"channel":"a","since":"1-a","pause":true}`, says: `"pause": is no option of a subscription`, id: `1`},
	"token is a number":       {frame: `{"type":"connect","token":1}`, says: "token: must be a string"},
	"publish without data":    {frame: `{"type":"publish","id":1,"channel":"a"}`, says: "data: is missing", id: `1`},
	"key is null":             {frame: `{"type":"publish","id":1,"channel":"a","data":1,"key":null}`, says: "key: must be a string", id: `1`},
	"event is a number":       {frame: `{"type":"publish","id":1,"channel":"a","data":1,"event":2}`, says: "event: must be a string", id: `1`},
	"tags are an array":       {frame: `{"type":"publish","id":1,"channel":"a","data":1,"tags":["b"]}`, says: "tags: must be an object of strings", id: `1`},
	"a tag is a number":       {frame: `{"type":"publish","id":1,"channel":"a","data":1,"tags":{"b":"c","d":2}}`, says: `tags: "d" must be a string`, id: `1`},
	"delete is a word":        {frame: `{"type":"publish","id":1,"channel":"a","key":"k","delete":"yes"}`, says: "delete: must be true or false", id: `1`},
	"if is a number":          {frame: `{"type":"publish","id":1,"channel":"a","key":"k","if":7,"data":1}`, says: `if: must be "absent", "present" or {"position": ...}, got 7`, id: `1`},
	"if is another word":      {frame: `{"type":"publish","id":1,"channel":"a","key":"k","if":"missing","data":1}`, says: `if: must be "absent", "present" or {"position": ...}, got "missing"`, id: `1`},
	"if is empty":             {frame: `{"type":"publish","id":1,"channel":"a","key":"k","if":{},"data":1}`, says: `if: must be`, id: `1`},
	"if has something else":   {frame: `{"type":"publish","id":1,"channel":"a","key":"k","if":{"position":"1-a","x":1},"data":1}`, says: `if: must be`, id: `1`},
	"if at a moment":          {frame: `{"type":"publish","id":1,"channel":"a","key":"k","if":{"position":"17-"},"data":1}`, says: `if.position: must be one of a message`, id: `1`},
	"add":                     {frame: `{"type":"publish","id":1,"channel":"a","key":"k","add":{"n":1},"data":1}`, says: `add: is not served`, id: `1`},
	"delete is false":         {frame: `{"type":"publish","id":1,"channel":"a","key":"k","delete":false}`, says: "data: is missing", id: `1`},
	"ttl is a number":         {frame: `{"type":"publish","id":1,"channel":"a","key":"k","data":1,"ttl":30}`, says: "ttl: must be a string", id: `1`},
	"source is an object":     {frame: `{"type":"publish","id":1,"channel":"a","data":1,"source":{}}`, says: "source: must be a string", id: `1`},
	"call nothing":            {frame: `{"type":"call","id":1,"data":{}}`, says: "route: is missing", id: `1`},
	"route is empty":          {frame: `{"type":"call","id":1,"route":""}`, says: "route: is empty", id: `1`},
	"enter and leave":         {frame: `{"type":"presence","id":1,"channel":"a","enter":1,"leave":true}`, says: "leave: must not be with another of enter, update and leave", id: `1`},
	"enter with much":         {frame: `{"type":"presence","id":1,"channel":"a","enter":"` + strings.Repeat("x", 1100) + `"}`, says: "enter: must be at most 1024 bytes, got 1102", id: `1`},
	"leave is a word":         {frame: `{"type":"presence","id":1,"channel":"a","leave":"yes"}`, says: "leave: must be true or false", id: `1`},
	"occupancy is a word":     {frame: `{"type":"subscribe","id":1,"channel":"a","occupancy":"yes"}`, says: "occupancy: must be true or false", id: `1`},
	"occupancy is tuned":      {frame: `{"type":"tune","id":1,"channel":"a","occupancy":true}`, says: "occupancy: cannot be changed; unsubscribe and subscribe again", id: `1`},
	"watch is a word":         {frame: `{"type":"presence","id":1,"channel":"a","watch":"yes"}`, says: "watch: must be true or false", id: `1`},
	"refresh without token":   {frame: `{"type":"refresh","id":1}`, says: "token: is missing", id: `1`},
	"refresh with an empty":   {frame: `{"type":"refresh","id":1,"token":""}`, says: "token: is empty", id: `1`},
}

// wrongSubscriptions are refused by the schemas, and cost only the entry that is wrong.
var wrongSubscriptions = map[string]struct {
	subscriptions string
	want          []wire.Subscription // with the message of Err alone
}{
	"no array":        {`"a"`, []wire.Subscription{wrong("", "subscriptions: must be an array of objects")}},
	"null":            {`null`, []wire.Subscription{wrong("", "subscriptions: must be an array of objects")}},
	"a name":          {`[{"channel":"a"},"b"]`, []wire.Subscription{{Channel: "a"}, wrong("", "subscriptions[1]: must be an object")}},
	"to none":         {`[{},{"channel":"a"}]`, []wire.Subscription{wrong("", "subscriptions[0].channel: is missing"), {Channel: "a"}}},
	"an empty name":   {`[{"channel":""},{"channel":"a"}]`, []wire.Subscription{wrong("", "subscriptions[0].channel: is empty"), {Channel: "a"}}},
	"a number":        {`[{"channel":7},{"channel":"a"}]`, []wire.Subscription{wrong("", "subscriptions[0].channel: must be a string"), {Channel: "a"}}},
	"a filter":        {`[{"channel":"a"},{"channel":"b","filter":1}]`, []wire.Subscription{{Channel: "a"}, wrong("b", "subscriptions[1].filter: must be a string")}},
	"unknown":         {`[{"channel":"b","stat":true}]`, []wire.Subscription{wrong("b", `subscriptions[0]."stat": is no option of a subscription; leave it out`)}},
	"several at once": {`[1,{"channel":"a"},{"maxRate":5}]`, []wire.Subscription{wrong("", "subscriptions[0]: must be an object"), {Channel: "a"}, wrong("", "subscriptions[2].channel: is missing")}},
}

func wrong(channel, says string) wire.Subscription {
	return wire.Subscription{Channel: channel, Err: realtime.Errorf(realtime.CodeBadRequest, "%s", says)}
}

func TestDecodeWrongSubscriptions(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, subscriptions string, want []wire.Subscription) {
		t.Helper()
		f, err := wire.Decode([]byte(`{"type":"connect","id":1,"token":"t","subscriptions":` + subscriptions + `}`))
		if err != nil || f.Token != "t" {
			t.Fatalf("%+v, %v", f, err)
		}
		if diff := cmp.Diff(want, f.Subscriptions, cmp.AllowUnexported(realtime.Position{})); diff != "" {
			t.Error(diff)
		}
	}
	for name, c := range wrongSubscriptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, c.subscriptions, c.want)
		})
	}
	check(t, `[{"channel":"a","channel":"b"},{"channel":"c"}]`, []wire.Subscription{wrong("a", "subscriptions[0].channel: appears twice"), {Channel: "c"}})
}

// TestDecodeRefuses has what a schema cannot say.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]refusal{
		"nothing":                {frame: ``, says: "frame: is not a JSON object", fatal: true},
		"white space":            {frame: " \n", says: "frame: is not a JSON object", fatal: true},
		"binary":                 {frame: "\x00\x01\x02", says: "frame: is not a JSON object", fatal: true},
		"not UTF-8":              {frame: "{\"type\":\"ping\",\"id\":\"\xff\"}", says: "frame: is not UTF-8", fatal: true},
		"a byte order mark":      {frame: "\ufeff{\"type\":\"ping\"}", says: "frame: is not a JSON object", fatal: true},
		"ends in the object":     {frame: `{"type":"ping"`, says: "frame: is not valid JSON: it ends too early, at byte 14", fatal: true},
		"ends in a string":       {frame: `{"type":"pi`, says: "frame: is not valid JSON: it ends too early", fatal: true},
		"ends in an escape":      {frame: `{"type":"pi\u00`, says: "frame: is not valid JSON: it ends too early", fatal: true},
		"ends behind the id":     {frame: `{"id":1,"type":"ping",`, says: "frame: is not valid JSON: it ends too early", fatal: true},
		"trailing garbage":       {frame: `{"type":"ping"} x`, says: "frame: has something after its JSON object, at byte 16", fatal: true},
		"two objects":            {frame: `{"type":"ping"}{"type":"ping"}`, says: "frame: has something after its JSON object", fatal: true},
		"a NUL behind it":        {frame: "{\"type\":\"ping\"}\x00", says: "frame: has something after its JSON object", fatal: true},
		"a trailing comma":       {frame: `{"type":"ping",}`, says: "frame: is not valid JSON at byte 15", fatal: true},
		"no quotes":              {frame: `{type:"ping"}`, says: "frame: is not valid JSON at byte 1", fatal: true},
		"no colon":               {frame: `{"type" "ping"}`, says: "frame: is not valid JSON at byte 8", fatal: true},
		"no comma":               {frame: `{"type":"ping" "id":1}`, says: "frame: is not valid JSON at byte 15", fatal: true},
		"a leading zero":         {frame: `{"id":01}`, says: "frame: is not valid JSON at byte 7", fatal: true},
		"a plus":                 {frame: `{"id":+1}`, says: "frame: is not valid JSON at byte 6", fatal: true},
		"NaN":                    {frame: `{"id":NaN}`, says: "frame: is not valid JSON at byte 6", fatal: true},
		"half a word":            {frame: `{"data":tru}`, says: "frame: is not valid JSON at byte 8", fatal: true},
		"a fraction of nothing":  {frame: `{"data":1.}`, says: "frame: is not valid JSON at byte 10", fatal: true},
		"no exponent":            {frame: `{"data":1e+}`, says: "frame: is not valid JSON at byte 11", fatal: true},
		"a control character":    {frame: "{\"data\":\"a\tb\"}", says: "frame: is not valid JSON at byte 10", fatal: true},
		"an unknown escape":      {frame: `{"data":"\x41"}`, says: "frame: is not valid JSON at byte 10", fatal: true},
		"a control in an escape": {frame: "{\"data\":\"\\u00\x104\"}", says: "frame: is not valid JSON at byte 13", fatal: true},
		"the wrong bracket":      {frame: `{"data":[1}}`, says: "frame: is not valid JSON at byte 10", fatal: true},
		"the wrong brace":        {frame: `{"data":{"a":1]}`, says: "frame: is not valid JSON at byte 14", fatal: true},
		"a name is a number":     {frame: `{"data":{1:2}}`, says: "frame: is not valid JSON at byte 9", fatal: true},
		"nested too deep":        {frame: `{"data":` + nested(wire.MaxDepth+1) + `}`, says: "frame: is nested deeper than 64 levels", fatal: true},
		"nested and never ended": {frame: `{"data":` + strings.Repeat(`{"a":`, 100_000), says: "frame: is nested deeper than 64 levels", fatal: true},
		"two types":              {frame: `{"type":"ping","id":1,"type":"connect"}`, says: "type: appears twice", id: `1`},
		"two channels":           {frame: `{"type":"subscribe","id":1,"channel":"a","\u0063hannel":"b"}`, says: "channel: appears twice", id: `1`},
		"two of a tag":           {frame: `{"type":"publish","id":1,"channel":"a","data":1,"tags":{"b":"1","\u0062":"2"}}`, says: `tags: "b" appears twice`, id: `1`},
		"ttl is a word":          {frame: `{"type":"publish","id":1,"channel":"a","key":"k","data":1,"ttl":"soon"}`, says: `ttl: must be a duration such as 30s, got "soon"`, id: `1`},
		"ttl is negative":        {frame: `{"type":"publish","id":1,"channel":"a","key":"k","data":1,"ttl":"-30s"}`, says: "ttl: must be between 1s and 744h, got -30s", id: `1`},
		"ttl is too short":       {frame: `{"type":"publish","id":1,"channel":"a","key":"k","data":1,"ttl":"999ms"}`, says: "ttl: must be between 1s and 744h, got 999ms", id: `1`},
		"ttl is too long":        {frame: `{"type":"publish","id":1,"channel":"a","key":"k","data":1,"ttl":"745h"}`, says: "ttl: must be between 1s and 744h, got 745h", id: `1`},
		"id is 1.0":              {frame: `{"type":"ping","id":1.0}`, says: "id: must be an integer"},
		"id is 1e3":              {frame: `{"type":"ping","id":1e3}`, says: "id: must be an integer"},
		"id has 65 digits":       {frame: `{"type":"ping","id":1` + strings.Repeat("0", 64) + `}`, says: "id: must be at most 64 bytes, got 65"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, []byte(c.frame), c)
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", wire.MaxDepth) + strings.Repeat("]", wire.MaxDepth)
	for name, c := range map[string]struct {
		frame string
		want  wire.ClientFrame
	}{
		"white space everywhere": {" {\n\t\"type\" : \"publish\" ,\r\"id\" : 1 , \"channel\" : \"a\" , \"tags\" : { \"b\" : \"c\" , \"d\" : \"\" } , \"data\" : { \"e\" : [ 1 , \" \" ] } } ",
			wire.ClientFrame{Type: wire.TypePublish, ID: `1`, Channel: "a", Tags: map[string]string{"b": "c", "d": ""}, Data: []byte(`{"e":[1," "]}`)}},
		"escapes in names and values": {`{"\u0074ype":"p\u0069ng","i\u0064":"\u0041\/\ud83d\ude00"}`,
			wire.ClientFrame{Type: wire.TypePing, ID: `"\u0041\/\ud83d\ude00"`}},
		"escapes are undone": {`{"type":"subscribe","id":1,"channel":"prices\u003afx\/\n\ud83d\ude00\ud83d"}`,
			wire.ClientFrame{Type: wire.TypeSubscribe, ID: `1`, Channel: "prices:fx/\n😀\ufffd"}},
		"names have their case": {`{"type":"ping","Type":"connect","ID":true}`,
			wire.ClientFrame{Type: wire.TypePing}},
		"a large integer as id": {`{"type":"ping","id":-9007199254740993}`,
			wire.ClientFrame{Type: wire.TypePing, ID: `-9007199254740993`}},
		"an id of 64 bytes": {`{"type":"ping","id":"` + strings.Repeat("ü", 32) + `"}`,
			wire.ClientFrame{Type: wire.TypePing, ID: wire.ID(`"` + strings.Repeat("ü", 32) + `"`)}},
		"an empty id": {`{"type":"ping","id":""}`,
			wire.ClientFrame{Type: wire.TypePing, ID: `""`}},
		"an empty since is from now on": {`{"type":"subscribe","id":1,"channel":"a","since":"","asOf":0}`,
			wire.ClientFrame{Type: wire.TypeSubscribe, ID: `1`, Channel: "a"}},
		"data as deep as it may be": {`{"type":"publish","id":1,"channel":"a","data":` + deep + `}`,
			wire.ClientFrame{Type: wire.TypePublish, ID: `1`, Channel: "a", Data: []byte(deep)}},
		"numbers stay as they are written": {`{"type":"publish","id":1,"channel":"a","data":[-0,1E+2,1.50,12345678901234567890]}`,
			wire.ClientFrame{Type: wire.TypePublish, ID: `1`, Channel: "a", Data: []byte(`[-0,1E+2,1.50,12345678901234567890]`)}},
		"no subscriptions": {`{"type":"connect","subscriptions":[]}`,
			wire.ClientFrame{Type: wire.TypeConnect, Subscriptions: []wire.Subscription{}}},
		"no tags": {`{"type":"publish","id":1,"channel":"a","data":"","tags":{}}`,
			wire.ClientFrame{Type: wire.TypePublish, ID: `1`, Channel: "a", Data: []byte(`""`), Tags: map[string]string{}}},
		"members inside others do not count": {`{"type":"publish","id":1,"channel":"a","data":{"id":2,"type":"call","channel":"b"}}`,
			wire.ClientFrame{Type: wire.TypePublish, ID: `1`, Channel: "a", Data: []byte(`{"id":2,"type":"call","channel":"b"}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := []byte(c.frame)
			before := bytes.Clone(payload)
			got, err := wire.Decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !bytes.Equal(payload, before) {
				t.Errorf("Decode changed its payload")
			}
		})
	}
}

// What a client gives back is never a reason to refuse its frame, whatever has become of it.
func TestDecodeTakesWhatIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`1`, `-1`, `1.5`, `1e3`, `true`, `null`, `[]`, `{"a":1}`, `"yesterday"`, `"-"`, `"0-a"`, `"-1-a"`, `"01-a"`, `"281474976710656-a"`,
		`"99999999999999999999999999-"`, `"1-\u0000"`, `"1-` + strings.Repeat("x", 201) + `"`, `"` + strings.Repeat("9", 5000) + `"`,
	} {
		one, err := wire.Decode([]byte(`{"type":"subscribe","id":1,"channel":"a","since":` + value + `}`))
		if err != nil || one.Since.IsUsable() {
			t.Errorf("since %s: %+v, %v", value, one.Since, err)
		}
		many, err := wire.Decode([]byte(`{"type":"connect","subscriptions":[{"channel":"a","since":"1-x"},{"channel":"b","since":` + value + `}]}`))
		if err != nil || len(many.Subscriptions) != 2 || many.Subscriptions[1].Since.IsUsable() || !many.Subscriptions[0].Since.IsUsable() {
			t.Errorf("since %s in connect: %+v, %v", value, many, err)
		}
	}
	for _, value := range []string{`-1`, `1.5`, `1e3`, `281474976710656`, `"1767225600000"`, `null`, `[]`, `{}`, `true`} {
		for _, frame := range []string{`{"type":"subscribe","id":1,"channel":"a","asOf":` + value + `}`, `{"type":"connect","asOf":` + value + `}`} {
			if f, err := wire.Decode([]byte(frame)); err != nil || f.AsOf != 0 {
				t.Errorf("%s: asOf %d, %v", frame, f.AsOf, err)
			}
		}
	}
}

// TestDecodeCopies checks the promise that only Data shares memory with the payload.
func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	const frame = `{"type":"publish","id":"one","channel":"a","key":"k","event":"e","tags":{"b":"c"},"data":{"d":1}}`
	payload := []byte(frame)
	got, err := wire.Decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	want, err := wire.Decode([]byte(frame))
	if err != nil {
		t.Fatal(err)
	}
	clear(payload)
	got.Data, want.Data = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changed with the payload (-want +got):\n%s", diff)
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want, says string }{
		"compact":            {in: `{"a":[1,2,"b c"]}`, want: `{"a":[1,2,"b c"]}`},
		"white space":        {in: " {\r\n\t\"a\" : [ 1 , \"b c\" ] }\n", want: `{"a":[1,"b c"]}`},
		"a scalar":           {in: ` 12 `, want: `12`},
		"nothing else moves": {in: `["<>&", "\u2028",1.0]`, want: `["<>&","\u2028",1.0]`},
		"empty":              {in: ``, says: "data: is not valid JSON: it ends too early, at byte 0"},
		"only white space":   {in: ` `, says: "data: is not valid JSON: it ends too early, at byte 1"},
		"two values":         {in: `1 2`, says: "data: has something after its JSON value, at byte 2"},
		"not JSON":           {in: `{'a':1}`, says: "data: is not valid JSON at byte 1"},
		"not UTF-8":          {in: "\"\xff\"", says: "data: is not UTF-8"},
		"nested too deep":    {in: strings.Repeat(`[{"a":`, 33), says: "data: is nested deeper than 64 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := []byte(c.in)
			got, err := wire.Compact(in)
			switch {
			case c.says != "":
				if err == nil || err.Error() != c.says || realtime.CodeOf(err) != realtime.CodeBadRequest {
					t.Errorf("error %v, want %q", err, c.says)
				}
			case err != nil:
				t.Error(err)
			case string(got) != c.want || string(in) != c.in:
				t.Errorf("got %q, want %q", got, c.want)
			case c.in == c.want && &got[0] != &in[0]:
				t.Error("what is compact already was copied")
			}
		})
	}
}
