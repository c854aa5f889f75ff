# `make` alone prints what there is.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s

GOLANGCI_LINT = go tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/freehold: static, without cgo
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/freehold ./cmd/freehold

.PHONY: run
run: ## start a server with a demonstration estate in ./freehold-data
	go run ./cmd/freehold quickstart

.PHONY: test
test: ## run the tests that need nothing but Go; others are skipped
	go test ./...

.PHONY: test-all
test-all: interop/node_modules ## run all tests; whatever one of them lacks is a failure
	CI=true go test -count=1 ./...

.PHONY: race
race: ## run the tests under the race detector (needs a C compiler), but for those of other programs
	CGO_ENABLED=1 go test -race -gcflags=modernc.org/sqlite/lib=-race=false -timeout 40m ./api ./client ./internal/...

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s, or so many runs: 1000x)
	FUZZTIME=$(FUZZTIME) bash .ci/fuzz

.PHONY: failover
failover: ## kill the primary of a Patroni cluster under load (needs patroni, etcd-server, haproxy)
	FREEHOLD_TEST_FAILOVER=1 go test ./internal/app -count=1 -v -run '^TestFailover$$'

.PHONY: bench
bench: ## measure Freehold beside the limit programs
	go run ./internal/bench

.PHONY: lint
lint: ## run the linters; the first run builds them, which takes minutes
	$(GOLANGCI_LINT) run

.PHONY: fmt
fmt: ## format the code as the linters want it
	$(GOLANGCI_LINT) fmt

.PHONY: verify
verify: ## check what a review should not have to: format, go.mod, linters with go vet
	bash .ci/check-format
	go mod tidy -diff
	$(GOLANGCI_LINT) run

.PHONY: ci
ci: ## run all that continuous integration runs
	bash .ci/run

.PHONY: generate
generate: ## write the Go code of the pages' .templ files
	go tool -modfile=tools/go.mod templ generate -path internal/console

.PHONY: css
css: internal/console/assets/src/node_modules ## build the style of the pages (needs Node.js)
	bash internal/console/assets/src/build.sh

internal/console/assets/src/node_modules: internal/console/assets/src/package-lock.json
	npm install --no-save --prefix internal/console/assets/src --fetch-timeout=60000 --no-audit --no-fund
	@touch $@

interop/node_modules: interop/package-lock.json
	npm ci --prefix interop --fetch-timeout=60000
	@touch $@
