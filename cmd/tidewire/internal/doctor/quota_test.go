package doctor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/realtime"
)

func TestDoctorAsksGcloud(t *testing.T) {
	t.Parallel()
	answer := func(value string) string {
		return `{"dimensionsInfos": [{"dimensions": {"region": "us-east1"}, "details": {"value": "1"}}, {"dimensions": {"region": "europe-west1"}, "details": {"value": "` + value + `"}}]}`
	}
	for name, c := range map[string]struct {
		cpu, memory string
		err         error
		over        bool          // a limit is exceeded
		code        realtime.Code // the quotas could not be read
		says        string
	}{
		"a larger quota":      {cpu: answer("200000"), memory: answer("429496729600"), says: "200"},
		"one for all regions": {cpu: `{"dimensionsInfos": [{"details": {"value": "18000"}, "applicableLocations": ["us-east1", "europe-west1"]}]}`, memory: answer("42949672960"), over: true, says: "quota is 18"},
		"another region":      {cpu: `{"dimensionsInfos": [{"dimensions": {"region": "us-east1"}, "details": {"value": "1"}}]}`, code: realtime.CodeUnavailable, says: "europe-west1"},
		"no answer":           {cpu: "oops", code: realtime.CodeUnavailable, says: "CpuAllocPerProjectRegion"},
		"not signed in":       {err: errors.New("exit status 1: please run gcloud auth login"), code: realtime.CodeUnavailable, says: "gcloud auth login"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &Doctor{Project: "my-project", Region: "europe-west1", Gcloud: func(_ context.Context, args ...string) ([]byte, error) {
				if args[4] != "--service=run.googleapis.com" || args[5] != "--project=my-project" {
					t.Errorf("asked %v", args)
				}
				return []byte(map[string]string{"CpuAllocPerProjectRegion": c.cpu, "MemAllocPerProjectRegion": c.memory}[args[3]]), c.err
			}}
			var out bytes.Buffer
			err := d.Run(t.Context(), &out)
			text := out.String()
			if err != nil {
				text += err.Error()
			}
			known := (*realtime.Error)(nil)
			if errors.Is(err, ErrOverLimit) != c.over || errors.As(err, &known) != (c.code != "") || known != nil && known.Code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("%v, want %q; %q not in:\n%s", err, c.code, c.says, text)
			}
		})
	}
}
