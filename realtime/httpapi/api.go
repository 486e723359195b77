package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/intake"
	"github.com/tidewire/tidewire/realtime/problem"
	"github.com/tidewire/tidewire/realtime/tenantcache"
)

// api is the handler. It starts nothing.
type api struct {
	o       Options
	tenants realtime.Tenants // what is remembered of them; writes begin with what is stored
	intake  *intake.Intake
	mux     *http.ServeMux
}

// operatorsOnly is the part of calls that no tenant's token may make.
const operatorsOnly realtime.Manage = ""

// route is one call of the API.
type route struct {
	method, path string
	part         realtime.Manage // what a tenant's own token needs
	// serve answers, or returns why not. Its tenant is there unless the path names none, or an operator's call is about
	// the document itself.
	serve     func(*api, *call) error
	documents bool          // it reads or writes the tenant's document
	role      realtime.Role // what an operator needs
}

// routes are all calls but that for openapi.json.
func routes() []route {
	const tenant = "/v1/tenants/{tenant}"
	return []route{
		{"GET", "/v1/tenants", operatorsOnly, (*api).listTenants, false, realtime.RoleViewer},
		{"GET", tenant, realtime.ManageTenant, (*api).getTenant, true, realtime.RoleViewer},
		{"PUT", tenant, operatorsOnly, (*api).putTenant, true, realtime.RoleAdmin},
		{"PATCH", tenant, operatorsOnly, (*api).patchTenant, true, realtime.RoleAdmin},
		{"POST", tenant + "/suspend", operatorsOnly, (*api).suspendTenant, true, realtime.RoleAdmin},
		{"POST", tenant + "/resume", operatorsOnly, (*api).resumeTenant, true, realtime.RoleAdmin},
		{"GET", tenant + "/keys", realtime.ManageTenant, listKeys, true, realtime.RoleViewer},
		{"POST", tenant + "/keys", operatorsOnly, addKey, true, realtime.RoleAdmin},
		{"POST", tenant + "/keys/{kid}/rotate", operatorsOnly, rotateKey, true, realtime.RoleAdmin},
		{"DELETE", tenant + "/keys/{kid}", operatorsOnly, withdrawKey, true, realtime.RoleAdmin},
		{"POST", tenant + "/tokens", realtime.ManageTokens, (*api).makeToken, false, realtime.RoleAdmin},
		{"POST", tenant + "/publish", realtime.ManagePublish, (*api).publish, false, realtime.RoleAdmin},
		{"GET", tenant + "/channels/{channel}/state", realtime.ManageState, readState, false, realtime.RoleViewer},
		{"GET", tenant + "/channels/{channel}/history", realtime.ManageHistory, readHistory, false, realtime.RoleViewer},
		{"GET", tenant + "/channels/{channel}/position", realtime.ManageHistory, readPosition, false, realtime.RoleViewer},
		{"GET", tenant + "/channels/{channel}/presence", realtime.ManagePresence, readPresence, false, realtime.RoleViewer},
		{"GET", tenant + "/channels", realtime.ManageConnections, listChannels, false, realtime.RoleViewer},
		{"GET", tenant + "/demand", realtime.ManageDemand, readDemand, false, realtime.RoleViewer},
		{"POST", tenant + "/explain", realtime.ManageExplain, explainEvent, false, realtime.RoleViewer},
		{"DELETE", tenant + "/channels/{channel}/state", realtime.ManagePublish, clearState, false, realtime.RoleAdmin},
		{"PUT", tenant + "/channels/{channel}/state/{key}", realtime.ManagePublish, setState, false, realtime.RoleAdmin},
		{"DELETE", tenant + "/channels/{channel}/state/{key}", realtime.ManagePublish, deleteState, false, realtime.RoleAdmin},
		{"POST", tenant + "/users/{user}/send", realtime.ManagePublish, sendTo("user"), false, realtime.RoleAdmin},
		{"POST", tenant + "/groups/{group}/send", realtime.ManagePublish, sendTo("group"), false, realtime.RoleAdmin},
		{"POST", tenant + "/connections/{connection}/send", realtime.ManagePublish, sendTo("connection"), false, realtime.RoleAdmin},
		{"POST", tenant + "/users/{user}/logout", realtime.ManageUsers, (*api).logOut, false, realtime.RoleSupport},
		{"GET", tenant + "/connections", realtime.ManageConnections, (*api).listConnections, false, realtime.RoleViewer},
		{"GET", tenant + "/connections/{connection}", realtime.ManageConnections, (*api).getConnection, false, realtime.RoleViewer},
		{"DELETE", tenant + "/connections/{connection}", realtime.ManageConnections, (*api).closeConnection, false, realtime.RoleSupport},
	}
}

