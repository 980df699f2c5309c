# Two commands do everything: `make demo` runs the village, `make test` passes the tests.
# Tools are built by the Go toolchain into the user's cache folder, pinned by version; nothing is fetched but Go modules
# and, for the tests, Debian's packages (.ci/parts) and two pinned ones of npm (dashboards/grafana/testdata/schema).

GO       ?= go
CACHE    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ganlin
LINT     := $(CACHE)/bin/golangci-lint-2.15.0
TESTSUM  := $(CACHE)/bin/gotestsum-1.13.0
VULN     := $(CACHE)/bin/govulncheck-1.9.0
OAPI     := $(CACHE)/bin/oapi-codegen-2.8.2
API      := internal/httpapi/oapi-codegen.yaml internal/httpapi/openapi.yaml

# Numbers to test against, when they lie beside the checkout; tests that want them are skipped and counted otherwise.
ifneq ($(wildcard ../shared/data),)
export GANLIN_REFERENCE ?= $(abspath ../shared/data)
endif

.PHONY: demo test test-long generate lint bench pictures vuln parts influxd

demo:
	$(GO) run ./cmd/ganlin demo

# The short form of everything, real parts included.
test: parts influxd $(TESTSUM)
	$(TESTSUM) --format pkgname-and-test-fails -- -timeout 15m ./...

# The full counts; the results belong in docs/PROMISES.md.
test-long: parts influxd $(TESTSUM)
	GANLIN_LONG=1 $(TESTSUM) --format standard-verbose -- -timeout 60m -count=1 -p 1 ./...

# What is written by a program: routes and types of the API, from its document, which has to say of every operation who may use it;
# and the JSON that Grafana loads.
generate: $(OAPI)
	$(OAPI) -o internal/httpapi/api.gen.go -config $(API)
	$(GO) test -count=1 -run TestDocument ./internal/httpapi
	$(GO) test -count=1 -run TestJSON ./dashboards/grafana -update

lint: $(LINT) $(OAPI)
	$(LINT) run ./...
	$(OAPI) -o $(CACHE)/api.gen.go -config $(API)
	diff -u internal/httpapi/api.gen.go $(CACHE)/api.gen.go
	$(GO) mod verify
	$(GO) mod tidy -diff

# Numbers for docs/BENCHMARKS.md, on an otherwise idle machine.
bench: parts influxd
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

# The pictures of the documents, taken from the running demo.
pictures: parts influxd
	GANLIN_PICTURES=$(CURDIR)/docs/pictures $(GO) test -count=1 -run TestPictures$$ ./internal/app

# Needs the vulnerability database on the network, so it is no part of the tests.
vuln: $(VULN)
	$(VULN) ./...

# A real broker, real clients and a real browser: installed where that can be done, else said.
parts:
	@.ci/parts

# The real InfluxDB that the tests share: found on PATH or built once.
influxd:
	$(GO) test -v -count=1 -timeout 20m -run TestInfluxd ./internal/influx/influxtest

$(LINT):
	$(call tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0)
$(TESTSUM):
	$(call tool,gotest.tools/gotestsum@v1.13.0)
$(OAPI):
	$(call tool,github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2)
$(VULN):
	$(call tool,golang.org/x/vuln/cmd/govulncheck@v1.9.0)

# Builds a tool under its plain name and renames it to the pinned one.
define tool
	@echo "building $(notdir $@)"
	@GOBIN=$(CACHE)/bin $(GO) install $(1)
	@mv $(CACHE)/bin/$(firstword $(subst @, ,$(notdir $(1)))) $@
endef
