package fleet

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/internal/emulators"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/httpapi"
)

// fleet is a system of many processes on the emulators. What gateways say to the emulators goes by other
// relays than what functions and the api say.
type fleet struct {
	*system
	project           string
	plan              plan // of Terraform
	pubsub, firestore *emulators.Process

	pubsubLine, firestoreLine     *relay // of the gateways
	pubsubIntake, firestoreIntake *relay // of all others

	operators realtime.Auth
	gateways  []*process // all there ever were
	api       *process
	others    []*process
}

// sharedTopics is how many topics the pooled tenants share.
const sharedTopics = 1

// startFleet makes the topics that Terraform plans, starts the api, as many gateways and two processes of the ingest
// function, and puts the tenants.
func startFleet(t *testing.T, gateways int, docs ...*realtime.Tenant) *fleet {
	t.Helper()
	f := &fleet{system: newSystem(t, docs...), project: emulators.Project(t)}
	f.pubsub, f.firestore = servers.PubSubProcess(t), servers.FirestoreProcess(t)
	f.pubsubLine, f.pubsubIntake = newRelay(t, f.pubsub.Addr()), newRelay(t, f.pubsub.Addr())
	f.firestoreLine, f.firestoreIntake = newRelay(t, f.firestore.Addr()), newRelay(t, f.firestore.Addr())
	f.plan = planned(t, f.project, docs)
	f.provision()
	f.operators = realtime.Auth{Keys: []realtime.Key{{KID: "o", Alg: "HS256", Secret: strings.Repeat("operator", 8)}}}
	f.startAPI()
	for _, doc := range docs {
		f.put(f.plan.document(t, doc))
	}
	for i := range 2 {
		p := f.function(fmt.Sprintf("ingest %d", i+1), "ingest", nil)
		f.ingest.add(p.addr)
	}
	for range gateways {
		f.addGateway(nil)
	}
	return f
}

// environment is what Terraform would tell a program, and by which relays it is to reach the emulators.
func (f *fleet) environment(program string, pubsub, firestore *relay, more map[string]string) map[string]string {
	f.t.Helper()
	if f.plan.environments[program] == nil {
		f.t.Fatalf("the plan has no %s", program)
	}
	env := maps.Clone(f.plan.environments[program])
	maps.Copy(env, map[string]string{"TIDEWIRE_METRICS": "true", "PUBSUB_EMULATOR_HOST": pubsub.addr, "FIRESTORE_EMULATOR_HOST": firestore.addr})
	maps.Copy(env, more)
	return env
}

func (f *fleet) startAPI() {
	f.t.Helper()
	operators, err := json.Marshal(f.operators)
	if err != nil {
		f.t.Fatal(err)
	}
	f.api = launch(f.t, "api", built.Path(f.t, "services/api"), "/healthz",
		f.environment("api", f.pubsubIntake, f.firestoreIntake, map[string]string{"TIDEWIRE_OPERATORS": string(operators)}))
}

// function starts a process of a function.
func (f *fleet) function(name, target string, env map[string]string) *process {
	f.t.Helper()
	all := f.environment(target, f.pubsubIntake, f.firestoreIntake, map[string]string{"FUNCTION_TARGET": target})
	maps.Copy(all, env)
	p := launch(f.t, name, built.Path(f.t, "verify/fleet/function"), "/", all)
	f.others = append(f.others, p)
	return p
}

// addGateway starts another gateway and sends clients there too.
func (f *fleet) addGateway(env map[string]string) *process {
	f.t.Helper()
	name := fmt.Sprintf("gateway %d", len(f.gateways)+1)
	p := launch(f.t, name, built.Path(f.t, "services/gateway"), "/readyz", f.environment("gateway", f.pubsubLine, f.firestoreLine, env))
	f.gateways = append(f.gateways, p)
	f.front.add(p.addr)
	var reading sync.WaitGroup
	reading.Go(func() { // its metrics, as long as it lives
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-p.ended:
				return
			case <-tick.C:
				p.read()
			}
		}
	})
	f.t.Cleanup(func() {
		p.kill()
		reading.Wait()
	})
	return p
}

// instance asks a gateway for its name.
func (f *fleet) instance(p *process) string {
	f.t.Helper()
	v, end := visit(f.t, p.addr, f.token("acme", "visitor"))
	if v == nil {
		f.t.Fatalf("%s: %+v", p.name, end)
	}
	_ = v.conn.Close()
	return v.instance
}

// kill ends a gateway without a word, and the proxy learns of it by failing to connect.
func (f *fleet) kill(p *process) {
	f.t.Helper()
	p.read()
	p.kill()
	f.book.did("%s was killed", p.name)
}

// terminate ends a gateway in order. The platform sends nobody there any more.
func (f *fleet) terminate(p *process) {
	f.t.Helper()
	f.front.remove(p.addr)
	p.read()
	f.book.did("%s is asked to end", p.name)
	f.book.did("%s has ended, after %s", p.name, p.terminate().Round(time.Millisecond))
}

// living are the gateways that have not ended.
func (f *fleet) living() []*process {
	return slices.DeleteFunc(slices.Clone(f.gateways), func(p *process) bool {
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
}

// operator returns a token of an operator.
func (f *fleet) operator() string {
	f.t.Helper()
	signer, err := httpapi.NewOperatorSigner(f.operators)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "fleet", Issued: time.Now(), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// call calls the api as an operator, again while it is told to come back. The answer has to be one of 2xx.
func (f *fleet) call(method, path string, body any) (said []byte) {
	f.t.Helper()
	await(f.t, method+" "+path, func() bool {
		status, _, text, err := request(method, "http://"+f.api.addr+path, f.operator(), body)
		if err != nil || status >= 300 && status != http.StatusServiceUnavailable {
			f.t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
		}
		said = text
		return status < 300
	})
	return said
}

// put writes a tenant's document, by the api.
func (f *fleet) put(doc *realtime.Tenant) {
	f.t.Helper()
	f.tenants[doc.ID] = doc
	f.call(http.MethodPut, "/v1/tenants/"+doc.ID, doc)
}

// listed returns the connections of a tenant that the api lists, by instance.
func (f *fleet) listed(tenant string) map[string]int {
	f.t.Helper()
	all := map[string]int{}
	for after := ""; ; {
		var page realtime.ConnectionPage
		path := "/v1/tenants/" + tenant + "/connections?limit=1000&after=" + after
		if err := json.Unmarshal(f.call(http.MethodGet, path, nil), &page); err != nil {
			f.t.Fatal(err)
		}
		for _, c := range page.Connections {
			all[c.Instance]++
		}
		if after = page.Next; after == "" {
			return all
		}
	}
}

// show prints what the gateways have counted, by reason.
func (f *fleet) show() {
	for _, p := range f.gateways {
		all := p.read()
		var words []string
		for _, name := range []string{"gaps", "holes", "follows", "fences", "drops", "answers", "refusals"} {
			words = append(words, fmt.Sprintf("%s %v", name, all.reasons("tidewire_"+name+"_total")))
		}
		f.t.Logf("%s: %s", p.name, strings.Join(words, ", "))
	}
}

// paused has a process of the emulators stand still for a while. Who does that runs beside no other test.
func (f *fleet) paused(p *emulators.Process, name string, d time.Duration) {
	p.Pause()
	f.book.did("%s stands still", name)
	time.Sleep(d)
	p.Resume()
	f.book.did("%s goes on, after %s", name, d)
}