// New returns the handler of the management API. It answers 404 to any path that is not one of its
// own, and is mounted at /v1/tenants, /v1/tenants/ and /v1/openapi.json, or alone.
func New(o Options) http.Handler {
	o = o.withDefaults()
	a := &api{o: o, tenants: tenantcache.NewSteady(o.Tenants), mux: http.NewServeMux(), intake: intake.New(intake.Options{
		Publisher: o.Publisher, Limiter: o.Limiter, Logger: o.Logger, Metrics: o.Metrics,
	})}
	methods := map[string][]string{"/v1/openapi.json": {"GET"}}
	a.mux.HandleFunc("GET /v1/openapi.json", serveDescription)
	for _, rt := range routes() {
		methods[rt.path] = append(methods[rt.path], rt.method)
		a.mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, rt) })
	}
	for path, allowed := range methods {
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { wrongMethod(w, r, allowed) })
	}
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, realtime.Errorf(realtime.CodeNotFound, "no such path: %.100q; /v1/openapi.json lists the paths of the management API", r.URL.Path))
	})
	return a.mux
}

func wrongMethod(w http.ResponseWriter, r *http.Request, allowed []string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	problem.WithStatus(http.StatusMethodNotAllowed,
		realtime.Errorf(realtime.CodeBadRequest, "method %.16q is not supported at this path; use %s", r.Method, strings.Join(allowed, " or "))).Write(w)
}

// serve authorizes a caller and answers its call.
func (a *api) serve(w http.ResponseWriter, r *http.Request, rt route) {
	c := &call{w: w, r: r}
	err := a.authorize(c, rt)
	if err == nil {
		err = rt.serve(a, c)
	}
	if err != nil {
		a.writeError(c, err)
	}
}

// writeError answers with the problem of an error, counts it, and logs it if it is a fault of ours.
func (a *api) writeError(c *call, err error) {
	p := problem.Of(err)
	if e := (*intake.UnsupportedError)(nil); errors.As(err, &e) {
		c.w.Header().Set(e.Header, e.List)
		p = problem.WithStatus(http.StatusUnsupportedMediaType, err)
	}
	if e := (*failedCondition)(nil); errors.As(err, &e) {
		p = problem.WithStatus(http.StatusPreconditionFailed, err)
	}
	if p.Limit == "" { // else the limiter has counted it
		a.o.Metrics.Add(realtime.CountRefusals, c.label(), realtime.Reason(p.Code), 1)
	}
	if p.Status >= http.StatusInternalServerError && !auth.IsUnknown(err) {
		a.o.Logger.ErrorContext(c.r.Context(), "a call of the management API failed",
			realtime.KeyTenant, c.label(), realtime.KeyCode, string(p.Code), realtime.KeyError, err)
	}
	p.Write(c.w)
}

// logChange logs a change that was made: who, and to what.
func (a *api) logChange(c *call, what string, key, value string) {
	a.o.Logger.InfoContext(c.r.Context(), what, realtime.KeyTenant, c.label(), realtime.KeyCaller, c.name(), key, value) //nolint:sloglint // the keys are those of realtime/log.go
}
