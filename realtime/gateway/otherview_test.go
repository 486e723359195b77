package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/wire"
)

// rowsOf is what a client has of a state that does what protocol.md says: its rows, and what it goes on by.
type rowsOf struct {
	rows     map[string]string // the data of each key
	at, view string
	loading  bool
}

func (r *rowsOf) take(f *wire.ServerFrame) {
	switch f.Type {
	case wire.TypeOK:
		if f.State == nil {
			return
		}
		r.view = f.View
		if r.loading = !f.Resumed; r.loading {
			r.rows, r.at = map[string]string{}, ""
			return
		}
		r.at = f.Position
	case wire.TypeSnapshot:
		if f.Reset {
			r.rows, r.at, r.loading = map[string]string{}, "", true
		}
		for _, e := range f.Entries {
			r.rows[e.Key] = string(e.Data)
		}
		if !f.More {
			r.at, r.view, r.loading = f.Position, f.View, false
		}
	case wire.TypeChanges: // to who does not keep up
		for i := range f.Entries {
			e := &f.Entries[i]
			if r.rows[e.Key] = string(e.Data); e.Left.Sight || e.Deleted {
				delete(r.rows, e.Key)
			}
		}
		if f.Position != "" && !r.loading {
			r.at = f.Position
		}
	case wire.TypeMessage:
		if f.Key == "" {
			return
		}
		if r.rows[f.Key] = string(f.Data); f.Left.Sight || f.Deleted {
			delete(r.rows, f.Key)
		}
		was, _ := realtime.ParsePosition(r.at)
		if is, err := realtime.ParsePosition(f.Position); err == nil && !r.loading && is.Time >= was.Time {
			r.at = f.Position
		}
	case wire.TypeNotice:
		if f.Code == wire.NoticeView {
			r.view = f.View
		}
	}
}

// subscribe has a new connection go on with what there is, and returns the answer when all has come. want are options.
func (r *rowsOf) subscribe(s *service, want string, rights ...func(*auth.Claims)) (answer wire.ServerFrame) {
	s.t.Helper()
	p := s.connect("acme", "ann", rights...)
	defer func() { _ = p.ws.Close() }()
	frame := `{"type":"subscribe","id":1,"channel":"fleet:eu","state":true` + want
	if r.at != "" {
		frame += `,"since":` + strconv.Quote(r.at)
	}
	if r.view != "" {
		frame += `,"view":` + strconv.Quote(r.view)
	}
	p.send(frame + "}")
	answer = p.expect(`{"type":"ok","id":1}`)
	r.take(&answer)
	for r.loading {
		f := p.expect(`{"type":"snapshot"}`)
		r.take(&f)
	}
	if answer.Resumed { // a tune is answered behind what has changed
		p.send(`{"type":"tune","id":3,"channel":"fleet:eu"}`)
		for {
			f, err := p.next()
			if err != nil {
				s.t.Fatal(err)
			}
			if string(f.ID) == "3" {
				break
			}
			r.take(&f)
		}
	}
	return answer
}

func columns(names ...string) func(*auth.Claims) {
	return func(c *auth.Claims) { c.Views.Columns = map[realtime.Pattern][]string{"fleet:**": names} }
}

func publishRows(s *service) {
	bob := s.connect("acme", "bob")
	for i := range 4 {
		bob.send(fmt.Sprintf(`{"type":"publish","id":1,"channel":"fleet:eu","key":"v%d","tags":{"desk":"%c"},"data":{"bid":%d,"cost":%d}}`, i, "ab"[i%2], i, i))
		bob.expect(`{"type":"ok"}`)
	}
}

