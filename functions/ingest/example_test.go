package ingest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/tidewire/tidewire/functions/ingest"
	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
	"github.com/tidewire/tidewire/realtime/limit"
	"github.com/tidewire/tidewire/realtime/publish"
)

func Example() {
	acme := &realtime.Tenant{ID: "acme", Auth: realtime.Auth{
		Keys: []realtime.Key{{KID: "k1", Alg: "HS256", Secret: "a-secret-of-32-bytes-at-the-least"}},
	}}
	tenants, err := memory.NewTenants(acme)
	if err != nil {
		fmt.Println(err)
		return
	}
	broker := memory.NewBroker(memory.BrokerOptions{})
	defer broker.Close(context.Background())
	verifier := auth.New(tenants, auth.Options{})
	defer verifier.Close()

	mux := http.NewServeMux()
	mux.Handle("/v1/tenants/{tenant}/events", ingest.New(ingest.Options{
		Verifier:  verifier,
		Tenants:   tenants,
		Publisher: publish.New(broker, publish.Options{}),
		Limiter:   limit.New(limit.Options{}),
	}))
	server := httptest.NewServer(mux)
	defer server.Close()

	// A producer, with a token that lets it publish to channels of the namespace prices.
	signer, err := auth.NewSigner(acme)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := signer.Sign(auth.Claims{
		User: "feed", Grants: realtime.Grants{Publish: []realtime.Pattern{"prices:*"}}, Expires: time.Now().Add(time.Minute),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	events := `[{"channel":"prices:fx","key":"EURUSD","data":{"bid":1.0841},"id":"quote-17"},
	            {"channel":"prices:fx","key":"EURUSD","data":{"bid":1.0842},"id":"quote-18"}]`
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL+"/v1/tenants/acme/events", strings.NewReader(events))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := server.Client().Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	fmt.Print(res.StatusCode, " ", string(answer), err)
	// Output:
	// 200 {"accepted":2,"results":[{"id":"quote-17"},{"id":"quote-18"}]}
	// <nil>
}
