package crawl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a web site that remembers what it was asked for.
type site struct {
	*httptest.Server
	mux *http.ServeMux

	mu     sync.Mutex // guards what follows
	asked  map[string]int
	inside int
	most   int // requests at once, but for those that the crawler breaks off: their server hears of that later
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{mux: http.NewServeMux(), asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.RequestURI()]++
		brokenOff := r.URL.Path == "/huge"
		if !brokenOff {
			s.inside++
		}
		s.most = max(s.most, s.inside)
		s.mu.Unlock()
		s.mux.ServeHTTP(w, r)
		if brokenOff {
			return
		}
		s.mu.Lock()
		s.inside--
		s.mu.Unlock()
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) host() string { return strings.TrimPrefix(s.URL, "http://") }

func (s *site) times(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

func page(w http.ResponseWriter, title string, links ...string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>%s</title>", title)
	for _, l := range links {
		fmt.Fprintf(w, `<a href="%s">x</a>`, l)
	}
}

// local lets a test connect to one address of this machine, and to no other.
func local() Options {
	return Options{Delay: time.Millisecond, PageTime: 500 * time.Millisecond, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
}

func run(t *testing.T, j *Job, o Options) (map[string]Page, Progress) {
	t.Helper()
	pages := map[string]Page{}
	var mu sync.Mutex
	p, err := Run(t.Context(), j, o, func(_ context.Context, p Page, _ Progress) error {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := pages[p.URL]; twice {
			t.Errorf("%s was told of twice", p.URL)
		}
		pages[p.URL] = p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages, p
}

// A site of 200 pages with what sites have: a robots.txt, pages under several names, a loop of redirects, a host that does not answer, and links to
// addresses that are not public.
func TestSite(t *testing.T) {
	t.Parallel()
	private, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{}, 100)
	secret := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }), ReadHeaderTimeout: time.Second}
	go func() { _ = secret.Serve(private) }()
	t.Cleanup(func() { _ = secret.Close() })

	ended := make(chan struct{})
	slow := newSite(t)
	slow.mux.HandleFunc("/robots.txt", http.NotFound)
	slow.mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(ended) })

	s := newSite(t)
	s.mux.HandleFunc("/robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "User-agent: *\nDisallow: /\n\nUser-agent: TidewireCrawler\nDisallow: /private/\nAllow: /private/open\n")
	})
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/p/%d", &n); err != nil && r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		links := []string{fmt.Sprintf("/p/%d", (2*n+1)%200), fmt.Sprintf("/p/%d#there", (2*n+2)%200), fmt.Sprintf("./%d", n), s.URL + "/"}
		if n == 7 {
			links = append(links, "/private/secret", "/private/open", "/loop/a", "/chain/0", "/gone", "mailto:ann@example.com", "javascript:void(0)",
				"http://"+private.Addr().String()+"/link", "http://169.254.169.254/computeMetadata/v1/", "http://user:pass@"+s.host()+"/p/3", "/to-secret", slow.URL+"/1", slow.URL+"/2", slow.URL+"/3", slow.URL+"/4", "/huge")
		}
		page(w, fmt.Sprintf("Page  %d", n), links...)
	})
	s.mux.HandleFunc("/private/", func(w http.ResponseWriter, _ *http.Request) { page(w, "for few") })
	redirect := func(path, to string) {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	}
	redirect("/loop/a", "/loop/b")
	redirect("/loop/b", "/loop/a")
	redirect("/to-secret", "http://"+private.Addr().String()+"/redirect")
	s.mux.HandleFunc("/chain/", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscanf(r.URL.Path, "/chain/%d", &n)
		http.Redirect(w, r, fmt.Sprintf("/chain/%d", n+1), http.StatusFound)
	})
	s.mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for range 300 {
			_, _ = w.Write(make([]byte, 10<<10))
		}
	})

	pages, p := run(t, &Job{Start: []string{s.URL}, Hosts: []string{s.host(), slow.host(), private.Addr().String()}, Pages: 1000}, local())
	for n := range 200 {
		if got := pages[fmt.Sprintf("%s/p/%d", s.URL, n)]; got.State != Read || got.Title != fmt.Sprintf("Page %d", n) {
			t.Errorf("page %d: %+v", n, got)
		}
		if got := s.times(fmt.Sprintf("/p/%d", n)); got != 1 {
			t.Errorf("page %d was asked for %d times", n, got)
		}
	}
	for path, want := range map[string]State{
		s.URL + "/": Read, s.URL + "/private/secret": Disallowed, s.URL + "/private/open": Read, s.URL + "/loop/a": Moved, s.URL + "/loop/b": Moved,
		s.URL + "/chain/0": Moved, s.URL + "/chain/5": Failed, s.URL + "/gone": Failed, s.URL + "/to-secret": Moved, s.URL + "/huge": Read,
		"http://" + private.Addr().String() + "/redirect": Refused, "http://" + private.Addr().String() + "/link": Refused, slow.URL + "/1": Failed, slow.URL + "/4": Failed,
	} {
		if got := pages[path]; got.State != want {
			t.Errorf("%s: %+v, not %s", path, got, want)
		}
	}
	if s.times("/private/secret") > 0 || s.times("/robots.txt") != 1 || s.times("/chain/6") > 0 || s.most > 1 || slow.times("/4") > 0 {
		t.Errorf("asked for what is not allowed, or too often at once (%d)", s.most)
	}
	if pages[s.URL+"/huge"].Bytes != 1<<20 {
		t.Errorf("%d bytes were read", pages[s.URL+"/huge"].Bytes)
	}
	if len(reached) > 0 {
		t.Error("an address that is not public was connected to")
	}
	if len(pages) != p.Read+p.Moved+p.Disallowed+p.Refused+p.Failed || !p.Done || p.More || p.Waiting != 0 {
		t.Errorf("%d pages, %+v", len(pages), p)
	}
}

