// Package crawl reads the pages of some hosts, politely: one request at a time to a host, with a pause between two, only what robots.txt lets it have,
// each page once. It goes to no host that it was not given, and to no address that is not public, whatever a name resolves to and wherever a redirect
// leads. It knows neither channels nor Pub/Sub: it tells what it does by a function.
package crawl
