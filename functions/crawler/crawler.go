// Package crawler is the function that reads web sites, and shows in a channel what it reads while it does: an HTTP function to which a subscription of
// Pub/Sub pushes jobs. A job is JSON:
//
//	{"id": "docs-1", "tenant": "acme", "channel": "crawl:docs", "start": ["https://docs.example.com/"], "hosts": ["docs.example.com"], "pages": 200}
//
// The channel's namespace needs state: each page is an entry, and so is "progress". Hosts have to be among those that the function was given. What is read,
// and how politely, package crawl says.
//
// A job that comes again, as Pub/Sub may send it, publishes the same events, which readers are shown once.
package crawler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/functions/crawler/crawl"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/problem"
)

// Publisher publishes for a tenant.
type Publisher interface {
	Publish(ctx context.Context, t *realtime.Tenant, pubs []realtime.Publication) error
}

// Options are what a Function is made of. All but Crawl are required.
type Options struct {
	Tenants   realtime.Tenants
	Publisher Publisher
	// Hosts are those that jobs may name; "*.example.com" is every host below example.com.
	Hosts  []string
	Crawl  crawl.Options
	Logger *slog.Logger
}

// Function is the function as an http.Handler. It starts nothing that outlives a call, and is safe for concurrent use.
type Function struct{ o Options }

// New returns a Function.
func New(o Options) *Function { return &Function{o} }

// maxBody is how long a job may be.
const maxBody = 1 << 20

// job is what Pub/Sub brings.
type job struct {
	ID      string   `json:"id"`
	Tenant  string   `json:"tenant"`
	Channel string   `json:"channel"`
	Start   []string `json:"start"`
	Hosts   []string `json:"hosts"`
	Pages   int      `json:"pages"`
}

// Report is what the crawl of a job did.
type Report struct {
	Job string `json:"job"`
	crawl.Progress
}

// ServeHTTP does the job of a message that Pub/Sub pushes, or of a body that is the job itself, and answers with a report when it is done. A job that cannot be
// done is answered with 200 and a problem, so that it does not come again. Who may call is for the platform to say.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem.WithStatus(http.StatusMethodNotAllowed, realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use POST", r.Method)).Write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		problem.Write(w, realtime.Errorf(realtime.CodeTooLarge, "body: must be at most %d bytes", maxBody))
		return
	}
	content, pushed := unwrap(body)
	report, err := f.Do(r.Context(), content)
	if bad := (*realtime.Error)(nil); errors.As(err, &bad) && bad.Code.Meaning().Advice == realtime.AdviceStop {
		f.o.Logger.WarnContext(r.Context(), "a job of the crawler was refused", realtime.KeyError, err)
		if pushed {
			problem.WithStatus(http.StatusOK, bad).Write(w)
			return
		}
	}
	problem.WriteReport(w, report, err)
}

// unwrap returns what a push of Pub/Sub holds, or the body itself.
func unwrap(body []byte) (content []byte, pushed bool) {
	var push struct {
		Message *struct {
			Data string `json:"data"`
		} `json:"message"`
	}
	if json.Unmarshal(body, &push) != nil || push.Message == nil {
		return body, false
	}
	data, err := base64.StdEncoding.DecodeString(push.Message.Data)
	if err != nil {
		return nil, true
	}
	return data, true
}

