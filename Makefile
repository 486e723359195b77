# The verbs of this repository. CI runs `make test` and `make whole`.
SHELL := /bin/bash
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help picture page-figures dev emulators image bootstrap release test lint fmt js functions bench fleet soak fuzz whole go-test other-test page-test whole-go-test whole-other-test browser-test tf-check tf-apply js-test tf-audit

help: ## what can be made
	@echo 'make TARGET, where TARGET is:'
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target what; do printf '  %-10s  %s\n' "$$target" "$$what"; done

dev: ## everything in one process, with demo tenants and live data; another port: make dev PORT=9000, another address: make dev ADDR=0.0.0.0:9000, other flags: make dev ARGS=--demo=false
	@./.ci/dev $(if $(ADDR),--addr '$(ADDR)',$(if $(PORT),--addr '127.0.0.1:$(PORT)')) $(ARGS)

picture: ## the picture in README.md, of the running system
	cd verify && go test -count=1 -run 'TestDashboard/picture' ./browser -screenshots "$(CURDIR)/docs/images"

page-figures: ## what the trading page costs a browser: processor, frames, size, and memory over an hour of prices
	cd verify && go test -count=1 -v -run TestFigures ./browser -figures 15s

emulators: ## those of Pub/Sub and Firestore, for tidewire dev --backend gcp; it prints what to export
	go run ./internal/emulators/run

# What a change is tried with must not take longer than somebody waits for it. What takes long, or finds what changes seldom break, is left
# to make whole: these packages, and these tests of other packages. CI runs both.
WHOLE := ./verify/fleet ./internal/archive ./verify/newcomer ./verify/terraform/applied ./verify/browser
LONG_IN := ./verify/acceptance ./clients/go ./cmd/tidewire ./realtime/hub
LONG := TestCrowdOnOneProcess|TestMemoryIsBounded|TestOneSlowReaderAmongMany|TestHostileBesideHonest|TestNoisyNeighbour|TestSlowLineOfKeyedState|TestApplyToTheService|TestStateCommands|TestDevOnGoogle|TestSensors|TestRecordsSayWhatTheyTake
# Of the pages, these are opened all the same.
PAGES := TestUses|TestDashboard/(prices_move|no_session|failures_at_load)

# Packages are compiled with the same flags everywhere, also by the tests that build programs: once with the race detector, and once without.
# Go keeps the results of tests: what has not changed is not tried again, but in CI.
FRESH := $(if $(CI),-count=1)
TESTING = ./.ci/meanwhile go test $(FRESH) -vet=off -timeout 30m
LEFT_OUT = $(foreach p,$(WHOLE),-e $(p:.%=%)$$)

test: ## the tests that a change is tried with; installs Chromium and Node with apt-get where they are missing and it may
	./.ci/tools
	GOWORK=off go list -deps -test ./... >/dev/null
	cd verify && GOWORK=off go list -deps -test ./... >/dev/null
	go vet ./... ./verify/...
	@# Make keeps what a part prints until it ends; what goes to 3 is seen at once.
	$(MAKE) --no-print-directory --output-sync=line -j$(TEST_JOBS) go-test other-test tf-check js-test 3>&1
	$(MAKE) --no-print-directory page-test 3>&1

whole: ## what make test leaves out for its length: the fleet, all of the pages, Terraform's applies, the archive, the docs' commands, more random worlds
	./.ci/tools
	$(MAKE) --no-print-directory --output-sync=line -j$(TEST_JOBS) whole-go-test whole-other-test tf-apply 3>&1
	$(MAKE) --no-print-directory browser-test 3>&1

# The tests of the program wait for much, and leave room for the others beside them. TEST_JOBS=1 is for little memory.
TEST_JOBS ?= 3

# Those that take longest come first.
LONGEST := ./verify/acceptance ./realtime/driver/gcp/... ./realtime/gateway ./clients/go ./realtime/hub

go-test: ## the part of make test that runs in the process of the test: with the race detector
	$(TESTING) -p 3 -race -skip '^($(LONG))$$' $(LONGEST) $$(go list ./... | grep -v $(LEFT_OUT))

# The race detector would watch the clients of the tests alone: programs are built as they are deployed.
other-test: ## the part of make test that starts programs as processes or reads documents
	$(TESTING) -count=1 -p 2 $$(go list ./verify/... | grep -v $(LEFT_OUT) -e /verify/terraform -e /verify/acceptance)

page-test: ## the part of make test that opens each page in Chromium, with nothing beside it: a browser that draws without a graphics card takes all there is
	$(TESTING) -count=1 -run '$(PAGES)' ./verify/browser

tf-check: ## the HCL: Terraform plans it on a stub of the providers; plans are judged, and compared with the program
	go test -count=1 -vet=off -timeout 30m -v $$(go list ./verify/terraform/... | grep -v $(LEFT_OUT))
	cd verify/terraform/promql && GOWORK=off go test -count=1 -v ./...

