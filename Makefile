# Two commands matter: `make demo` and `make test`. Both set up what they need; a second run takes seconds.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check lint types contracts format bench lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.ready ## set everything up and watch one real cycle of the metrics pipeline
	@$(BIN)/penstock demo

test: $(VENV)/.ready-dev ## set everything up and run the checks and the tests
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -n auto -m "not slow"

test-all: $(VENV)/.ready-dev ## the same, with the slow tests: crashes by the hundred, long properties
	@# The checks keep one core busy for a minute, in which the first tests wait for Terraform.
	@$(MAKE) --no-print-directory check & checks=$$!; \
	$(BIN)/python -m pytest -q -n 5 --dist loadgroup --durations 12; tests=$$?; \
	wait $$checks && exit $$tests

check: lint types contracts

lint: $(VENV)/.ready-dev
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench

types: $(VENV)/.ready-dev
	$(BIN)/mypy

contracts: $(VENV)/.ready-dev
	$(BIN)/lint-imports

format: $(VENV)/.ready-dev ## format the code
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

bench: $(VENV)/.ready-dev ## measure, side by side with peers (installs them into a second environment)
	$(BIN)/python -m bench

lock: $(VENV)/.ready-dev ## resolve the dependencies anew
	$(PIP) install uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml requirements-build.in -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra dev \
	  -c requirements.lock pyproject.toml requirements-build.in -o requirements-dev.lock

clean: ## remove what was set up; homes (.penstock) stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Penstock needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 3; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "setting up $(VENV) (once)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@echo "adding what the tests need (once)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
