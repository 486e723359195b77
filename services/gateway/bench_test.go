package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tidewire/tidewire/services/cloudrun/cloudruntest"
)

// BenchmarkStart is the time from exec to the first client that is welcomed, of the binary that is in the image.
func BenchmarkStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "gateway")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	documents, token := file(b), token(b)
	for b.Loop() {
		p := cloudruntest.StartBinary(b, binary, "TIDEWIRE_BACKEND=memory", "TIDEWIRE_TENANTS="+documents)
		ws := dial(b, p.URL, token)
		if _, _, err := ws.ReadMessage(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = ws.Close()
		p.Terminate()
		if err := p.Wait(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}