// A name is judged by what it resolves to, and an address by no other way of writing it.
func TestNamesThatResolveToPrivateAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, port, _ := net.SplitHostPort(s.host())
	o := local()
	o.Allowed = nil
	for _, name := range []string{"localhost:" + port, "127.0.0.1:" + port, "127.1:" + port, "0x7f000001:" + port, "2130706433:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port} {
		pages, _ := run(t, &Job{Start: []string{"http://" + name + "/"}, Hosts: []string{name}, Pages: 1}, o)
		if got := pages["http://"+name+"/"]; got.State != Refused && got.State != Failed {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("asked for %v", s.asked)
	}
}

func TestRobots(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   State
	}{
		"none":               {http.NotFound, Read},
		"an error":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, Disallowed},
		"all":                {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "User-agent: *\nDisallow: /") }, Disallowed},
		"others":             {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "User-agent: other\nDisallow: /") }, Read},
		"too long a pause":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "User-agent: *\nCrawl-delay: 3600") }, Disallowed},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/robots.txt", http.StatusFound) }, Failed},
		"redirects away": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.3/", http.StatusFound)
		}, Failed},
		"never answers": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		}, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.mux.HandleFunc("/robots.txt", tt.answer)
			s.mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { page(w, "x") })
			pages, _ := run(t, &Job{Start: []string{s.URL}, Hosts: []string{s.host()}, Pages: 10}, local())
			if got := pages[s.URL+"/"]; got.State != tt.want {
				t.Errorf("%+v, not %s", got, tt.want)
			}
			if want := map[bool]int{true: 1}[tt.want == Read]; s.times("/") != want {
				t.Errorf("asked %d times", s.times("/"))
			}
		})
	}
}

// A crawl ends when its pages or its time are used up, and says that there is more; and when nobody can be told.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.mux.HandleFunc("/robots.txt", http.NotFound)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { page(w, "deep", r.URL.Path+"a/", r.URL.Path+"b/") })
	j := &Job{Start: []string{s.URL}, Hosts: []string{s.host()}, Pages: 25}
	if pages, p := run(t, j, local()); len(pages) != 25 || !p.More || !p.Done {
		t.Errorf("%d pages, %+v", len(pages), p)
	}
	j.Pages = MaxPages
	o := local()
	o.Delay, o.MaxTime = 20*time.Millisecond, 200*time.Millisecond
	if pages, p := run(t, j, o); len(pages) > 12 || !p.More || p.Waiting == 0 {
		t.Errorf("%d pages, %+v", len(pages), p)
	}
	broken := errors.New("broken")
	if _, err := Run(t.Context(), j, local(), func(context.Context, Page, Progress) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

func TestBadJobs(t *testing.T) {
	t.Parallel()
	good := func() Job {
		return Job{Start: []string{"https://example.com/"}, Hosts: []string{"example.com"}, Pages: 1}
	}
	for want, change := range map[string]func(*Job){
		"start:":    func(j *Job) { j.Start = nil },
		"hosts:":    func(j *Job) { j.Hosts = nil },
		"pages:":    func(j *Job) { j.Pages = MaxPages + 1 },
		"hosts[0]:": func(j *Job) { j.Hosts[0] = "Example.com/x" },
		"start[0]:": func(j *Job) { j.Start[0] = "https://other.example/" },
		"start[1]:": func(j *Job) { j.Start = append(j.Start, "ftp://example.com/") },
	} {
		j := good()
		change(&j)
		if err := j.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s %v", want, err)
		}
	}
	j := good()
	if err := j.Check(); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<base href="/x/"><title>a</title><a href="b">`)
	f.Fuzz(func(t *testing.T, text string) {
		at := mustParse("http://example.com/dir/")
		for _, l := range read([]byte(text), at).links {
			if n, ok := normal(l); ok {
				if again, same := normal(mustParse(n.String())); !same || again.String() != n.String() {
					t.Errorf("%s becomes %v", n, again)
				}
			}
		}
	})
}

func mustParse(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}