// Who comes back and may see something else than before, or wants to, is given all of it, whatever has changed in the channel.
func TestComesBackToSeeSomethingElse(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for i := range 4 {
		all["v"+strconv.Itoa(i)] = fmt.Sprintf(`{"bid":%d,"cost":%d}`, i, i)
	}
	bids := map[string]string{"v0": `{"bid":0}`, "v1": `{"bid":1}`, "v2": `{"bid":2}`, "v3": `{"bid":3}`}
	of := func(rows map[string]string, keys ...string) map[string]string {
		rows = maps.Clone(rows)
		maps.DeleteFunc(rows, func(k, _ string) bool { return !slices.Contains(keys, k) })
		return rows
	}
	none := func(*auth.Claims) {}
	desk := func(name string) func(*auth.Claims) { return sees("fleet:**", "tags.desk == '"+name+"'") }
	for _, c := range []struct {
		name          string
		before, after func(*auth.Claims)
		asked, asks   string
		forgets       func(*rowsOf)
		resumed       bool
		want          map[string]string
	}{
		{"nothing is enforced", none, none, "", "", nil, true, all},
		{"the columns are the same", columns("bid"), columns("bid"), "", "", nil, true, bids},
		{"the columns are the same in another order", columns("cost", "bid"), columns("bid", "cost"), "", "", nil, true, all},
		{"a filter is gone", desk("a"), none, "", "", nil, false, all},
		{"a filter has come", none, desk("a"), "", "", nil, false, of(all, "v0", "v2")},
		{"another filter", desk("a"), desk("b"), "", "", nil, false, of(all, "v1", "v3")},
		{"the columns are gone", columns("bid"), none, "", "", nil, false, all},
		{"columns have come", none, columns("bid"), "", "", nil, false, bids},
		{"other columns", columns("cost"), columns("bid"), "", "", nil, false, bids},
		{"its own filter is gone", none, none, `,"filter":"tags.desk == 'a'"`, "", nil, false, all},
		{"its own keys are gone", none, none, `,"keys":["v1"]`, "", nil, false, all},
		{"its own fields are others", none, none, `,"fields":["cost"]`, `,"fields":["bid"]`, nil, false, bids},
		{"its own fields are the same", none, none, `,"fields":["bid"]`, `,"fields":["bid"]`, nil, true, bids},
		{"the view is forgotten", columns("bid"), columns("bid"), "", "", func(r *rowsOf) { r.view = "" }, false, bids},
		{"the view is damaged", columns("bid"), columns("bid"), "", "", func(r *rowsOf) { r.view = "never seen" }, false, bids},
		{"there never was such a view", none, none, "", "", func(r *rowsOf) { r.view = "-" }, false, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startViews(t, stateful())
			publishRows(s)
			var r rowsOf
			r.subscribe(s, c.asked, c.before)
			if c.forgets != nil {
				c.forgets(&r)
			}
			a := r.subscribe(s, c.asks, c.after)
			if a.Resumed != c.resumed || a.Reset == c.resumed || a.Gap {
				t.Errorf("it is answered %+v", a)
			}
			if diff := cmp.Diff(c.want, r.rows); diff != "" {
				t.Errorf("(-want +has):\n%s", diff)
			}
		})
	}
}