// Do does a job, which is JSON, and returns when it is done. An error is a *realtime.Error if the job cannot be done, or what ended it.
func (f *Function) Do(ctx context.Context, content []byte) (Report, error) {
	var j job
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return Report{}, realtime.Errorf(realtime.CodeBadRequest, "job: %v", err)
	}
	ch, work, err := f.check(&j)
	if err != nil {
		return Report{}, err
	}
	t, err := f.o.Tenants.Tenant(ctx, j.Tenant)
	if err != nil {
		return Report{}, err
	}
	if t.Rules(ch.Namespace()).State == nil {
		return Report{}, realtime.Errorf(realtime.CodeBadRequest, "channel: the namespace of %q needs state, in which the pages are kept", j.Channel)
	}
	start := time.Now()
	f.o.Logger.InfoContext(ctx, "a crawl begins", keyJob, j.ID, realtime.KeyTenant, j.Tenant, realtime.KeyChannel, j.Channel)
	show := shown{f.o.Publisher, t, ch, j.ID}
	p, err := crawl.Run(ctx, work, f.o.Crawl, show.page)
	if err == nil {
		err = show.publish(ctx, show.progress(p, "done"))
	}
	f.o.Logger.InfoContext(ctx, "a crawl has ended", keyJob, j.ID, keyRead, p.Read, keyFailed, p.Failed, keyRefused, p.Refused, keyMore, p.More, realtime.KeyDuration, time.Since(start))
	return Report{j.ID, p}, err
}

const (
	keyJob     = "job"
	keyRead    = "read"
	keyFailed  = "failed"
	keyRefused = "refused"
	keyMore    = "more"
)

func (f *Function) check(j *job) (realtime.Channel, *crawl.Job, error) {
	if j.ID == "" || len(j.ID) > 64 {
		return realtime.Channel{}, nil, realtime.Errorf(realtime.CodeBadRequest, "id: must have 1 to 64 bytes, got %d", len(j.ID))
	}
	ch, err := realtime.NewChannel(j.Tenant, j.Channel)
	if err != nil {
		return ch, nil, err
	}
	work := &crawl.Job{Start: j.Start, Hosts: j.Hosts, Pages: j.Pages}
	if err := work.Check(); err != nil {
		return ch, nil, realtime.Errorf(realtime.CodeBadRequest, "%v", err)
	}
	for i, host := range j.Hosts {
		if !slices.ContainsFunc(f.o.Hosts, func(known string) bool {
			below, tree := strings.CutPrefix(known, "*.")
			return known == host || tree && strings.HasSuffix(host, "."+below)
		}) {
			return ch, nil, realtime.Errorf(realtime.CodeForbidden, "hosts[%d]: %q is not one that this crawler was given (TIDEWIRE_CRAWLER_HOSTS)", i, host)
		}
	}
	return ch, work, nil
}

// shown publishes what a crawl does.
type shown struct {
	publisher Publisher
	tenant    *realtime.Tenant
	channel   realtime.Channel
	job       string
}

// progressKey is the entry that says how far the crawl is.
const progressKey = "progress"

// page publishes a page and how far the crawl is.
func (s *shown) page(ctx context.Context, p crawl.Page, so crawl.Progress) error {
	sum := sha256.Sum256([]byte(p.URL))
	key := hex.EncodeToString(sum[:12])
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("a page: %w", err)
	}
	page := realtime.Publication{
		Channel: s.channel, Key: key, ID: s.job + "." + key, Data: data, EventType: "tidewire.crawl.page", Tags: map[string]string{"job": s.job, "state": string(p.State)},
	}
	return s.publish(ctx, page, s.progress(so, key))
}

func (s *shown) progress(p crawl.Progress, id string) realtime.Publication {
	data, err := json.Marshal(struct {
		Job string `json:"job"`
		crawl.Progress
	}{s.job, p})
	if err != nil {
		data = []byte("null") // numbers have no error
	}
	return realtime.Publication{
		Channel: s.channel, Key: progressKey, ID: s.job + ".progress." + id, Data: data, EventType: "tidewire.crawl.progress", Tags: map[string]string{"job": s.job},
	}
}

// publishTime bounds one publish. What cannot be published ends the crawl, and Pub/Sub sends the job again.
const publishTime = 10 * time.Second

func (s *shown) publish(ctx context.Context, pubs ...realtime.Publication) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTime)
	defer cancel()
	return s.publisher.Publish(ctx, s.tenant, pubs)
}
