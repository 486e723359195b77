package httpapi

// Routes lists what New serves, as "GET /path".
func Routes() []string {
	all := []string{"GET /v1/openapi.json"}
	for _, r := range routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}

// PartsOfRoutes says what each route needs: a part of manage, or "operators", and the role of an operator.
func PartsOfRoutes() map[string]string {
	all := map[string]string{}
	for _, r := range routes() {
		part := string(r.part)
		if r.part == operatorsOnly {
			part = "operators"
		}
		all[r.method+" "+r.path] = part + " " + string(r.role)
	}
	return all
}
