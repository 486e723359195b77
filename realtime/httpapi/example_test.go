package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/httpapi"
	"github.com/tidewire/tidewire/realtime/publish"
)

// A program mounts the API beside its gateway, here for an operator who makes a tenant and asks for what it has.
func ExampleNew() {
	tenants, _ := memory.NewTenants()
	broker := memory.NewBroker(memory.BrokerOptions{})
	defer broker.Close(context.Background())
	revocations := memory.NewRevocations()
	verifier := auth.New(tenants, auth.Options{Revocations: revocations})
	defer verifier.Close()
	keys := realtime.Auth{Keys: []realtime.Key{{Alg: "HS256", Secret: "a secret of the operators alone, 32 bytes or more"}}}
	operators, err := httpapi.NewOperators(keys, auth.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer operators.Close()
	server := httptest.NewServer(httpapi.New(httpapi.Options{
		Verifier: verifier, Operators: operators, Tenants: tenants, Registry: memory.NewRegistry(), Revocations: revocations,
		Publisher: publish.New(broker, publish.Options{}),
	}))
	defer server.Close()

	signer, _ := httpapi.NewOperatorSigner(keys)
	token, _ := signer.Sign(auth.Claims{User: "olga", Expires: time.Now().Add(time.Minute)})
	for _, call := range [][3]string{
		{"PUT", "/v1/tenants/acme", `{"origins": ["https://app.example.com"], "limits": {"connections": 500}}`},
		{"GET", "/v1/tenants", ""},
		{"POST", "/v1/tenants/acme/users/ann/send", `{"data": "hello"}`},
	} {
		r, _ := http.NewRequestWithContext(context.Background(), call[0], server.URL+call[1], strings.NewReader(call[2]))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := server.Client().Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		fmt.Println(res.StatusCode, strings.TrimSpace(string(answer)))
	}
	// Output:
	// 201 {"origins":["https://app.example.com"],"limits":{"connections":500}}
	// 200 {"tenants":["acme"]}
	// 404 {"type":"urn:tidewire:problem:not-found","title":"Not found","status":404,"detail":"user: nobody is connected; nothing was sent","code":"not-found"}
}
