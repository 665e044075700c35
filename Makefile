# hiermix. `make demo` sets everything up and fits the first example; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint types layers unit docs bench clean

BIN := .venv/bin
SPEC ?= specs/sleepstudy.yaml

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

setup:  ## make .venv with hiermix in it
	@scripts/setup-env

setup-dev:  ## the same, with the tools that the tests need
	@scripts/setup-env dev

demo: setup  ## fit a shipped example and say where its report is (SPEC=specs/radon.yaml for another)
	@dir=$$($(BIN)/hiermix run $(SPEC)); code=$$?; \
	if [ -n "$$dir" ]; then echo "results: $$dir"; echo "report:  $$dir/report.html"; fi; exit $$code

test: lint types layers unit  ## everything that CI runs

lint: setup-dev  ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev  ## static types
	$(BIN)/mypy

layers: setup-dev  ## who may import whom
	$(BIN)/lint-imports

unit: setup-dev  ## all tests and doctests (ARGS='-m "not slow"' for the quick ones)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

docs: setup  ## write the generated parts of README.md again
	$(BIN)/python scripts/update_readme.py

bench: setup-dev  ## everything in docs/benchmarks.md: hours, or about one with ARGS=--quick
	$(BIN)/python tests/bench/start.py
	$(BIN)/python tests/bench/sampling.py
	$(BIN)/python tests/bench/examples.py
	$(BIN)/python tests/bench/engines.py $(ARGS)
	$(BIN)/python tests/bench/growth.py bench/growth $(ARGS)
	$(BIN)/python tests/bench/merging.py $(ARGS)
	$(BIN)/python tests/bench/parameterization.py $(ARGS)
	$(BIN)/python tests/bench/false_alarms.py $(ARGS)

clean:  ## remove the environment and all caches (runs/ stays)
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find hiermix tests scripts examples -name __pycache__ -type d -prune -exec rm -rf {} +
