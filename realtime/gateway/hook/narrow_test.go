package hook_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
)

// What narrows a principal's grants never allows what they do not.
func FuzzNarrowed(f *testing.F) {
	f.Add("a:*", "a:b", "a:c", false, false)
	f.Add("a:{user}", "a:ann", "a:{user}", true, false)
	f.Add("**", "a:*", "b:**", false, true)
	f.Add("a:{group}", "a:fx", "*:fx", true, true)
	f.Fuzz(func(t *testing.T, has, want, more string, noHistory, asksHistory bool) {
		for _, p := range []string{has, want, more} {
			if realtime.CheckPattern(p) != nil {
				t.Skip()
			}
		}
		p := &realtime.Principal{Tenant: "acme", User: "ann", Groups: []string{"fx"}, Grants: realtime.Grants{Subscribe: []realtime.Pattern{realtime.Pattern(has)}}}
		if noHistory {
			p.Grants.History = []realtime.Pattern{}
		}
		asked := &realtime.Grants{Subscribe: []realtime.Pattern{realtime.Pattern(want), realtime.Pattern(more)}, Publish: []realtime.Pattern{realtime.Pattern(want)}}
		if asksHistory {
			asked.History = []realtime.Pattern{realtime.Pattern(more)}
		}
		narrowed := *p
		narrowed.Grants = hook.Narrow(p, asked)
		for _, name := range []string{"a", "a:b", "a:c", "a:ann", "a:fx", "b:c:d", has, want, more} {
			ch, err := realtime.NewChannel("acme", strings.NewReplacer("*", "x", "{user}", "ann", "{group}", "fx").Replace(name))
			if err != nil {
				continue
			}
			for _, action := range realtime.Actions() {
				if narrowed.May(action, ch) && !p.May(action, ch) {
					t.Errorf("%q narrowed by %q and %q may %s %s", has, want, more, action, ch)
				}
			}
		}
	})
}
