package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// dev has the crawler for who asks for it: a job is shown in its channel, and taken only as JSON.
func TestDevCrawls(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>A page</title><a href="/">it</a>`)
	}))
	t.Cleanup(site.Close)
	host := strings.TrimPrefix(site.URL, "http://")
	c := newConsole(t)
	tenants := c.file(strings.Replace(twoTenants, `"limits"`, `"namespaces": {"crawl": {"state": {}}}, "limits"`, 1))
	dev := c.start("dev", "--json", "--addr", "127.0.0.1:0", "--demo=false", "--tenants", tenants, "--crawler", host)
	var self struct{ URL, Token string }
	if err := json.Unmarshal([]byte(dev.line()), &self); err != nil {
		t.Fatal(err)
	}
	job := fmt.Sprintf(`{"id":"j1","tenant":"acme","channel":"crawl:site","start":[%q],"hosts":[%q],"pages":5}`, site.URL, host)
	post := func(kind string) int {
		res, err := http.Post(self.URL+"/functions/crawler", kind, strings.NewReader(job))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if code := post("text/plain"); code != http.StatusBadRequest {
		t.Errorf("a job as text is answered with %d", code)
	}
	page := dial(t, self.URL, self.Token)
	page.send(`{"type":"subscribe","id":1,"channel":"crawl:site","state":true}`)
	if code := post("application/json"); code != http.StatusOK {
		t.Fatalf("the job is answered with %d", code)
	}
	for {
		f := page.frame()
		if text := fmt.Sprint(f); strings.Contains(text, "done:true") && strings.Contains(text, "read:1") {
			return
		}
	}
}
