package wire_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// The moments and positions of the golden frames.
const (
	ms1 = 1767225600123
	ms2 = 1767225601456
)

var (
	at1    = realtime.Position{Time: ms1, ID: "e1"}
	at2    = realtime.Position{Time: ms2, ID: "e2"}
	moment = realtime.Position{Time: ms2}
)

// A golden file is named <schema>.json, or <schema>.<variant>.json for a further frame
// of the same schema of docs/asyncapi.json.
var goldenClient = map[string]wire.ClientFrame{
	"connect": {Type: wire.TypeConnect, ID: `1`, Token: "header.claims.signature",
		Subscriptions: []wire.Subscription{{Channel: "prices:fx"}, {Channel: "alerts:ann"}}},
	"connect.resume": {Type: wire.TypeConnect, AsOf: ms2,
		Subscriptions: []wire.Subscription{{Channel: "prices:fx", Since: at1}, {Channel: "alerts:ann", Since: at2}}},
	"subscribe":        {Type: wire.TypeSubscribe, ID: `2`, Channel: "prices:fx"},
	"subscribe.resume": {Type: wire.TypeSubscribe, ID: `"s-2"`, Channel: "prices:fx", Since: at1, AsOf: ms2},
	"subscribe.options": {Type: wire.TypeSubscribe, ID: `18`, Channel: "prices:fx", Options: wire.Options{
		Filter: ptr("tags.desk == 'a'"), Fields: &[]string{"ask", "bid"}, Keys: &[]string{"EURUSD", "GBP*"}, State: true, MaxRate: ptr(2.5), Paused: ptr(true)}},
	"subscribe.view":    {Type: wire.TypeSubscribe, ID: `23`, Channel: "prices:fx", Since: at1, View: "k2PzB8xqv1mNc0aT", Options: wire.Options{State: true}},
	"subscribe.rewind":  {Type: wire.TypeSubscribe, ID: `27`, Channel: "prices:fx", Options: wire.Options{Rewind: realtime.Rewind{Count: 50}}},
	"connect.rewind":    {Type: wire.TypeConnect, Subscriptions: []wire.Subscription{{Channel: "prices:fx", Since: at1, Options: wire.Options{Rewind: realtime.Rewind{For: 5 * time.Minute}}}}},
	"history":           {Type: wire.TypeHistory, ID: `24`, Channel: "alerts:eu"},
	"history.before":    {Type: wire.TypeHistory, ID: `25`, Channel: "alerts:eu", Query: realtime.HistoryQuery{Limit: 20, Before: at2, From: ms1}, Options: wire.Options{Filter: ptr("tags.desk == 'a'"), Fields: &[]string{"bid"}}},
	"history.after":     {Type: wire.TypeHistory, ID: `26`, Channel: "alerts:eu", Query: realtime.HistoryQuery{After: at1, To: ms2}},
	"connect.several":   {Type: wire.TypeConnect, Subscriptions: []wire.Subscription{{Channel: "prices:fx", Since: at1}, {Channel: "fleet:eu", Options: wire.Options{State: true}}}},
	"connect.options":   {Type: wire.TypeConnect, Subscriptions: []wire.Subscription{{Channel: "prices:fx", Options: wire.Options{State: true, MaxRate: ptr(5.0)}}}},
	"subscribe.pattern": {Type: wire.TypeSubscribe, ID: `21`, Channel: "prices:*", Sub: "grid", AsOf: ms2, Positions: map[string]realtime.Position{"prices:eq": at2, "prices:fx": at1}},
	"subscribe.map": {Type: wire.TypeSubscribe, ID: `24`, Channel: "prices:*", Positions: map[string]realtime.Position{"prices:eq": at2, "prices:fx": at1},
		Views: map[string]string{"prices:fx": "k2PzB8xqv1mNc0aT"}, Options: wire.Options{State: true}},
	"tune.pattern":    {Type: wire.TypeTune, ID: `25`, Channel: "prices:*", Options: wire.Options{MaxRate: ptr(2.0)}},
	"unsubscribe.sub": {Type: wire.TypeUnsubscribe, ID: `22`, Channel: "prices:*", Sub: "grid"},
	"tune":            {Type: wire.TypeTune, ID: `19`, Channel: "prices:fx", Options: wire.Options{Filter: ptr(""), MaxRate: ptr(0.0), Paused: ptr(false), Keys: &[]string{}}},
	"tune.keys":       {Type: wire.TypeTune, ID: `20`, Channel: "prices:fx", Options: wire.Options{AddKeys: []string{"EURUSD"}, RemoveKeys: []string{"GBPUSD", "USDJPY"}}},
	"unsubscribe":     {Type: wire.TypeUnsubscribe, ID: `3`, Channel: "prices:fx"},
	"publish":         {Type: wire.TypePublish, ID: `4`, Channel: "board:7", Data: []byte(`{"x":120,"y":48}`)},
	"tune-connection": {Type: wire.TypeTune, ID: `24`, MaxBytesPerSecond: 7000},
	"connect.bounded": {Type: wire.TypeConnect, ID: `1`, Token: "header.claims.signature", MaxBytesPerSecond: 7000},
	"publish.full": {Type: wire.TypePublish, ID: `5`, Channel: "board:7", Key: "cursor:ann", Event: "ann-17",
		Tags: map[string]string{"page": "2", "layer": "top"}, Data: []byte(`{"x":120,"y":48}`)},
	"publish.described": {Type: wire.TypePublish, ID: `16`, Channel: "fleet:eu", Key: "v7", TTL: 30 * time.Second,
		EventType: "com.example.position", Source: "//trackers/v7", ContentType: "text/plain", Data: []byte(`"48.1 11.6"`)},
	"publish.if":          {Type: wire.TypePublish, ID: `28`, Channel: "lock:board", Key: "lock:7", Event: "ann-19", TTL: 30 * time.Second, If: &realtime.Condition{Is: realtime.ConditionAbsent}, Data: []byte(`{"holder":"ann"}`)},
	"publish.if.position": {Type: wire.TypePublish, ID: `29`, Channel: "lock:board", Key: "lock:7", Op: realtime.OpDelete, If: &realtime.Condition{Is: realtime.ConditionPosition, Position: at1}},
	"publish.delete":      {Type: wire.TypePublish, ID: `17`, Channel: "fleet:eu", Key: "v7", Op: realtime.OpDelete},
	"publish.transient":   {Type: wire.TypePublish, ID: `32`, Channel: "cursors:7", Key: "$connection", Transient: true, Data: []byte(`{"x":120,"y":48}`)},
	"publish.counted":     {Type: wire.TypePublish, ID: `14`, Channel: "board:7", Event: "ann-18", Refusals: 3, CountsRefusals: true, Data: []byte(`{"x":121,"y":48}`)},
	"publish.first":       {Type: wire.TypePublish, ID: `15`, Channel: "board:7", CountsRefusals: true, Data: []byte(`{"x":122,"y":48}`)},
	"call":                {Type: wire.TypeCall, ID: `6`, Route: "orders.place", Data: []byte(`{"symbol":"EURUSD","amount":1000}`)},
	"call.bare":           {Type: wire.TypeCall, ID: `7`, Route: "orders.list"},
	"presence":            {Type: wire.TypePresence, ID: `8`, Channel: "board:7", Watch: true, Asks: true},
	"presence.once":       {Type: wire.TypePresence, ID: `9`, Channel: "board:7", Asks: true},
	"presence.enter":      {Type: wire.TypePresence, ID: `23`, Channel: "board:7", Enter: &wire.Enter{Data: []byte(`{"name":"Ann","colour":"teal"}`)}},
	"presence.update":     {Type: wire.TypePresence, ID: `24`, Channel: "board:7", Enter: &wire.Enter{Data: []byte(`{"name":"Ann","colour":"red"}`), Update: true}},
	"presence.leave":      {Type: wire.TypePresence, ID: `25`, Channel: "board:7", Enter: &wire.Enter{Leave: true}},
	"presence.both":       {Type: wire.TypePresence, ID: `26`, Channel: "board:7", Enter: &wire.Enter{Data: []byte(`null`)}, Asks: true, Watch: true},
	"subscribe.demand":    {Type: wire.TypeSubscribe, ID: `28`, Channel: "$demand:sensors", Options: wire.Options{State: true}},
	"subscribe.occupancy": {Type: wire.TypeSubscribe, ID: `27`, Channel: "prices:fx", Options: wire.Options{Occupancy: true}},
	"refresh":             {Type: wire.TypeRefresh, ID: `10`, Token: "header.newclaims.signature"},
	"ping":                {Type: wire.TypePing},
	"ping.with-id":        {Type: wire.TypePing, ID: `"p-11"`},
	"publish.null":        {Type: wire.TypePublish, ID: `12`, Channel: "board:7", Key: "cursor:ann", Data: []byte(`null`)},
	"subscribe.name":      {Type: wire.TypeSubscribe, ID: `13`, Channel: "A-z_0.9/@=+~:x", Since: realtime.Position{Time: ms1, ID: `"quoted" ü`}},
}