whole-go-test: ## the part of make whole that runs in the process of the test: with the race detector, three times as many random worlds
	$(TESTING) -count=1 -p 2 -race -run '^($(LONG))$$' $(LONG_IN)
	TIDEWIRE_SCALE=3 $(TESTING) -count=1 -p 2 -race -run 'Property|TestKnownStatesAreTrue' ./realtime/hub ./realtime/hub/state

# These packages wait for servers rather than for a processor.
whole-other-test: ## the part of make whole that starts programs as processes or runs scripts
	$(TESTING) -count=1 -p 2 ./verify/fleet ./internal/archive ./verify/newcomer

tf-apply: ## the HCL, applied on the stub: what a change touches, the least rights, examples
	$(TESTING) -count=1 -v ./verify/terraform/applied

browser-test: ## all of the pages in Chromium, with nothing beside them
	$(TESTING) -count=1 ./verify/browser

js-test: ## the tests of the browser client, with Node alone
	./.ci/jstests

tf-audit: ## on demand, some minutes: seeded faults that tf-check has to find, the provider's schema made anew from npm and compared, and tflint
	TIDEWIRE_AUDIT=1 go test -count=1 -timeout 60m -v -run TestSeededFaults ./verify/terraform
	cd verify/terraform/schema && npm ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund && node generate.mjs --check
	cd terraform && go run github.com/terraform-linters/tflint@v0.61.0 --recursive

lint: ## golangci-lint, as .golangci.yml has it
	$(GOLANGCI) run ./... ./verify/...

fmt: ## formats the Go code
	$(GOLANGCI) fmt

js: ## the browser client from clients/js/src: tidewire.js, minified, and its source map
	./.ci/js

functions: ## the source archive of the Cloud Functions, bin/functions.zip, and its hash
	go run ./internal/archive -o bin/functions.zip

bootstrap: ## once in a project, before its first release: make bootstrap PROJECT=my-project REGION=europe-west1
	gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com --project=$(or $(PROJECT),$(error PROJECT is missing))
	terraform -chdir=terraform/bootstrap init
	terraform -chdir=terraform/bootstrap apply -var=project=$(PROJECT) -var=region=$(or $(REGION),europe-west1) $(and $(NAME),-var=name=$(NAME))

release: ## has Cloud Build test the commit, build and push it, and plan its deployment: make release PROJECT=my-project REGION=europe-west1
	./.ci/release $(or $(STEP),plan)

image: ## the container image of a service: make image SERVICE=gateway; needs buildah
	./.ci/image $(or $(SERVICE),gateway)

bench: ## Go benchmarks, then the comparison harness where it lies beside the repository
	go test -run '^$$' -bench . -benchmem ./realtime/...
	./.ci/bench

fleet: ## 400 sockets on gateways that die, come and go, on the emulators; some minutes
	TIDEWIRE_SOCKETS=400 go test -count=1 -timeout 30m -v ./verify/fleet

soak: export TIDEWIRE_SEED ?= random
soak: ## worlds that nobody has tried yet, for a million steps, all tests in random order, and what else takes minutes; TIDEWIRE_SEED=N tries them again
	go test -count=1 -race -shuffle=on -vet=off -timeout 60m -skip '^($(LONG))$$' ./realtime/... ./clients/go/...
	cd clients/js && SCENARIOS=50000 SEED=$(TIDEWIRE_SEED) node test/model.mjs
	TIDEWIRE_STEPS=1000000 go test -run 'TestResumeProperty' -timeout 60m -v ./realtime/hub
	TIDEWIRE_STEPS=1000000 TIDEWIRE_WORLDS=3000 go test -run 'TestViewsProperty' -timeout 6h -v ./realtime/hub
	TIDEWIRE_TRIALS=100000 go test -run 'TestRewindProperty' -timeout 60m -v ./realtime/hub
	TIDEWIRE_WORLDS=50 go test -run 'TestAudienceCounts|TestMoveLosesNothingUnsaid|TestConditionsProperty' -timeout 60m -v ./realtime/hub
	TIDEWIRE_SOCKETS=10000 go test -run 'TestCrowdOnOneProcess|TestMemoryIsBounded|TestOneSlowReaderAmongMany' -count=1 -v ./verify/acceptance
	TIDEWIRE_SOAK=$(or $(SOAK),1h) go test -run 'TestHostileBesideHonest|TestNoisyNeighbour' -count=1 -timeout 3h -v ./verify/acceptance
	TIDEWIRE_READERS=1000 go test -run 'TestConflatedBytesCostNoMore' -count=1 -v ./realtime/hub
	TIDEWIRE_WORLDS=100 go test -run 'TestEditorsConverge|TestUnionsAreTheDocument' -count=1 -timeout 60m -v ./verify/yjs
	TIDEWIRE_KEYS=100000 go test -run 'TestSnapshotOfManyKeysWhileTheyChange' -count=1 -v ./realtime/gateway
	TIDEWIRE_LOCKS=10000 go test -run TestLocksOfAFleet -count=1 -timeout 3h -v ./verify/fleet

fuzz: ## ten minutes over all fuzz targets
	./.ci/fuzz 600
