# `make` lists what can be done; every target sets up what it needs in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt lint types imports golden bench brute mutants docs clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("sagac needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

setup: $(STAMP) ## set up .venv with everything the other targets need

demo: $(STAMP) ## check, generate, run, kill and recover real sagas beside a naive runner
	@$(BIN)/python -m demo

test: $(STAMP) ## run the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) -q

check: lint types imports test ## format, lint, types, import contracts and the whole test suite

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@PYTHONPATH=compiler:runtime:grammar $(BIN)/lint-imports

fmt: $(STAMP) ## format the code and apply safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

golden: $(STAMP) ## regenerate the golden files, then read the diff
	@$(BIN)/python -m pytest -q tests --update-golden

docs: $(STAMP) ## regenerate docs/diagnostics from the catalogue of codes
	@$(BIN)/python -m sagac.compiler.codes docs/diagnostics

bench: $(STAMP) ## measure the proofs and the runtime; prints ratios, asserts nothing
	@$(BIN)/python -m bench

brute: $(STAMP) ## the long searches: every interleaving of every small plan
	@SAGAC_BRUTE=1 $(BIN)/python -m pytest -q -n $(WORKERS) tests/properties

mutants: $(STAMP) ## seed defects into every proved spec and into the checker, and say who notices
	@$(BIN)/python -m tests.mutants --workers $(WORKERS)

clean: ## remove what the targets made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo/run
