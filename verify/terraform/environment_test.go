package terraform

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// reads says of each program which variables it reads, and whether one has to be set. It is what the documentation
// says, which tests beside the programs compare with what they read.
func reads() (map[string]map[string]bool, error) {
	services, err := table("../../docs/configuration.md", "gateway", "api", "dashboard")
	if err != nil {
		return nil, err
	}
	functions, err := table("../../docs/functions.md", "ingest", "janitor", "keeper", "probe", "crawler", "filter")
	if err != nil {
		return nil, err
	}
	maps.Copy(services, functions)
	return services, nil
}

func table(file string, programs ...string) (map[string]map[string]bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]bool{}
	for _, p := range programs {
		all[p] = map[string]bool{}
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || !strings.Contains(cells[0], "`") {
			continue
		}
		for _, p := range programs {
			of := strings.TrimSpace(cells[1])
			if of != "all" && !strings.Contains(", "+of+",", ", "+p+",") {
				continue
			}
			for name := range strings.SplitSeq(cells[0], ",") {
				all[p][strings.Trim(name, " `")] = strings.Trim(cells[3], " `") == "required"
			}
		}
	}
	return all, nil
}

// given by the platform, and of no concern to the HCL.
var platform = []string{"PORT", "K_SERVICE", "K_REVISION"}

// environments: what a program is given it reads, and what it needs it is given; and the resources have what modules/plan says.
func environments(d *deployed, found *problems) {
	read, err := reads()
	if err != nil {
		found.add(RuleReadme, "docs", "%v", err)
		return
	}
	for _, name := range sortedKeys(read) {
		i, ok := d.program(name)
		if !ok {
			found.add(RuleArgument, name, "there is no service or function %s", name)
			continue
		}
		has := i.Environment()
		for _, v := range sortedKeys(has) {
			if _, known := read[name][v]; !known {
				found.add(RuleArgument, i.Address, "%s is given %s, which it does not read", name, v)
			}
			planned := d.plan().Environments[name][v]
			if secret := d.plan().SecretEnvironments[name][v]; has[v].Secret != secret || has[v].Value != planned {
				found.add(RuleValue, i.Address, "%s has %s=%q, and modules/plan says %q", name, v, has[v].Value+has[v].Secret, planned+secret)
			}
		}
		for _, v := range sortedKeys(read[name]) {
			if _, given := has[v]; read[name][v] && !given {
				found.add(RuleArgument, i.Address, "%s needs %s, and is not given it", name, v)
			}
		}
		for _, v := range platform {
			if _, given := has[v]; given {
				found.add(RuleArgument, i.Address, "%s is given %s, which is the platform's to set", name, v)
			}
		}
	}
}

// Both tables are read: a change of their form must not make the contract say nothing.
func TestReads(t *testing.T) {
	t.Parallel()
	read, err := reads()
	if err != nil {
		t.Fatal(err)
	}
	for program, needed := range map[string]string{"gateway": "TIDEWIRE_BACKEND", "api": "TIDEWIRE_OPERATORS", "dashboard": "TIDEWIRE_GATEWAY", "ingest": "TIDEWIRE_BACKEND", "janitor": "TIDEWIRE_BACKEND", "keeper": "TIDEWIRE_BACKEND", "probe": "TIDEWIRE_BACKEND", "crawler": "TIDEWIRE_CRAWLER_HOSTS", "filter": "TIDEWIRE_FILTER_RULES"} {
		if len(read[program]) < 5 || !read[program][needed] {
			t.Errorf("%s reads %v", program, read[program])
		}
	}
}
