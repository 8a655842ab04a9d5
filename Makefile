# Everything a newcomer needs: `make clip` and `make test` set up what they use, in .venv, and for the tests
# of paid calls in .venv-litellm.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= auto
LITELLM := .venv-litellm

.DEFAULT_GOAL := help
.PHONY: help clip test lint types imports sizes unit schema golden bench train-sprite train-spotter clean

help:            ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clip: $(VENV)/.run  ## set up and build examples/hello: clips with sound, checked
	@cd examples/hello && ../../$(BIN)/rushes make

test: lint types imports sizes unit  ## set up, lint, type-check, run every test

$(VENV)/.run: pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once; a few minutes)"
	@$(PYTHON) -c 'import sys; sys.exit("Rushes needs Python 3.11 or newer; set PYTHON=" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

lint: $(VENV)/.dev  ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .

types: $(VENV)/.dev  ## mypy, strict
	@$(BIN)/mypy

imports: $(VENV)/.dev  ## the direction of imports
	@$(BIN)/lint-imports --no-logo

sizes: $(VENV)/.dev  ## the size table: lines of the longest files and functions
	@$(BIN)/python tools/sizes.py

$(LITELLM)/.done: src/rushes/paid/litellm.txt
	@echo "setting up $(LITELLM) (once; about a minute)"
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/pip install -q --disable-pip-version-check -r src/rushes/paid/litellm.txt
	@touch $@

unit: $(VENV)/.dev $(LITELLM)/.done  ## tests
	@$(BIN)/python -m pytest -n $(JOBS)

schema: $(VENV)/.dev  ## write docs/rushes.schema.json from the parser's own types
	@$(BIN)/python -m tools.write_schema

golden: $(VENV)/.dev  ## write the golden outputs again, after a stage's version was raised
	@$(BIN)/python -m tools.write_golden

bench: $(VENV)/.dev  ## run every benchmark; results in bench/results
	@for name in nothing_to_do startup overhead memory; do $(BIN)/python -m bench.bench_$$name || exit 1; done

train-sprite: $(VENV)/.dev  ## train the embedded model from nothing (hours)
	@$(BIN)/python -m training.sprite.train --all

train-spotter: $(VENV)/.dev  ## train the embedded reader from nothing (hours)
	@$(BIN)/python -m training.spotter.train --all

clean:           ## remove what builds made; environments stay
	@rm -rf examples/*/out examples/*/.rushes .mypy_cache .ruff_cache .hypothesis
