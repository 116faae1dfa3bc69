# The two that matter: `make run` (the whole platform on an embedded AWS) and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ENV ?= dev
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	  while IFS='|' read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

# --- the environment -------------------------------------------------------------------------------

# uv itself comes by pip, from the same lock and checked against the same hashes as all the rest.
$(READY): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: Python 3.11 or newer is needed; '$(PYTHON)' is not. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "make: $(PYTHON) cannot make virtual environments; install its venv package (python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv with the packages of requirements-dev.lock (once, about half a minute) ..."
	@$(PYTHON) -m venv .venv
	@awk '/^[a-z]/ { uv = /^uv==/ } uv' requirements-dev.lock > .venv/uv.lock
	@PIP_USER=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.lock
	@touch $@
	@echo "The environment is ready."

.PHONY: setup
setup: $(READY) ## make the environment (every other target does it by itself)

.PHONY: lock
lock: $(READY) ## resolve requirements*.in into the three locks anew
	$(BIN)/uv pip compile $(LOCK_OPTIONS) requirements-dev.in -o requirements-dev.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) -c requirements-dev.lock requirements.in -o requirements.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) -c requirements-dev.lock requirements-image.in -o requirements-image.lock
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade

# --- run and look ----------------------------------------------------------------------------------

# What somebody names reaches the shell by the environment, into which make puts it: no quote in it ends anything.

.PHONY: run
run: $(READY) ## start everything on an embedded AWS and follow the log until Ctrl-C
	@exec $(BIN)/python -m local $(if $(PORT),--port "$$PORT") $(if $(HTTP_PORT),--http-port "$$HTTP_PORT") \
	  $(if $(GRPC_PORT),--grpc-port "$$GRPC_PORT") $(if $(DISCORD_PORT),--discord-port "$$DISCORD_PORT")

.PHONY: invoke
invoke: $(READY) ## call what `make run` started: EVENT=events/status.json or ACTION=status USER=...
	@$(BIN)/python -m local.invoke $(if $(PORT),--port "$$PORT") $(if $(EVENT),--event "$$EVENT") \
	  $(if $(ACTION),--action "$$ACTION") $(if $(filter command,$(origin USER)),--user "$$USER")

.PHONY: discord-commands
discord-commands: $(READY) ## tell Discord which commands there are: USER=<an administrator> FUNCTION=...
	@test '$(origin USER)' = 'command line' || { echo "make discord-commands: USER is an administrator's id" >&2; exit 1; }
	@$(BIN)/aws lambda invoke --function-name "$$FUNCTION" \
	  --payload "{\"action\": \"admin-register-commands\", \"userId\": \"$$USER\"}" /dev/stdout
FUNCTION ?= foundry-vtt-instance-management:live
export FUNCTION

# --- tests and checks ------------------------------------------------------------------------------

.PHONY: test
test: $(READY) ## all tests, with the long proofs at a small size
	@echo "Running the tests of what is done ..."
	@$(PYTEST) $(STORIES:%=--ignore %) --cov --cov-report=
	@echo "They reach $$($(BIN)/coverage report --format=total) % of the lines and branches of actions and services" \
	  "(what they miss: $(BIN)/coverage report)."
	@echo "Running the tests of whole stories ..."
	@$(PYTEST) $(STORIES)

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
# Tests that play many stories, or start processes of their own. What they reach is not measured: under Python 3.11
# that makes them take three quarters longer, and copies of a process keep no record.
STORIES := $(wildcard $(addprefix tests/,container embedded end_to_end faults file_task model))

.PHONY: quick
# To compile the tests takes as long as to run many of them: what was compiled is kept, whatever the environment says.
quick: export PYTHONDONTWRITEBYTECODE :=
quick: $(READY) ## the fast tests, for while you work: nothing embedded, none of the proofs
	@$(PYTEST) -p tests.fast_tier -m 'not slow and not prove' $(STORIES:%=--ignore %) --ignore tests/http --ignore tests/consistency

.PHONY: check
check: $(READY) ## lint, format, types, template, and what must agree with what
	@echo "Checking style ..."
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@echo "Checking types ..."
	@$(BIN)/mypy
	@echo "Checking the template ..."
	@$(SAM) validate --lint
	@echo "Checking what must agree ..."
	@$(BIN)/python -m pytest tests/consistency tests/contract