// The rights of a client change while it reads. Wherever the connection breaks in what it is sent then, and whichever rights hold when it comes
// back, it has what it may see, and no more.
func TestConnectionBreaksWhileRightsChange(t *testing.T) {
	t.Parallel()
	doc := stateful()
	doc.Limits.ConnectionsPerUser = 1000
	s := startViews(t, doc)
	publishRows(s)
	rights := []func(*auth.Claims){sees("fleet:**", "tags.desk == 'a'"), columns("bid"), func(*auth.Claims) {}}
	truth := make([]map[string]string, len(rights))
	for i, r := range rights {
		var fresh rowsOf
		fresh.subscribe(s, "", r)
		truth[i] = fresh.rows
	}
	for before, old := range rights {
		for after, now := range rights {
			p := s.connect("acme", "ann", old)
			p.send(`{"type":"subscribe","id":1,"channel":"fleet:eu","state":true}`)
			var has rowsOf
			for _, want := range []string{`{"type":"ok"}`, `{"type":"snapshot","more":false}`} {
				f := p.expect(want)
				has.take(&f)
			}
			p.send(`{"type":"refresh","id":2,"token":"` + s.token("acme", "ann", now) + `"}`)
			for cut := 0; ; cut++ {
				for back, then := range rights {
					again := has
					again.rows = maps.Clone(has.rows)
					again.subscribe(s, "", then)
					if diff := cmp.Diff(truth[back], again.rows); diff != "" {
						t.Fatalf("from %d to %d, cut behind frame %d, and comes back with %d (-want +has):\n%s", before, after, cut, back, diff)
					}
				}
				f, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				if string(f.ID) == "2" {
					break
				}
				has.take(&f)
			}
			if diff := cmp.Diff(truth[after], has.rows); diff != "" {
				t.Errorf("from %d to %d (-want +has):\n%s", before, after, diff)
			}
		}
	}
}

// A view is given back with a state, and nowhere else.
func TestRefusedViews(t *testing.T) {
	t.Parallel()
	s := startViews(t, stateful())
	ann := s.connect("acme", "ann")
	for _, c := range []struct{ frame, says string }{
		{`"type":"subscribe","view":"x"`, "view: belongs to a state; leave it out"},
		{`"type":"subscribe","state":false,"view":"x"`, "view: belongs to a state; leave it out"},
		{`"type":"tune","view":"x"`, "view: belongs to a subscribe; leave it out"},
	} {
		ann.send(`{"id":1,"channel":"fleet:eu",` + c.frame + `}`)
		if f := ann.expect(`{"type":"error","id":1,"code":"bad-request"}`); f.Message != c.says {
			t.Errorf("%s: %q", c.frame, f.Message)
		}
	}
	for _, view := range []string{`7`, `""`, `{}`, `["-"]`, `"-"`} { // as with positions, nothing that comes back is an error
		ann.send(`{"type":"subscribe","id":2,"channel":"fleet:eu","state":true,"since":"1767225600123-e1","view":` + view + `}`)
		ann.expect(`{"type":"ok","id":2,"reset":true}`, `{"type":"snapshot","more":false}`)
		ann.send(`{"type":"unsubscribe","id":3,"channel":"fleet:eu"}`)
		ann.expect(`{"type":"ok","id":3}`)
	}
}

// A page that comes back to a stream of events is in the same place: its last id says what it was shown.
func TestStreamComesBackToSeeSomethingElse(t *testing.T) {
	t.Parallel()
	rights := map[string]func(*auth.Claims){
		"all": func(*auth.Claims) {}, "bids": columns("bid"), "costs": columns("cost"), "desk a": sees("fleet:**", "tags.desk == 'a'"),
	}
	for before, old := range rights {
		for after, now := range rights {
			t.Run(before+" to "+after, func(t *testing.T) {
				t.Parallel()
				s := startViews(t, stateful())
				publishRows(s)
				read := func(lastID string, as func(*auth.Claims)) (answer wire.ServerFrame, last string) {
					p := readPage(t, s.get("/v1/events?channel=fleet:eu&state=true", http.Header{"Authorization": {"Bearer " + s.token("acme", "ann", as)}, "Last-Event-Id": {lastID}}))
					defer func() { _ = p.resp.Body.Close() }()
					for {
						e, ok := p.next()
						if !ok {
							t.Fatal("the stream has ended")
						}
						if e.name == "ok" {
							answer = e.frame
						}
						if e.name == "ok" && e.frame.Resumed || e.name == "snapshot" && !e.frame.More {
							return answer, p.lastID
						}
					}
				}
				_, id := read("", old)
				a, _ := read(id, now)
				if same := before == after && before != "desk a"; a.Resumed != same || a.Reset == same {
					t.Errorf("it is answered %+v", a)
				}
			})
		}
	}
}
