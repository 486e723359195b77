package crawl

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// maxLinks is how many links are taken from one page.
const maxLinks = 1000

// document is what a page says.
type document struct {
	title string
	links []*url.URL
}

// read takes the title and the links out of HTML. What it says not to follow is left out.
func read(page []byte, at *url.URL) (d document) {
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(64 << 10)
	base, follow, inTitle := at, true, false
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end, also of what was cut off
			if !follow {
				d.links = nil
			}
			return d
		case html.TextToken:
			if inTitle && d.title == "" {
				d.title = clip(strings.Join(strings.Fields(string(z.Text())), " "), 200)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			inTitle = t.Data == "title" && kind == html.StartTagToken
			switch t.Data {
			case "base":
				if u, err := at.Parse(attribute(t, "href")); err == nil {
					base = u
				}
			case "meta":
				if strings.EqualFold(attribute(t, "name"), "robots") && strings.Contains(strings.ToLower(attribute(t, "content")), "nofollow") {
					follow = false
				}
			case "a", "area":
				rel := strings.Fields(strings.ToLower(attribute(t, "rel")))
				if href := attribute(t, "href"); href != "" && !slices.Contains(rel, "nofollow") && len(d.links) < maxLinks {
					if u, err := base.Parse(strings.TrimSpace(href)); err == nil {
						d.links = append(d.links, u)
					}
				}
			}
		default:
			inTitle = false
		}
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// normal is a URL in the form in which it is compared with others; false if it is none that can be read.
func normal(u *url.URL) (*url.URL, bool) {
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	n := &url.URL{Scheme: scheme, Host: hostOf(u), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if n.Path == "" {
		n.Path = "/"
	}
	if len(n.String()) > maxURL {
		return nil, false
	}
	return n, true
}

// hostOf is the host of a URL, with its port if that is not the scheme's.
func hostOf(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Host), ".")
	if u.Scheme == "http" {
		return strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":443")
}
