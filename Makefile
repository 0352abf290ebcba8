# Everything a person or CI runs. `make help` lists it. Needs python3 (3.11 or newer) and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SAMPLE := sample-repo

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check lint types bench mutants cases docs site lab-up lab-down clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

# The environment, made again when pyproject.toml changes.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "dockerfix needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments." \
			"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "making $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## merge three Dockerfiles of the sample repository, in a copy of it
	@set -e; place=$$(mktemp -d); trap 'rm -rf "$$place"' EXIT; \
	cp -R $(SAMPLE) "$$place/sample"; cp docs/sample/jobs.json "$$place"; \
	PATH="$$(cd $(BIN) && pwd):$$PATH"; cd "$$place/sample"; \
	echo 'What merging its Dockerfiles saves in the pipeline of sample-repo, by the times of an'; \
	echo 'example on three runners; in a pipeline of yours, by the times of your own jobs:'; echo; \
	echo '$$ dockerfix estimate --only merge-rust --jobs jobs.json --runners 3 --format bars'; \
	dockerfix estimate --only merge-rust --jobs ../jobs.json --runners 3 --format bars; echo; \
	echo '$$ dockerfix merge-rust controlplane/ > merge.patch'; \
	dockerfix merge-rust controlplane/ > ../merge.patch; echo; \
	echo '$$ git apply merge.patch; cat controlplane/Dockerfile.all'; \
	git apply ../merge.patch; cat controlplane/Dockerfile.all; echo; \
	echo '$$ dockerfix merge-rust controlplane/'; \
	dockerfix merge-rust controlplane/

test: $(READY) lint types ## everything, with the tests that need a build engine (see tests/lab)
	@$(BIN)/pytest -n auto --dist loadscope --instafail --cov --cov-report=term

test-fast: $(READY) ## the tests that need no build engine
	@$(BIN)/pytest -q -n auto -m 'not engine'

check: lint types test-fast ## before a commit: style, types, layers, fast tests

lint: $(READY) ## style and layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }
	@$(BIN)/lint-imports --no-logo

types: $(READY) ## types
	@$(BIN)/mypy

# Compiled first, as an installed package is: some environments keep Python from doing it.
bench: $(READY) ## measure speed and memory, and print the tables
	@$(BIN)/python -m compileall -q dockerfix transforms
	@$(BIN)/python -m benchmarks

mutants: $(READY) ## damage good repositories a little, 5,000 times, and look for bugs
	@$(BIN)/python tests/mutants

cases: $(READY) ## write what comes of each case file into it; review the change as a diff
	@$(BIN)/pytest -q tests/transforms/cases --regenerate-cases
	@git --no-pager diff --stat -- tests/transforms/cases

docs: $(READY) ## write the generated pages of the manual; review the change as a diff
	@$(BIN)/python docs/generate.py
	@git --no-pager diff --stat -- docs

site: $(READY) ## build the manual as a site, into dist/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --config-file docs/site/mkdocs.yml

lab-up: ## start the build engine of the tests and leave it running
	@$(PYTHON) tests/lab up

lab-down: ## stop it
	@$(PYTHON) tests/lab down

clean: ## delete what was made here; the lab's downloads too
	@if [ -e .lab ]; then $(PYTHON) tests/lab clean; fi
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		.coverage htmlcov dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
