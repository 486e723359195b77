package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/auth"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

func TestItCarriesAnEvent(t *testing.T) {
	t.Parallel()
	g, err := build("tenants.json")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	tenants, err := memory.LoadTenantsFile("tenants.json")
	if err != nil {
		t.Fatal(err)
	}
	acme, err := tenants.Tenant(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auth.NewSigner(acme)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(auth.Claims{User: "ann", Grants: realtime.Grants{Subscribe: []realtime.Pattern{"news:*"}}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/v1/socket"
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","id":1,"channel":"news:today"}`)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"welcome"`, `"ok"`} {
		if _, frame, err := ws.ReadMessage(); err != nil || !strings.Contains(string(frame), want) {
			t.Fatalf("want %s, got %s, %v", want, frame, err)
		}
	}
	news, err := realtime.NewChannel("acme", "news:today")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Publisher().Publish(t.Context(), acme, []realtime.Publication{{Channel: news, Data: []byte(`"hello"`)}}); err != nil {
		t.Fatal(err)
	}
	if _, frame, err := ws.ReadMessage(); err != nil || !strings.Contains(string(frame), `"hello"`) {
		t.Errorf("got %s, %v", frame, err)
	}
}

// TestREADMEShowsThis keeps the program of the README and this one the same.
func TestREADMEShowsThis(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, from := range map[string]string{"main.go": "package main", "../page/files/page.js": "import { connect }"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, program, _ := strings.Cut(string(source), from)
		program = strings.ReplaceAll(from+program, " //nolint:gosec // the smallest: a real one sets timeouts", "")
		if !strings.Contains(string(readme), program) {
			t.Errorf("the README does not show %s as it is", file)
		}
	}
}
