package hub_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/hub"
)

// TestEnteredDataIsShownToWhomItMayBe: whatever a viewer asks for, and however its rights change, a word that a member has entered while the viewer might not see who is present is never
// in what the viewer is sent: answers, news, counts, the reserved channel and its snapshots, on the member's gateway and on another.
func TestEnteredDataIsShownToWhomItMayBe(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 3))
				f := newFleet(t, 2, &realtime.Tenant{ID: "acme"})
				board := f.stations[0].rig.channel("board:7")
				reserved, err := realtime.NewReadable("acme", "$presence:board:7")
				if err != nil {
					t.Fatal(err)
				}
				members := []*page{f.stations[0].connect("ann"), f.stations[1].connect("bob")}
				viewer := f.stations[0].connect("eve")
				may, hidden, seen, shown := true, map[string]bool{}, 0, map[string]bool{}
				read := func() {
					text, err := json.Marshal(viewer.take())
					if err != nil {
						t.Fatal(err)
					}
					for word := range hidden {
						if strings.Contains(string(text), word) {
							t.Fatalf("%s is in %s", word, text)
						}
					}
					for word := range shown {
						if strings.Contains(string(text), word) {
							seen++
						}
					}
				}
				for n := range 150 {
					switch r.IntN(8) {
					case 0, 1, 2:
						word := fmt.Sprintf("word%d-%x", n, r.Uint64())
						m := members[r.IntN(2)]
						if err := hub.Enter(m.conn, board, json.RawMessage(`"`+word+`"`), false); err != nil {
							t.Fatal(err)
						}
						if may {
							shown[word] = true
						} else {
							hidden[word] = true
						}
					case 3: // its rights change; what it has been shown until then it may have
						read()
						f.pass(2 * time.Second)
						read()
						may = !may
						p := *viewer.conn.Principal()
						p.Grants.Presence = nil
						if may {
							p.Grants.Presence, hidden = []realtime.Pattern{"**"}, map[string]bool{} // what is entered is there to be seen
						}
						if _, err := viewer.conn.Renew(&p); err != nil {
							t.Fatal(err)
						}
					case 4:
						err := viewer.conn.Hub().AskPresence(viewer.conn, board, r.IntN(3) > 0)
						if (err == nil) != may {
							t.Fatalf("may %v: %v", may, err)
						}
					case 5:
						err := viewer.conn.Hub().Subscribe(viewer.conn, hub.SubscribeRequest{Channel: reserved, State: true, Sub: fmt.Sprint(n), Want: hub.Want{MaxRate: float64(r.IntN(3))}})
						if (err == nil) != may {
							t.Fatalf("may %v: %v", may, err)
						}
					case 6:
						err := viewer.conn.Hub().Subscribe(viewer.conn, hub.SubscribeRequest{Channel: board, Sub: fmt.Sprint(n), Want: hub.Want{Occupancy: true}})
						if (err == nil) != may {
							t.Fatalf("may %v: %v", may, err)
						}
					default:
						f.pass(time.Duration(r.IntN(1500)) * time.Millisecond)
					}
					synctest.Wait()
					read()
				}
				f.pass(5 * time.Second)
				read()
				if seen == 0 {
					t.Error("nothing was seen at all")
				}
			})
		})
	}
}
