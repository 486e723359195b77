package devserver

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Introduce says where everything is, and how to try it. Each line that is a command can be pasted as it is.
func (d *Server) Introduce(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(struct {
			URL     string   `json:"url"`
			Tenants []string `json:"tenants"`
			Token   string   `json:"token"`
		}{d.url, d.docs.IDs(), d.token})
	}
	w := &strings.Builder{}
	w.WriteString("Tidewire is running. Stop it with Ctrl-C.\n\n")
	if d.o.Demo {
		fmt.Fprintf(w, "  dashboard  %s/\n", d.url)
		for _, id := range []string{"sensors", "operations", "logistics", "whiteboard", "console"} {
			fmt.Fprintf(w, "  dashboard  %s/?dashboard=%s\n", d.url, id)
		}
	}
	if d.o.Page != "" {
		fmt.Fprintf(w, "  page       %s/\n", d.url)
	}
	fmt.Fprintf(w, "  sockets    ws%s/v1/socket\n", strings.TrimPrefix(d.url, "http"))
	fmt.Fprintf(w, "  metrics    %s/metrics\n", d.url)
	fmt.Fprintf(w, "  tenants    %s\n", strings.Join(d.docs.IDs(), ", "))
	d.introduceCommands(w, quoted(ownName()))
	_, err := io.WriteString(out, w.String())
	return err
}

func (d *Server) introduceCommands(w *strings.Builder, tidewire string) {
	fmt.Fprintf(w, "\nTo try it, in another terminal:\n\n  export TIDEWIRE_URL=%s\n", quoted(d.url))
	if d.o.State != "" {
		fmt.Fprintf(w, "  export TIDEWIRE_STATE=%s\n", quoted(d.o.State))
	}
	if d.token != "" {
		fmt.Fprintf(w, `  export TIDEWIRE_TOKEN="$(%[1]s token --tenant %[2]s --user dev --subscribe '**' --publish '**' --presence '**')"
  %[1]s tail news:today

and in a third one, after the same exports:

  %[1]s publish --tenant %[2]s --channel news:today '"hello"'
  curl -sS "$TIDEWIRE_URL/v1/tenants/%[2]s/events" -H "Authorization: Bearer $TIDEWIRE_TOKEN" -H 'Content-Type: application/json' -d '{"channel":"news:today","data":"hello"}'
  curl -sSN "$TIDEWIRE_URL/v1/events?channel=news:today" -H "Authorization: Bearer $TIDEWIRE_TOKEN"
`, tidewire, d.tenantOfToken)
	}
	fmt.Fprintf(w, `
The management API, of which docs/api.md has the rest:

  curl -sS "$TIDEWIRE_URL/v1/tenants" -H "Authorization: Bearer $(%s token --operator --user dev)"
`, tidewire)
	if d.token != "" {
		fmt.Fprintf(w, "\nA token for all channels of %s, valid for 12 hours, if you need it elsewhere:\n\n%s\n", d.tenantOfToken, d.token)
	}
}

// ownName is how somebody in another terminal, and in another folder, calls this program: by its name where that finds
// it, else by its path. That of go run is there as long as the program runs.
func ownName() string {
	own, err := os.Executable()
	if err != nil {
		return "tidewire"
	}
	found, err := exec.LookPath("tidewire")
	if err != nil || !filepath.IsAbs(found) {
		return own
	}
	a, errA := os.Stat(own)
	b, errB := os.Stat(found)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return "tidewire"
	}
	return own
}

// quoted returns a word as a shell reads it.
func quoted(word string) string {
	plain := strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,") == ""
	if plain && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