func ptr[T any](v T) *T { return &v }

type goldenFrame struct {
	frame outbox.Frame
	want  wire.ServerFrame
}

func channel(name string) realtime.Channel {
	c, err := realtime.NewChannel("acme", name)
	if err != nil {
		panic(err)
	}
	return c
}

func readable(name string) realtime.Channel {
	c, err := realtime.NewReadable("acme", name)
	if err != nil {
		panic(err)
	}
	return c
}

func goldenServer() map[string]goldenFrame {
	var e wire.Encoder
	fx, board := channel("prices:fx"), channel("board:7")
	ann, bob := realtime.Member{User: "ann", Groups: []string{"fx", "risk"}}, realtime.Member{User: "bob"}
	limits := realtime.Limits{FramesPerSecond: 50, PublishesPerSecond: 100, SubscriptionsPerConnection: 128, MessageBytes: 65536}
	session := wire.Session{Connection: "c-5f2a", User: "ann", Tenant: "acme", Instance: "i-01",
		Expires: time.UnixMilli(1767229200000), Limits: realtime.DefaultLimits(), Heartbeat: 25 * time.Second}
	welcome := wire.ServerFrame{Type: wire.TypeWelcome, Connection: "c-5f2a", User: "ann", Tenant: "acme", Instance: "i-01",
		ExpiresAt: 1767229200000, Limits: limits, HeartbeatMs: 25000}
	answered := welcome
	answered.ID = `1`
	versioned, answeredByVersion := session, welcome
	versioned.Version, answeredByVersion.Version = "v1.4.2", "v1.4.2"
	entry := &realtime.Publication{ID: "e1", Key: "EURUSD", Time: time.UnixMilli(at1.Time), TTL: 30 * time.Second, Tags: map[string]string{"desk": "a"}, Data: []byte(`{"bid":1}`)}
	return map[string]goldenFrame{
		"welcome":            {e.Welcome(`1`, session), answered},
		"welcome.no-id":      {e.Welcome("", session), welcome},
		"welcome.version":    {e.Welcome("", versioned), answeredByVersion},
		"ok-subscribe":       {e.Subscribed(`2`, fx, outbox.Answer{Position: moment}), wire.ServerFrame{Type: wire.TypeOK, ID: `2`, Channel: "prices:fx", Position: "1767225601456-"}},
		"ok-unsubscribe":     {e.UnsubscribeOK(`3`, fx), wire.ServerFrame{Type: wire.TypeOK, ID: `3`, Channel: "prices:fx"}},
		"ok-publish":         {e.PublishOK(`5`, "ann-17"), wire.ServerFrame{Type: wire.TypeOK, ID: `5`, Event: "ann-17"}},
		"ok-publish.applied": {e.PublishDecided(`28`, "ann-19", true, at1), wire.ServerFrame{Type: wire.TypeOK, ID: `28`, Event: "ann-19", Applied: ptr(true), Position: at1.String()}},
		"ok-publish.lost":    {e.PublishDecided(`29`, "bob-4", false, realtime.Position{}), wire.ServerFrame{Type: wire.TypeOK, ID: `29`, Event: "bob-4", Applied: ptr(false)}},
		"ok-call":            {e.CallOK(`6`, []byte(`{"order":"o-1"}`)), wire.ServerFrame{Type: wire.TypeOK, ID: `6`, Data: []byte(`{"order":"o-1"}`)}},
		"ok-call.nothing":    {e.CallOK(`7`, nil), wire.ServerFrame{Type: wire.TypeOK, ID: `7`, Data: []byte(`null`)}},
		"ok-presence": {e.PresenceOK(`8`, board, &outbox.Presence{Members: []realtime.Member{ann, bob}, Count: 2}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `8`, Channel: "board:7", Members: []realtime.Member{ann, bob}, Count: 2}},
		"ok-refresh": {e.RefreshOK(`10`, time.UnixMilli(1767232800000)), wire.ServerFrame{Type: wire.TypeOK, ID: `10`, ExpiresAt: 1767232800000}},
		"ok-subscribe.connect": {e.Subscribed("", fx, outbox.Answer{Position: realtime.Position{Time: 1767225600000}}),
			wire.ServerFrame{Type: wire.TypeOK, Channel: "prices:fx", Position: "1767225600000-"}},
		"ok-subscribe.resumed": {e.Subscribed("", fx, outbox.Answer{Resumed: true, Position: at1}),
			wire.ServerFrame{Type: wire.TypeOK, Channel: "prices:fx", Resumed: true, Position: "1767225600123-e1"}},
		"ok-subscribe.gap": {e.Subscribed(`"s-2"`, fx, outbox.Answer{Gap: true, Position: at2}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `"s-2"`, Channel: "prices:fx", Gap: true, Position: "1767225601456-e2"}},
		"error": {e.Error(`2`, "prices:fx", realtime.Errorf(realtime.CodeForbidden, "no grant to subscribe to prices:fx")),
			wire.ServerFrame{Type: wire.TypeError, ID: `2`, Code: realtime.CodeForbidden, Message: "no grant to subscribe to prices:fx", Channel: "prices:fx"}},
		"error.limited": {e.Error(`4`, "", &realtime.Error{Code: realtime.CodeLimited, Message: "over 100 publishes per second", Limit: "publishesPerSecond", RetryAfter: 249*time.Millisecond + 1}),
			wire.ServerFrame{Type: wire.TypeError, ID: `4`, Code: realtime.CodeLimited, Message: "over 100 publishes per second", Limit: "publishesPerSecond", RetryAfterMs: 250}},
		"error.counted": {e.PublishRefused(`14`, "board:7", &realtime.Error{Code: realtime.CodeUnavailable, Message: "the broker has not stored it in 10s", RetryAfter: time.Second}, 4),
			wire.ServerFrame{Type: wire.TypeError, ID: `14`, Code: realtime.CodeUnavailable, Message: "the broker has not stored it in 10s", Channel: "board:7", RetryAfterMs: 1000, Refusals: 4}},
		"error.closing": {e.Closing(&realtime.Error{Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfter: 1800 * time.Millisecond}),
			wire.ServerFrame{Type: wire.TypeError, Code: realtime.CodeDraining, Message: "this instance is going away", RetryAfterMs: 1800}},
		"message": {messageOf(&realtime.Publication{Channel: fx, ID: "e1", Key: "EURUSD", Time: time.UnixMilli(ms1),
			Tags: map[string]string{"region": "eu", "desk": "spot"}, Data: []byte(`{"bid":1.08412,"ask":1.08415}`)}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "prices:fx", Position: "1767225600123-e1", Key: "EURUSD", Time: ms1,
				Tags: map[string]string{"region": "eu", "desk": "spot"}, Data: []byte(`{"bid":1.08412,"ask":1.08415}`)}},
		"message.bare": {messageOf(&realtime.Publication{Channel: channel("alerts:ann"), ID: "e2", Time: time.UnixMilli(ms2), Data: []byte(`"margin call"`)}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "alerts:ann", Position: "1767225601456-e2", Time: ms2, Data: []byte(`"margin call"`)}},
		"message.described": {messageOf(&realtime.Publication{Channel: channel("fleet:eu"), ID: "e4", Key: "v7", Time: time.UnixMilli(ms1), TTL: 30 * time.Second,
			EventType: "com.example.position", Source: "//trackers/v7", ContentType: "text/plain", Tags: map[string]string{"client": "x"}, Data: []byte(`"48.1 11.6"`)}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "fleet:eu", Position: "1767225600123-e4", Key: "v7", Time: ms1, ExpiresAt: ms1 + 30_000,
				EventType: "com.example.position", Source: "//trackers/v7", ContentType: "text/plain", Tags: map[string]string{"client": "x"}, Data: []byte(`"48.1 11.6"`)}},
		"message.deleted": {messageOf(&realtime.Publication{Channel: channel("fleet:eu"), ID: "e5", Key: "v7", Time: time.UnixMilli(ms2), Op: realtime.OpDelete}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "fleet:eu", Position: "1767225601456-e5", Key: "v7", Time: ms2, Deleted: true}},
		"message.cleared": {messageOf(&realtime.Publication{Channel: channel("fleet:eu"), ID: "e6", Time: time.UnixMilli(ms2), Op: realtime.OpClear}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "fleet:eu", Position: "1767225601456-e6", Time: ms2, Cleared: true}},
		"direct.described": {e.Direct(&realtime.Publication{ID: "e7", Time: time.UnixMilli(ms1), EventType: "com.example.mention", Source: "//chat", ContentType: "text/plain", Data: []byte(`"hi"`)}),
			wire.ServerFrame{Type: wire.TypeDirect, Event: "e7", Time: ms1, EventType: "com.example.mention", Source: "//chat", ContentType: "text/plain", Data: []byte(`"hi"`)}},
		"direct": {e.Direct(&realtime.Publication{ID: "e3", Key: "ticket:7", Time: time.UnixMilli(ms1), Tags: map[string]string{"kind": "mention"}, Data: []byte(`{"by":"bob"}`)}),
			wire.ServerFrame{Type: wire.TypeDirect, Event: "e3", Key: "ticket:7", Time: ms1, Tags: map[string]string{"kind": "mention"}, Data: []byte(`{"by":"bob"}`)}},
		"ok-subscribe.state": {e.Subscribed(`7`, fx, outbox.Answer{Position: at1, State: true, Keys: 1234, MaxRate: 5}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `7`, Channel: "prices:fx", Position: "1767225600123-e1", State: &wire.StateOK{Keys: 1234}, MaxRate: 5}},
		"ok-subscribe.rewound": {e.Subscribed(`27`, fx, outbox.Answer{Position: at1, Rewinds: true, Rewound: 37, Complete: true}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `27`, Channel: "prices:fx", Position: "1767225600123-e1", Rewound: 37, Complete: true}},
		"ok-subscribe.short": {e.Subscribed(`27`, fx, outbox.Answer{Gap: true, Position: at1, Rewinds: true}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `27`, Channel: "prices:fx", Gap: true, Position: "1767225600123-e1"}},
		"ok-history": {e.HistoryOK(`24`, fx, &wire.HistoryPage{Complete: true, More: true, Messages: [][]byte{wire.AppendEntry(nil, entry),
			wire.AppendEntry(nil, &realtime.Publication{ID: "e2", Key: "EURUSD", Time: time.UnixMilli(at2.Time), Op: realtime.OpDelete})}}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `24`, Channel: "prices:fx", More: true, Complete: true, Messages: []wire.ServerFrame{
				{Key: "EURUSD", Position: "1767225600123-e1", Time: ms1, ExpiresAt: ms1 + 30_000, Tags: map[string]string{"desk": "a"}, Data: []byte(`{"bid":1}`)},
				{Key: "EURUSD", Position: "1767225601456-e2", Time: at2.Time, Deleted: true}}}},
		"ok-history.short": {e.HistoryOK(`24`, fx, &wire.HistoryPage{ByHTTP: true}), wire.ServerFrame{Type: wire.TypeOK, ID: `24`, Channel: "prices:fx", Messages: []wire.ServerFrame{}, Hint: wire.HintHTTP}},
		"ok-subscribe.reset": {e.Subscribed(`7`, fx, outbox.Answer{Position: at1, Reset: true, State: true}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `7`, Channel: "prices:fx", Position: "1767225600123-e1", Reset: true, State: &wire.StateOK{}}},
		"ok-subscribe.view": {e.Subscribed(`7`, fx, outbox.Answer{Position: at1, State: true, Keys: 1, View: "k2PzB8xqv1mNc0aT"}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `7`, Channel: "prices:fx", Position: "1767225600123-e1", State: &wire.StateOK{Keys: 1}, View: "k2PzB8xqv1mNc0aT"}},
		"snapshot.view":      {e.Snapshot(fx, &outbox.Snapshot{Position: at2, View: "k2PzB8xqv1mNc0aT"}), wire.ServerFrame{Type: wire.TypeSnapshot, Channel: "prices:fx", Position: "1767225601456-e2", View: "k2PzB8xqv1mNc0aT", Entries: []wire.ServerFrame{}}},
		"notice-view":        {e.Viewed(fx, "k2PzB8xqv1mNc0aT"), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeView, Channel: "prices:fx", View: "k2PzB8xqv1mNc0aT"}},
		"notice-view.whole":  {e.Viewed(fx, ""), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeView, Channel: "prices:fx"}},
		"notice-complete":    {e.PatternComplete("prices:*"), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeComplete, Channel: "prices:*"}},
		"ok-tune.pattern":    {e.PatternTuneOK(`25`, "prices:*", wire.Tuned{MaxRate: 2}), wire.ServerFrame{Type: wire.TypeOK, ID: `25`, Channel: "prices:*", MaxRate: 2}},
		"ok-pattern":         {e.WithSub(e.PatternOK(`21`, "prices:*", moment), "grid"), wire.ServerFrame{Type: wire.TypeOK, ID: `21`, Channel: "prices:*", Pattern: true, Sub: "grid", Position: "1767225601456-"}},
		"ok-pattern.gap":     {e.PatternLost("prices:*", moment, false), wire.ServerFrame{Type: wire.TypeOK, Channel: "prices:*", Pattern: true, Gap: true, Position: "1767225601456-"}},
		"ok-pattern.reset":   {e.PatternLost("prices:*", moment, true), wire.ServerFrame{Type: wire.TypeOK, Channel: "prices:*", Pattern: true, Reset: true, Position: "1767225601456-"}},
		"message.sub":        {e.WithSub(messageOf(&realtime.Publication{Channel: fx, ID: "e2", Key: "EURUSD", Data: []byte(`1`), Time: time.UnixMilli(at2.Time)}), "grid"), wire.ServerFrame{Type: wire.TypeMessage, Sub: "grid", Channel: "prices:fx", Position: "1767225601456-e2", Key: "EURUSD", Time: at2.Time, Data: []byte(`1`)}},
		"ok-tune-connection": {e.ConnectionTuneOK(`24`, 7000), wire.ServerFrame{Type: wire.TypeOK, ID: `24`, MaxBytesPerSecond: 7000}},
		"ok-tune": {e.TuneOK(`9`, fx, wire.Tuned{MaxRate: 2.5, Filter: "tags.desk == 'a'", Fields: []string{"bid"}, Keys: []string{"EURUSD", "GBP*"}, Paused: true}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `9`, Channel: "prices:fx", MaxRate: 2.5, Filter: "tags.desk == 'a'", Fields: []string{"bid"}, Keys: []string{"EURUSD", "GBP*"}, Paused: true}},
		"snapshot": {e.Snapshot(fx, &outbox.Snapshot{More: true, Reset: true, Entries: e.Entry(e.Entry(nil, entry), &realtime.Publication{ID: "e2", Key: "GBPUSD", Time: time.UnixMilli(at2.Time), Data: []byte(`1`)})}),
			wire.ServerFrame{Type: wire.TypeSnapshot, Channel: "prices:fx", More: true, Reset: true, Entries: []wire.ServerFrame{
				{Key: "EURUSD", Position: "1767225600123-e1", Time: ms1, ExpiresAt: ms1 + 30_000, Tags: map[string]string{"desk": "a"}, Data: []byte(`{"bid":1}`)},
				{Key: "GBPUSD", Position: "1767225601456-e2", Time: at2.Time, Data: []byte(`1`)}}}},
		"changes": {e.Snapshot(fx, &outbox.Snapshot{Changes: true, Position: at1, Entries: e.Entry(e.Entry(e.Entry(nil, &realtime.Publication{ID: "e2", Key: "GBPUSD", Time: time.UnixMilli(at2.Time), Op: realtime.OpDelete}),
			entry), &realtime.Publication{Key: "CHFUSD", Time: time.UnixMilli(ms1), Op: realtime.OpExpire})}),
			wire.ServerFrame{Type: wire.TypeChanges, Channel: "prices:fx", Position: "1767225600123-e1", Entries: []wire.ServerFrame{
				{Key: "GBPUSD", Position: "1767225601456-e2", Deleted: true},
				{Key: "EURUSD", Position: "1767225600123-e1", Time: ms1, ExpiresAt: ms1 + 30_000, Tags: map[string]string{"desk": "a"}, Data: []byte(`{"bid":1}`)},
				{Key: "CHFUSD", Deleted: true, Expired: true}}}},
		"changes.transient": {e.Snapshot(fx, &outbox.Snapshot{Changes: true, Entries: e.Entry(e.Entry(nil, &realtime.Publication{ID: "e2", Key: "Ab-1", Transient: true, TTL: 30 * time.Second, Time: time.UnixMilli(at2.Time), Data: []byte(`{"x":1}`)}),
			&realtime.Publication{ID: "e3", Key: "Cd-2", Transient: true, Time: time.UnixMilli(at2.Time), Op: realtime.OpDelete})}),
			wire.ServerFrame{Type: wire.TypeChanges, Channel: "prices:fx", Entries: []wire.ServerFrame{
				{Key: "Ab-1", Time: at2.Time, ExpiresAt: at2.Time + 30_000, Data: []byte(`{"x":1}`)}, {Key: "Cd-2", Deleted: true}}}},
		"snapshot.end": {e.Snapshot(fx, &outbox.Snapshot{Position: at2}), wire.ServerFrame{Type: wire.TypeSnapshot, Channel: "prices:fx", Position: "1767225601456-e2", Entries: []wire.ServerFrame{}}},
		"message.demand": {messageOf(&realtime.Publication{Channel: readable("$demand:sensors"), ID: "e1", Key: "sensors:17", Time: time.UnixMilli(at1.Time), Data: []byte(`{"watchers":3,"users":2,"keys":{"t1":3},"maxRate":5,"since":1767225600000}`)}),
			wire.ServerFrame{Type: wire.TypeMessage, Channel: "$demand:sensors", Position: "1767225600123-e1", Key: "sensors:17", Time: at1.Time, Data: []byte(`{"watchers":3,"users":2,"keys":{"t1":3},"maxRate":5,"since":1767225600000}`)}},
		"message.left":    {messageOf(&realtime.Publication{Channel: fx, ID: "e2", Key: "EURUSD", Op: realtime.OpLeave, Time: time.UnixMilli(at2.Time)}), wire.ServerFrame{Type: wire.TypeMessage, Channel: "prices:fx", Position: "1767225601456-e2", Key: "EURUSD", Left: wire.Left{Sight: true}}},
		"message.expired": {messageOf(&realtime.Publication{Channel: fx, ID: "e2", Key: "EURUSD", Op: realtime.OpExpire, Time: time.UnixMilli(at2.Time)}), wire.ServerFrame{Type: wire.TypeMessage, Channel: "prices:fx", Key: "EURUSD", Deleted: true, Expired: true}},
		"notice-tuned":    {e.Tuned(fx, 1.25, "slow"), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeTuned, Channel: "prices:fx", MaxRate: 1.25, Reason: "slow"}},
		"presence": {e.Presence(board, &outbox.Presence{Joined: []realtime.Member{bob}, Left: []realtime.Member{ann}, Count: 1}),
			wire.ServerFrame{Type: wire.TypePresence, Channel: "board:7", Joined: []realtime.Member{bob}, Left: wire.Left{Members: []realtime.Member{ann}}, Count: 1}},
		"presence.updated": {e.Presence(board, &outbox.Presence{Updated: []realtime.Member{{User: "ann", Data: []byte(`{"colour":"red"}`)}}, Count: 2}),
			wire.ServerFrame{Type: wire.TypePresence, Channel: "board:7", Joined: []realtime.Member{}, Left: wire.Left{Members: []realtime.Member{}}, Updated: []realtime.Member{{User: "ann", Data: []byte(`{"colour":"red"}`)}}, Count: 2}},
		"presence.truncated": {e.Presence(board, &outbox.Presence{Count: 1742, Truncated: true}), wire.ServerFrame{Type: wire.TypePresence, Channel: "board:7", Count: 1742, Truncated: true}},
		"presence.members": {e.Presence(board, &outbox.Presence{Members: []realtime.Member{{User: "ann", Connection: "c-5f2a"}}, Count: 1}),
			wire.ServerFrame{Type: wire.TypePresence, Channel: "board:7", Members: []realtime.Member{{User: "ann", Connection: "c-5f2a"}}, Count: 1}},
		"ok-presence.truncated": {e.PresenceOK(`8`, board, &outbox.Presence{Members: []realtime.Member{bob}, Count: 1742, Truncated: true}),
			wire.ServerFrame{Type: wire.TypeOK, ID: `8`, Channel: "board:7", Members: []realtime.Member{bob}, Count: 1742, Truncated: true}},
		"ok-enter":              {e.EnterOK(`23`, board), wire.ServerFrame{Type: wire.TypeOK, ID: `23`, Channel: "board:7"}},
		"occupancy":             {e.Occupancy(fx, 42, 17), wire.ServerFrame{Type: wire.TypeOccupancy, Channel: "prices:fx", Connections: 42, Users: 17}},
		"notice-enter-ended":    {e.Ended(realtime.Right{Action: realtime.ActionEnter, Channel: board}, nil), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeEnterEnded, Channel: "board:7"}},
		"notice-gap.pattern":    {e.GapInPattern("prices:*", "grid", moment), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeGap, Channel: "prices:*", Sub: "grid", Position: "1767225601456-"}},
		"notice-gap":            {e.Gap(fx, at2), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeGap, Channel: "prices:fx", Position: "1767225601456-e2"}},
		"notice-dropped":        {e.Dropped(fx, 3), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticeDropped, Channel: "prices:fx", Count: 3}},
		"notice-presence-ended": {e.Ended(realtime.Right{Action: realtime.ActionPresence, Channel: board}, nil), wire.ServerFrame{Type: wire.TypeNotice, Code: wire.NoticePresenceEnded, Channel: "board:7"}},
		"move":                  {e.Move(1234), wire.ServerFrame{Type: wire.TypeMove, AfterMs: 1234}},
		"heartbeat":             {e.Heartbeat(moment), wire.ServerFrame{Type: wire.TypeHeartbeat, AsOf: ms2}},
		"heartbeat.still":       {e.Heartbeat(realtime.Position{}), wire.ServerFrame{Type: wire.TypeHeartbeat}},
		"pong":                  {e.Pong(""), wire.ServerFrame{Type: wire.TypePong}},
		"pong.with-id":          {e.Pong(`"p-11"`), wire.ServerFrame{Type: wire.TypePong, ID: `"p-11"`}},
		"presence.emptied":      {e.Presence(board, &outbox.Presence{Left: []realtime.Member{bob}}), wire.ServerFrame{Type: wire.TypePresence, Channel: "board:7", Joined: []realtime.Member{}, Left: wire.Left{Members: []realtime.Member{bob}}}},
	}
}

