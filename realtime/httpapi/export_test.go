package httpapi

// Routes lists what New serves, as "GET /path".
func Routes() []string {
	all := []string{"GET /v1/openapi.json"}
	for _, r := range routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
