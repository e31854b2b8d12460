# Every target makes its own environment first: a fresh clone needs only Python 3.11 and git.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := src tests benchmarks tools

.PHONY: help demo test test-fast lint types imports format components lock docs bench clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements-dev.txt pyproject.toml tools/bootstrap.sh
	@bash tools/bootstrap.sh $(VENV)
	@touch $@

demo: $(STAMP) ## Judge the example repository, as a first-time user would
	@bash tools/demo.sh $(BIN)/basekeeper

test: lint types imports components ## Everything that can run here, with branch coverage
	@$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term

test-fast: $(STAMP) ## Unit tests, pages and migrations; no outside program, no root (under two minutes)
	@$(BIN)/pytest -n 2 -q -m "not component and not slow" tests/unit tests/docs tests/migration

lint: $(STAMP) ## Style and formatting
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: $(STAMP) ## Static types, strict
	@$(BIN)/mypy

imports: $(STAMP) ## Which layer may import which
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the sources in place
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

components: $(STAMP) ## Find or install the outside programs that the tests use
	@$(BIN)/python tools/components.py

lock: $(STAMP) ## Renew requirements-dev.txt from pyproject.toml
	@$(BIN)/python -m uv pip compile -q pyproject.toml --group dev --generate-hashes --upgrade \
		--no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements-dev.txt

docs: $(STAMP) ## Renew the reference pages that are generated from the code
	@$(BIN)/python tools/reference.py

clean: ## Remove everything that these targets made
	rm -rf $(VENV) .cache build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