// The two tests that -update makes write are not parallel, so that all others see what they wrote.
func TestGoldenClient(t *testing.T) {
	for name, frame := range goldenClient {
		t.Run(name, func(t *testing.T) {
			golden := checkGolden(t, "client", name, frame.AppendJSON(nil))
			got, err := wire.Decode(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(frame, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
	checkFiles(t, "client", goldenClient)
}

func TestGoldenServer(t *testing.T) {
	frames := goldenServer()
	for name, g := range frames {
		t.Run(name, func(t *testing.T) {
			golden := checkGolden(t, "server", name, g.frame.Payload())
			if want := append(outbox.AppendFrameHeader(nil, 0x81, len(golden)), golden...); !bytes.Equal(g.frame.Bytes, want) {
				t.Errorf("frame is %q, want %q", g.frame.Bytes, want)
			}
			got, err := wire.DecodeServer(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
	checkFiles(t, "server", frames)
}

// checkGolden compares what was encoded with its golden file and returns that
// without the line break at its end.
func checkGolden(t *testing.T, side, name string, encoded []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", side, name+".json")
	if *update {
		if err := os.WriteFile(path, append(bytes.Clone(encoded), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	golden := bytes.TrimSuffix(file, []byte{'\n'})
	if diff := cmp.Diff(string(golden), string(encoded)); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", path, diff)
	}
	return golden
}

// checkFiles refuses a golden file that no test writes.
func checkFiles[T any](t *testing.T, side string, frames map[string]T) {
	t.Helper()
	for name := range goldenFiles(t, side) {
		if _, ok := frames[name]; !ok {
			t.Errorf("testdata/%s/%s.json is of no frame in the table", side, name)
		}
	}
}

// goldenFiles returns the golden frames of one side by name.
func goldenFiles(t *testing.T, side string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", side, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = bytes.TrimSuffix(file, []byte{'\n'})
	}
	return files
}
