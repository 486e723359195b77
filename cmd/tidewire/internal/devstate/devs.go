package devstate

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/cmd/tidewire/internal/usage"
)

// Header is in every answer of a dev: by it other commands know that what answers at an address is that dev, and not
// another program that has its port by now.
const Header = "Tidewire-Dev"

// A dev may take answersWithin to say that it runs where that is good to know, and waitedFor where a command cannot go on
// without it: a machine that is busy may make it wait for a processor.
const (
	answersWithin = 2 * time.Second
	waitedFor     = 15 * time.Second
)

// Dev is what a dev server that runs tells the other commands, in a file of its own that it removes when it ends.
type Dev struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Tenants string    `json:"tenants,omitempty"` // the FILE it was given
	Demo    bool      `json:"demo"`
	Started time.Time `json:"started"`
}

// New returns a Dev that starts now.
func New(address, tenants string, demo bool) Dev {
	return Dev{ID: rand.Text(), URL: address, Tenants: tenants, Demo: demo, Started: time.Now()}
}

func (d Dev) file() string { return filepath.Join("devs", d.ID+".json") }

// Announce tells the other commands of a dev, and forgets those that have ended without saying so.
func (f Folder) Announce(ctx context.Context, d Dev) error {
	all, err := f.devs()
	if err != nil {
		return err
	}
	for _, ended := range asked(ctx, all, answersWithin) {
		if errors.Is(ended.err, errEnded) {
			_ = os.Remove(filepath.Join(f.dir, ended.file())) // it is only in the way
		}
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return f.write(d.file(), raw)
}

// Withdraw takes back what Announce told.
func (f Folder) Withdraw(d Dev) error {
	if err := os.Remove(filepath.Join(f.dir, d.file())); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// devs returns what the devs told that have not taken it back: those that run, and those that were killed.
func (f Folder) devs() ([]Dev, error) {
	files, err := filepath.Glob(filepath.Join(f.dir, "devs", "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Dev
	for _, name := range files {
		raw, err := os.ReadFile(name) //nolint:gosec // of the user's own folder
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return nil, err
		}
		var r Dev
		if err := json.Unmarshal(raw, &r); err != nil || r.file() != filepath.Join("devs", filepath.Base(name)) {
			return nil, fmt.Errorf("%s: was not written by tidewire dev; remove it (%w)", name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// Alive returns the dev servers that run now, the one that was started last first.
func (f Folder) Alive(ctx context.Context) ([]Dev, error) {
	all, err := f.devs()
	if err != nil {
		return nil, err
	}
	alive, _ := divide(asked(ctx, all, answersWithin))
	return alive, nil
}

// divide returns those that run, the one that was started last first, and those that may run: they have not answered.
func divide(all []askedDev) (alive []Dev, silent []askedDev) {
	for _, r := range all {
		switch {
		case r.err == nil:
			alive = append(alive, r.Dev)
		case !errors.Is(r.err, errEnded):
			silent = append(silent, r)
		}
	}
	slices.SortFunc(alive, func(a, b Dev) int { return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.ID, b.ID)) })
	return alive, silent
}

// askedDev is a dev, and why it does not seem to run, if it does not.
type askedDev struct {
	Dev
	err error
}

// errEnded is a dev that has certainly ended.
var errEnded = errors.New("it has ended")

// asked asks devs whether they run, all at once.
func asked(ctx context.Context, devs []Dev, patience time.Duration) []askedDev {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy: it is on this machine
	all := make([]askedDev, len(devs))
	var asking sync.WaitGroup
	for i, r := range devs {
		asking.Go(func() { all[i] = askedDev{r, r.ask(ctx, client)} })
	}
	asking.Wait()
	return all
}

func (d Dev) ask(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return errEnded
	case err != nil:
		return err
	}
	_ = res.Body.Close() // it is not read
	if res.Header.Get(Header) != d.ID {
		return errEnded
	}
	return nil
}

// named returns the dev at an address.
func named(devs []Dev, address string) (Dev, bool) {
	i := slices.IndexFunc(devs, func(d Dev) bool { return host(d.URL) == host(address) })
	if i < 0 {
		return Dev{}, false
	}
	return devs[i], true
}

// host returns host and port of an address, by which it may be compared with another one.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if u.Hostname() == "localhost" {
		return net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.Host
}

// URLs lists where dev servers are.
func URLs(devs []Dev) string {
	var all []string
	for _, r := range devs {
		all = append(all, r.URL)
	}
	return strings.Join(all, ", ")
}

// Pick returns the dev that a token is for: the one at address, or else the newest one that can. more says whether there was
// a choice.
func (f Folder) Pick(ctx context.Context, address string, can func(Dev) error) (dev Dev, more bool, err error) {
	all, err := f.devs()
	if err != nil {
		return dev, false, err
	}
	alive, silent := divide(asked(ctx, all, waitedFor))
	for _, r := range silent {
		if len(alive) == 0 || address != "" && host(r.URL) == host(address) {
			return dev, false, fmt.Errorf("the dev server at %s does not answer: %w", r.URL, r.err)
		}
	}
	if len(alive) == 0 {
		return dev, false, errors.New("no dev server is running on this machine; run tidewire dev, or use --tenants FILE")
	}
	if address != "" {
		dev, ok := named(alive, address)
		if !ok {
			return dev, false, usage.Errorf("--url or TIDEWIRE_URL: must be a dev server that runs on this machine (%s), got %q", URLs(alive), address)
		}
		return dev, false, can(dev)
	}
	var first error
	for _, r := range alive {
		if err := can(r); err == nil {
			return r, len(alive) > 1, nil
		} else if first == nil {
			first = err
		}
	}
	return dev, false, first
}
