// Package demosite is a small web site on this machine for the demo's crawler, with what a crawler meets: a robots.txt, redirects that go round in a loop, a slow
// host, pages that are missing, and a link to an address that is not public. Crawl has it crawled while somebody looks.
package demosite
