# `make synth` and `make test` set up everything they need.

CONFIG ?= tinystack.yaml
OUT    ?= cdk.out

CDK         := node_modules/.bin/cdk
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The compiler collects its garbage a quarter as often: a tenth less time for the
# CDK's bindings, and 1.1 GB instead of 1 GB for the largest of them.
GO          := GOGC=400 go
GOTEST      := $(GO) test -ldflags='-s -w'

# The CDK command line tool asks the network for nothing, and tells it nothing.
export CDK_DISABLE_CLI_TELEMETRY := true
export CDK_DISABLE_VERSION_CHECK := 1

# The CDK runs on Node 22 or later. Where the machine's own is older, everything
# here runs on the one that node/package.json pins for its system; nothing is
# downloaded otherwise. It is a package with a binary and no install script.
PINNED_NODE := $(shell node -p 'const {platform, arch, versions} = process; parseInt(versions.node) >= 22 ? "" : \
	[platform + arch === "darwinarm64" ? "node-bin" : "node", platform === "win32" ? "win" : platform, arch].join("-")' 2>/dev/null)
ifneq ($(PINNED_NODE),)
NODE := node/node_modules/.package-lock.json
export PATH := $(CURDIR)/node/node_modules/$(PINNED_NODE)/bin:$(PATH)
endif

.PHONY: fields changes synth out report preflight build ready .bin/app .bin/tinystack cost prices test strict lint create-only fuzz bench clean

# What a synthesis is compared with, so that nothing that holds data is lost.
AGAINST ?= $(if $(wildcard $(OUT)/manifest.json),$(OUT))

## Synthesize CONFIG into OUT. OUT changes only when all of it succeeded.
synth: out ready
	@rm -rf '$(OUT).partial'
	@TINYSTACK_CONFIG='$(CONFIG)' TINYSTACK_AGAINST='$(AGAINST)' $(CDK) synth --ci --app .bin/app --build '' --quiet --output '$(OUT).partial' >/dev/null \
		|| { rm -rf '$(OUT).partial'; exit 1; }
	@rm -rf '$(OUT)' && mv '$(OUT).partial' '$(OUT)'
	@.bin/tinystack summary '$(OUT)' --file '$(CONFIG)'
	@echo "make report CONFIG='$(CONFIG)' OUT='$(OUT)' writes a page about it: the pipeline, each stage, costs and findings"

# What is overwritten has to be a cloud assembly, which has a file cdk.out, or empty.
out:
	@for folder in '$(OUT)' '$(OUT).partial'; do \
		if [ -e "$$folder" ] && [ ! -e "$$folder/cdk.out" ] && { [ ! -d "$$folder" ] || [ -n "$$(ls -A "$$folder")" ]; }; then \
			echo "OUT: $$folder is not a cloud assembly, and would be deleted: name another folder, or delete it yourself" >&2; exit 1; \
		fi; \
	done

## Say what AWS would reject, starve, surprise with or overcharge for.
preflight: .bin/tinystack
	@.bin/tinystack preflight --file '$(CONFIG)'

## Build the app and the command. Go relinks them only when sources changed.
build: .bin/app .bin/tinystack

.bin/app:
	@$(GO) build -ldflags='-s -w' -o $@ .

.bin/tinystack:
	@$(GO) build -ldflags='-s -w' -o $@ ./cmd/tinystack

# On a fresh clone nearly all the time goes into compiling the CDK's bindings;
# what npm fetches, and the command, which has none of them, come beside it.
ready:
	@$(MAKE) --no-print-directory -j4 $(CDK) $(NODE) build

## What a month of CONFIG costs; ARGS as in ARGS='--load prod=heavy'.
cost: .bin/tinystack
	@.bin/tinystack cost --file '$(CONFIG)' $(ARGS)

## Synthesize CONFIG, and write REPORT: a page about all of it, to open in a browser.
REPORT ?= report.html
report: synth
	@.bin/tinystack report '$(OUT)' --file '$(CONFIG)' --output '$(REPORT)'

