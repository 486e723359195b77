package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/tidewire/tidewire/internal/capacity"
	"github.com/tidewire/tidewire/realtime"
)

// quotas reads those of the project, with gcloud.
func (d *Doctor) quotas(ctx context.Context, into *capacity.Quota) error {
	cpu, err := d.quota(ctx, "CpuAllocPerProjectRegion") // in thousandths of a vCPU
	if err != nil {
		return err
	}
	memory, err := d.quota(ctx, "MemAllocPerProjectRegion") // in bytes
	if err != nil {
		return err
	}
	into.CPU, into.MemoryGiB = float64(cpu)/1000, float64(memory)/(1<<30)
	return nil
}

// quota is the value of one of Cloud Run's quotas in the region.
func (d *Doctor) quota(ctx context.Context, id string) (int64, error) {
	gcloud := d.Gcloud
	if gcloud == nil {
		gcloud = runGcloud
	}
	out, err := gcloud(ctx, "quotas", "info", "describe", id, "--service=run.googleapis.com", "--project="+d.Project, "--format=json")
	if err != nil {
		return 0, &realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("the quota %s of %s could not be read: %v", id, d.Project, err), Err: err}
	}
	value, err := regional(out, d.Region)
	if err != nil {
		return 0, &realtime.Error{Code: realtime.CodeUnavailable, Message: fmt.Sprintf("the quota %s of %s: %v", id, d.Project, err), Err: err}
	}
	return value, nil
}

// regional is the value for a region in an answer of the Cloud Quotas API: that of the region itself, else that of whatever is applicable there.
func regional(answer []byte, region string) (int64, error) {
	var info struct {
		Infos []struct {
			Dimensions map[string]string `json:"dimensions"`
			Details    struct {
				Value string `json:"value"`
			} `json:"details"`
			Locations []string `json:"applicableLocations"`
		} `json:"dimensionsInfos"`
	}
	if err := json.Unmarshal(answer, &info); err != nil {
		return 0, err
	}
	found := ""
	for _, i := range info.Infos {
		if i.Dimensions["region"] == region {
			found = i.Details.Value
			break
		}
		for _, location := range i.Locations {
			if location == region && len(i.Dimensions) == 0 {
				found = i.Details.Value
			}
		}
	}
	if found == "" {
		return 0, fmt.Errorf("has no value for the region %q", region)
	}
	return strconv.ParseInt(found, 10, 64)
}

// runGcloud runs a command of gcloud. Its error has what gcloud said.
func runGcloud(ctx context.Context, args ...string) ([]byte, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "gcloud", args...) //nolint:gosec // a project's name is the caller's own
	cmd.Stderr = &said
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("gcloud is not installed")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}
