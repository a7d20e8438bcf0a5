# make test   every test of every module, with the race detector, none skipped
# make quick  the tests that need no server, in under two minutes
# make times  show where the time of the last make test went
# make lint   format, vet, staticcheck, tidy go.mod files, builds for other systems, mutants that fit the code
# make tidy   write the go.mod and go.sum files as lint wants them
# make vuln   look for known vulnerabilities that the code reaches
# make api    compare the exported API with that of the last tag
# make rehearsal  publish the last commit to a proxy on the disk, and run what the pages tell a newcomer to run
# make fuzz   every fuzz target for FUZZTIME each
# make bench  measure beside other libraries, write docs/performance.md and its charts
# make scale  measure stores with a million sessions, write that section of docs/scale.md
# make model  search all executions of the commit protocol within longer bounds
# make fleet  simulate a large installation, write the tables of docs/fleet.md
# make mutants  leave out the rules, one at a time, and show which test notices
#
# Nothing but Go, make, bash and a C compiler is needed: "make test" installs what
# else there is to have, with .ci/install. The linters are pinned here and run with
# "go run", so that they stay out of go.mod and of every user's build.

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0
APIDIFF     := golang.org/x/exp/cmd/apidiff@v0.0.0-20261014143641-f0251eb4aa3e
FUZZTIME    ?= 1m

# The root module and the nested ones, which keep test-only libraries out of it.
MODULES := $(sort $(patsubst %/,%,$(dir $(shell find . -name go.mod -not -path '*/testdata/*'))))

SHELL := bash
STRICT := set -euo pipefail

.DEFAULT_GOAL := test
.PHONY: test test-together test-alone quick times install lint gofumpt portable tidy tidy-check rehearsal vuln api fuzz bench scale model fleet mutants mutants-check $(addprefix test-,$(MODULES)) $(addprefix lint-,$(MODULES)) $(addprefix fuzz-,$(MODULES))

test: test-together test-alone
lint: gofumpt portable tidy-check mutants-check $(addprefix lint-,$(MODULES))
fuzz: $(addprefix fuzz-,$(MODULES))

install:
	@.ci/install

# A test that lacks what it needs may skip on a developer's machine, but not
# here: HOLDFAST_TEST_NOSKIP tells it to fail, and the log is searched for those
# that do not ask. What hangs is ended after an hour: a slow machine may take longer
# than the ten minutes that go test gives a package. All is compiled before the first
# test runs: a compiler beside them takes the processors that tests of timeouts need.
# So do other packages' tests, of which verify/itest has none at the same time. The
# other modules are tested together, because much of the time of one test is waiting.
# The output is kept in .ci/log for make times.
TEST = $(STRICT); mkdir -p .ci/log; log=.ci/log/$(3).log; \
	(go list -race -test -deps -export -f '{{""}}' $(1) >/dev/null && \
		go test -race -v -timeout 1h $(2) $(1) 2>&1) | tee "$$log" | \
		grep -vE '^(=== (RUN|PAUSE|CONT|NAME) |PASS$$)|^ *--- PASS: '; \
	if grep -qE '^ *--- SKIP: ' "$$log"; then \
		echo "test: skipped, see above" >&2; exit 1; \
	fi

ALONE := ./verify/itest
test-together test-alone $(addprefix test-,$(MODULES)): export HOLDFAST_TEST_NOSKIP := 1
test-together: install
	@echo "== test all modules but $(ALONE)"; $(call TEST,$(patsubst %,%/...,$(filter-out $(ALONE),$(MODULES))),,together)
test-alone: install
	@echo "== test $(ALONE)"; $(call TEST,$(ALONE)/...,-p 1,alone)
$(addprefix test-,$(MODULES)): test-%: install
	@echo "== test $*"; $(call TEST,$*/...,$(if $(filter $*,$(ALONE)),-p 1),$(subst /,-,$(patsubst ./%,%,$(patsubst .,root,$*))))

# Of the root module, without the race detector, and without the models.
quick:
	@$(STRICT); go vet ./...; \
	go test -short $$(go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | \
		grep -v -e internal/testserver -e verify/protocol | cut -d' ' -f1)

times:
	@go run ./verify/times .ci/log/together.log .ci/log/alone.log

gofumpt:
	@$(STRICT); echo "== gofumpt"; \
	files=$$(go run $(GOFUMPT) -l .); \
	if [ -n "$$files" ]; then \
		printf 'not in the format of gofumpt:\n%s\n' "$$files" >&2; exit 1; \
	fi

# The programs and the packages that they need: where an int has 32 bits, and other
# systems than Linux.
portable:
	@$(STRICT); for system in linux/386 windows/amd64 darwin/arm64; do \
		echo "== build $$system"; \
		CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} go build ./... ./cmd/holdfast ./examples/login; \
	done

$(addprefix lint-,$(MODULES)): lint-%:
	@$(STRICT); echo "== lint $*"; cd "$*"; \
	go vet ./...; \
	go run $(STATICCHECK) ./...

# Of the root module and the command, which is what users build. That its database cannot be
# reached says nothing about the code.
vuln:
	@$(STRICT); echo "== vuln"; \
	log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	go run $(GOVULNCHECK) ./... ./cmd/holdfast >"$$log" 2>&1 && code=0 || code=1; \
	if grep -q '^govulncheck: fetching vulnerabilities: ' "$$log"; then \
		echo "vuln: the database cannot be reached: nothing was checked"; exit; \
	fi; \
	cat "$$log"; exit $$code

# The modules require each other in a version that is not published.
tidy-check:
	@echo "== tidy"; cd verify/rehearsal && go run . -tidy
tidy:
	@cd verify/rehearsal && go run . -tidy -w

rehearsal:
	@echo "== rehearsal"; cd verify/rehearsal && go run .

api:
	@echo "== api"; .ci/api $(APIDIFF)

# Minimizing is bounded: by default one large input can take up a whole minute.
$(addprefix fuzz-,$(MODULES)): fuzz-%:
	@$(STRICT); cd "$*"; go test -list '^Fuzz' ./... | \
		awk '/^Fuzz/ { name[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, name[i]; n = 0 }' | \
	while read -r package name; do \
		echo "== fuzz $$package $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1000x "$$package" </dev/null; \
	done

# ARGS=-long takes more and longer rounds.
bench: install
	@cd bench && go run . $(ARGS)

# ARGS="-sessions 100000 -cluster 100000 -out /tmp" takes fewer sessions.
scale: install
	@cd bench && go run ./scale $(ARGS)

# One search at a time, for the memory.
model: install
	HOLDFAST_TEST_NOSKIP=1 go test -v -timeout 3h -parallel 1 -run TestProtocol ./verify/protocol -long

fleet:
	go test -v -timeout 2h ./verify/sim/fleet -large -update

mutants:
	go run ./verify/mutants -out verify/mutants/RESULTS.md
	go run ./verify/mutants -claims docs/security.md
	go run ./verify/mutants -claims SECURITY.md

mutants-check:
	@echo "== mutants fit the code"; go run ./verify/mutants -verify