# What the page is tried with: the default, waves with replicas in other regions, a
# cached REST API, a VPC that is there, and one with everything.
PAGES       := tinystack.yaml $(addprefix app/testdata/,regions.yaml unusual.yaml existing.yaml everything.yaml)
BROWSER     := report/browser/node_modules/.package-lock.json
SCREENSHOTS ?= .bin/screenshots

## Open pages of several declarations in a headless Chromium: rendering, console,
## requests, phone width, keyboard, contrast, print. SCREENSHOTS gets pictures of them.
report-test: ready $(BROWSER)
	@rm -rf .bin/pages && mkdir -p .bin/pages
	@for file in $(PAGES); do \
		out=".bin/pages/$$(basename "$$file" .yaml)"; \
		$(MAKE) --no-print-directory synth CONFIG="$$file" OUT="$$out.out" >/dev/null && .bin/tinystack report "$$out.out" --file "$$file" --output "$$out.html" || exit 1; \
	done
	@.bin/tinystack report .bin/pages/tinystack.out --against .bin/pages/everything.out --output .bin/pages/against.html
	@TINYSTACK_PAGES='$(CURDIR)/.bin/pages' $(GOTEST) -count=1 ./report -run TestNothingThatIsDeclaredBecomesMarkup
	@cd report/browser && node check.mjs $(addprefix ../../.bin/pages/,$(notdir $(PAGES:.yaml=.html)) against.html payloads.html) --screenshots '$(abspath $(SCREENSHOTS))'

$(BROWSER): report/browser/package.json report/browser/package-lock.json
	@cd report/browser && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

## Regenerate the tables of instances and their prices, and list those of the others
## that nobody has looked at for 180 days.
prices: .bin/tinystack
	cd internal/instances && go generate
	@.bin/tinystack cost --old-prices

# The packages that take longest come first, so that none of them is alone at
# the end while the other cores rest.
test: $(CDK) $(NODE)
	$(GOTEST) ./stacks ./constructs/delivery ./app ./...

## What takes longest: AWS's own validation of every kind of template, offline; what
## a synthesis asks of the CDK; and all changes, edits and fixtures, of which
## `make test` tries some.
strict: $(CDK) $(NODE)
	$(GOTEST) -timeout 30m -tags strict -run 'Strict|FailedValidation|Example' ./app ./bench/messages ./constructs/endpoint ./examples/...
	$(GOTEST) -timeout 30m ./stacks -run 'TestChangesDoWhatFieldsSay|TestAnySequenceOfEdits' -all
	$(GOTEST) -timeout 30m ./constructs/delivery -rules

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change:" $$unformatted; exit 1; }
	go vet ./... && go vet -tags strict ./...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags strict ./app ./bench/messages ./constructs/endpoint ./internal/synthtest

## Take over what the comments in package spec say of its fields: the table of the
## command, the schema, and the pages that list fields.
fields:
	go generate ./internal/field
	go test ./docs -update >/dev/null

## Change every field alone and compare the templates with what the field says of a
## change; `make test` does that in groups.
changes: $(CDK)
	$(GOTEST) ./stacks -run TestChangesDoWhatFieldsSay -each -timeout 60m

## Take the properties that replace a resource from AWS's resource schemas.
create-only:
	cd guard/gen && npm ci --no-audit --no-fund --loglevel=error && node gen.mjs

FUZZTIME ?= 30s

## Feed the YAML loader, and the editor of declarations, for a while.
fuzz:
	go test ./spec -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	go test ./internal/yamledit -run '^$$' -fuzz FuzzEdit -fuzztime $(FUZZTIME)

## Whole-process times beside the peer's, and the command's; see bench/README.md.
bench: bench/peer/dist/app.js $(NODE)
	go run ./bench/compare
	$(GOTEST) ./bench -run '^$$' -bench . -benchtime 10x

bench/peer/dist/app.js: bench/peer/app.ts bench/peer/tsconfig.json bench/peer/package-lock.json
	@cd bench/peer && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

clean: out
	rm -rf .bin dist THIRD_PARTY_NOTICES '$(OUT)' '$(OUT).partial' node_modules node/node_modules

$(CDK): package.json package-lock.json | $(NODE)
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $(CDK)

node/node_modules/.package-lock.json: node/package.json node/package-lock.json
	@cd node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
