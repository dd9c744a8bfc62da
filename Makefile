# The vocabulary of the project. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= .saluhall

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check format protos lock proof clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything into .venv, exactly as locked

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("Saluhall needs Python 3.11 or newer: run make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . \
	  >$(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }
	@touch $@

demo: $(STAMP) ## Start a market hall with two shops, search it, kill a process, clean up
	@$(BIN)/python -m loadtest demo

up: $(STAMP) ## Start the same and leave it running (data in DATA=.saluhall)
	@$(BIN)/python -m loadtest demo --leave-running --data $(DATA)

down: $(STAMP) ## Stop what `make up` started
	@$(BIN)/saluhall down --data $(DATA)

test: $(STAMP) ## Run the tests that need no server of their own installed (under 8 minutes)
	@$(BIN)/python -m pytest -q -m "not slow"

check: $(STAMP) ## Format, lint, types, imports, proto contract
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/contract tests/architecture

format: $(STAMP) ## Put the code into its standard form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

protos: $(STAMP) ## Generate the code beside protos/**/*.proto
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python protos/generate.py && $(BIN)/python protos/compatibility.py

lock: $(STAMP) ## Pin every dependency with its hashes in requirements.lock
	@$(BIN)/pip-compile --quiet --extra dev --all-build-deps --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-header \
	  --output-file requirements.lock pyproject.toml

proof: $(STAMP) ## Run every test, the slow ones too
	@SALUHALL_SIMULATION_SEEDS=20000 $(BIN)/python -m pytest -q

clean: ## Remove what setup and tests left behind
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
