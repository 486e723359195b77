package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// dev has the filter for who asks for it: what its rules take of a push is in the channels that they name.
func TestDevFilters(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	rules := c.file(`{"tenant":"acme","fields":["data.level"],"rules":[{"when":"num(data.level) > 3","channel":"alerts:{tags.region}","key":"{data.host}"}]}`)
	dev := c.start("dev", "--json", "--addr", "127.0.0.1:0", "--demo=false", "--tenants", c.file(twoTenants), "--filter", rules)
	var self struct{ URL, Token string }
	if err := json.Unmarshal([]byte(dev.line()), &self); err != nil {
		t.Fatal(err)
	}
	page := dial(t, self.URL, self.Token)
	page.send(`{"type":"subscribe","id":1,"channel":"alerts:eu"}`)
	if f := page.frame(); f["type"] != "ok" {
		t.Fatalf("%v", f)
	}
	// {"level":1,"host":"a"} and {"level":4,"host":"b"}
	for id, data := range map[string]string{"1": "eyJsZXZlbCI6MSwiaG9zdCI6ImEifQ==", "2": "eyJsZXZlbCI6NCwiaG9zdCI6ImIifQ=="} {
		res, err := http.Post(self.URL+"/functions/filter", "application/json", strings.NewReader(`{"message":{"messageId":"`+id+`","attributes":{"region":"eu"},"data":"`+data+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the push is answered with %d", res.StatusCode)
		}
	}
	if f := page.frame(); f["key"] != "b" {
		t.Errorf("%v", f)
	}
	if _, errors, code := c.call("", "dev", "--demo=false", "--addr", "127.0.0.1:0", "--filter", c.file(`{"tenant":"acme","rules":[]}`)); code == 0 || !strings.Contains(errors, "rules:") {
		t.Errorf("%d %s", code, errors)
	}
}