.PHONY: audit
audit: $(READY) ## known holes in the dependencies (AUDIT='--ignore-vuln ID'); skipped where none can be looked up
	@$(BIN)/pip-audit --vulnerability-service osv --disable-pip --progress-spinner off $(AUDIT) \
	  $(foreach lock,$(wildcard requirements*.lock),--requirement $(lock)) 2> .venv/audit.log && cat .venv/audit.log || \
	  if grep -qE '(Connection|Proxy|SSL|HTTP)Error|Timeout' .venv/audit.log; \
	  then echo "make audit: skipped; api.osv.dev, which lists known holes, cannot be reached."; \
	  else cat .venv/audit.log >&2; exit 1; fi

.PHONY: screenshots
screenshots: $(READY) ## take the pictures in docs/screenshots anew, from the pages of `make run` in Chromium
	@SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/end_to_end/test_pages_in_a_browser.py \
	  tests/end_to_end/test_an_evening_in_discord.py tests/end_to_end/test_imports_in_a_browser.py

.PHONY: docs
docs: $(READY) ## write docs/actions.md, and the sums in docs/costs.md, anew
	@$(BIN)/python -m docs.generate

.PHONY: prove
prove: $(READY) ## the long proofs at full size; writes docs/proof.md
	@echo "Running the proofs; about half an hour on two free cores ..."
	@$(BIN)/python -m pytest -m prove -n 2 --dist worksteal -vv

.PHONY: bench
bench: $(READY) ## medians and ratios: cold start, HTTP, AWS calls, ticks, overview, saves (FILES_MB=50)
	@$(BIN)/python -m bench

.PHONY: mutate
mutate: $(READY) ## the share of small mistakes that the tests notice: MUTANTS=100 SEED=1
	@MUTANTS='$(MUTANTS)' SEED='$(SEED)' $(BIN)/python -m bench.mutants
MUTANTS := 100
SEED := 1

.PHONY: proto
proto: $(READY) ## make the modules of gRPC anew from handler/rpc/lambda_action.proto
	@$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. --grpc_python_out=. handler/rpc/lambda_action.proto

# --- build and deploy ------------------------------------------------------------------------------

# SAM phones home and looks for newer versions unless told not to.
SAM := SAM_CLI_TELEMETRY=0 $(BIN)/sam

.PHONY: build
build: $(READY) ## the deployable function (BUILD_FOR=local: for this machine's Python)
	@$(SAM) build

.PHONY: deploy
deploy: build ## deploy to AWS: ENV=dev or ENV=prod
	@case '$(ENV)' in dev|prod) ;; *) echo "make deploy: ENV is dev or prod, not '$(ENV)'" >&2; exit 1;; esac
	@$(SAM) deploy --config-env $(ENV)

# Called by `sam build`. Wheels for the function's own platform, so neither Docker nor that Python is
# needed; the embedded run executes the function with this machine's Python instead.
ifeq ($(BUILD_FOR),local)
PLATFORM := --python $(BIN)/python
else
PLATFORM := --python-platform aarch64-manylinux2014 --python-version 3.13
endif
# botocore describes 400 services, 25 MB of them; those that no client("...") in services/ names are left out.
CALLED := grep -oE 'client\("[a-z0-9-]+"' | cut -d'"' -f2 | sort -u | paste -sd '|' -
# What packages bring along for compiling; cryptography itself needs no more of cffi than one library beside it.
TO_COMPILE := cffi pycparser
.PHONY: build-Function
build-Function:
	@mkdir -p "$(ARTIFACTS_DIR)"
	@tar -c --exclude='__pycache__' --exclude=handler/rpc handler actions services events | tar -x -C "$(ARTIFACTS_DIR)"
	@$(BIN)/uv pip install --quiet --require-hashes --only-binary :all: --link-mode copy $(PLATFORM) \
	  --target "$(ARTIFACTS_DIR)" -r requirements.lock
	@cd "$(ARTIFACTS_DIR)" && rm -rf bin .lock && find . -name tests -type d -prune -exec rm -rf {} +
	@cd "$(ARTIFACTS_DIR)" && rm -rf $(TO_COMPILE) && find . '(' -name '*.pyi' -o -name '*.c' -o -name '*.h' -o -name RECORD ')' -delete
	@cd "$(ARTIFACTS_DIR)" && called="$$(find services -name '*.py' -exec cat {} + | tr -d ' \n' | $(CALLED))" && \
	  ls -d botocore/data/*/ | grep -vE "/($$called)/$$" | xargs rm -rf
	@cd "$(ARTIFACTS_DIR)" && echo "The function unzipped: $$(du -sm --apparent-size . | cut -f1) MB," \
	  "$$(du -sm --apparent-size --exclude=boto3 --exclude=botocore --exclude=s3transfer --exclude=jmespath . | cut -f1) MB without boto3."

.PHONY: clean
clean: ## remove the environment and what was built
	rm -rf .venv .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .bench .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
