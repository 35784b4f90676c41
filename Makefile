# dcctl: `make run` sets everything up and assesses this machine; `make check` sets everything up and tests.
# Needs python3 (3.11 or newer), pip and make. Everything else is installed into .venv, or, as root, from Debian.
.DEFAULT_GOAL := help
.PHONY: help run check check-live test bench lint format man completions catalogue debian clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Each worker takes a file at a time, in the order of the tree: what runs long comes first, short units last.
# A worker that dies ends the run with the name of its test.
SPREAD := -n $(shell expr $$(nproc) + 1) --maxprocesses 8 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder
# Two at a time: what waits for a network, a disk or a server leaves a core to the other.
PAIR   := $(MAKE) --no-print-directory --jobs 2
# Modules that are compiled once stay so, whatever the machine prefers.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# A venv without pip works where python3-venv is missing; the system's pip fills it (`pip --python`, pip 22.3+).
$(BIN)/python:
	@echo "dcctl: making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "dcctl: installing dcctl and the libraries it uses (a minute on a fresh machine)"
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check \
	  --root-user-action=ignore -c constraints.txt -e .
	@touch $@

$(VENV)/.check: $(VENV)/.run
	@echo "dcctl: installing what the tests and checks need"
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check \
	  --root-user-action=ignore -c constraints.txt -e '.[exact,test,lint]'
	@touch $@

# A server of S3 for the tests, in a place of its own: its libraries and those of Kubernetes exclude each other.
$(VENV)/moto/.installed: | $(BIN)/python
	@echo "dcctl: installing a server of S3 for the tests"
	@$(PYTHON) -m venv --without-pip $(VENV)/moto
	@$(PYTHON) -m pip --python $(VENV)/moto/bin/python install --quiet --disable-pip-version-check \
	  --root-user-action=ignore 'moto[s3,server]==5.2.5'
	@touch $@

# Exit codes 1 (findings) and 3 (something gave no answer) are answers, not failures of `make run`.
run: $(VENV)/.run ## Set up and assess this machine.
	@$(BIN)/dcctl assess || { code=$$?; case $$code in 1|3) ;; *) exit $$code ;; esac; }

check: ## Set up, lint and test (no GPU, no cluster needed).
	@$(PAIR) $(VENV)/.check debian $(VENV)/moto/.installed
	@$(PAIR) test lint

test: $(VENV)/.check $(VENV)/moto/.installed
	$(PYTEST) -m "not controlplane" $(SPREAD)

check-live: $(VENV)/.check debian ## Test against a real Kubernetes control plane (built on first use), and at length.
	EXAMPLES=thorough $(PYTEST) -m "hypothesis and not controlplane" $(SPREAD) tests/unit
	$(PYTEST) -m controlplane --timeout=1800 tests/controlplane

bench: $(VENV)/.check debian ## Measure speed and memory; prints ratios.
	@for file in tests/bench/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

lint: $(VENV)/.check ## Style, types, import rules.
	$(BIN)/ruff format --check dcctl tests
	$(BIN)/ruff check dcctl tests
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.check ## Format the code.
	$(BIN)/ruff check --fix-only dcctl tests
	$(BIN)/ruff format dcctl tests

man: $(VENV)/.run ## Make the manual pages again.
	$(BIN)/dcctl man --directory man

catalogue: $(VENV)/.check ## Make again what follows from the checks of audit: their page, their words, the manual.
	DCCTL_RECORD=1 $(PYTEST) -q tests/docs/test_audit_checks.py tests/unit/audit/test_says.py
	$(BIN)/dcctl man --directory man

completions: $(VENV)/.run ## Make the shell completions again.
	$(BIN)/dcctl completion --directory completions

# The real components that tests start: installed as root, named otherwise (their tests then skip and say why).
debian:
	@sh tests/debian.sh

clean: ## Remove what was built here.
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
