# make demo: see it work.  make test: all tests.  make check: format, lint, types, layers.  make bench: speed.
# Each target sets up what it needs by itself (.venv, pinned packages; system packages through apt when root).
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo
# The real pictures and weights, where they lie beside the project; nothing depends on them.
SHARED := $(abspath ../shared)
ifneq ($(wildcard $(SHARED)/weights),)
  ANMOK_WEIGHTS ?= $(SHARED)/weights
endif
ifneq ($(wildcard $(SHARED)/data),)
  ANMOK_DATA ?= $(SHARED)/data
endif

.PHONY: help demo test check bench results format messages setup setup-dev clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup:
	@VENV=$(VENV) scripts/setup run

setup-dev:
	@VENV=$(VENV) scripts/setup dev

demo: setup  ## the whole way on the built-in sample: OUT=folder, DEMO_ARGS="--lang ko"
	@$(if $(ANMOK_WEIGHTS),ANMOK_WEIGHTS=$(ANMOK_WEIGHTS)) $(BIN)/anmok demo --out $(OUT) $(DEMO_ARGS)

# Each file goes to one process, so that what its tests share is made once.
PROCESSES ?= --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: setup-dev  ## all tests (about fifteen minutes on two cores); ARGS="-k name" picks
	@$(if $(ANMOK_DATA),ANMOK_DATA=$(ANMOK_DATA)) $(BIN)/python -m pytest $(PROCESSES) $(ARGS)

check: setup-dev  ## format, lint, types, layers, translations, generated documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/messages --check
	@echo "all checks passed"

format: setup-dev  ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

messages: setup-dev  ## collect the texts for translation and compile the catalogues
	@$(BIN)/python scripts/messages

bench: setup-dev  ## speed, as ratios measured in one run
	@for file in $(filter-out benchmarks/reference.py,$(wildcard benchmarks/[a-z]*.py)); do echo "== $$file"; \
	  ANMOK_WEIGHTS=$(ANMOK_WEIGHTS) ANMOK_DATA=$(ANMOK_DATA) $(BIN)/python $$file || exit 1; done

results: setup-dev  ## every recipe on the real pictures, into docs/results-training.md (hours); ARGS="--only NAME,..."
	@ANMOK_WEIGHTS=$(ANMOK_WEIGHTS) ANMOK_DATA=$(ANMOK_DATA) $(BIN)/python benchmarks/reference.py $(ARGS)

clean:  ## remove the virtual environment and what tools leave behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
