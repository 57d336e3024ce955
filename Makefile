# Every target sets up what it needs: virtual environments under .envs/, by tools/envs.py. Needs python3 (3.10 or newer).

PYTHON ?= python3
ENVS := $(or $(ANSIBLE_REAP_ENVS),$(CURDIR)/.envs)
DEV := $(ENVS)/dev/bin
MAKE_ENVS := $(PYTHON) tools/envs.py make --quiet
# Most tests wait for Ansible more than they work, so there are two workers a core.
JOBS ?= $(shell expr 2 '*' "$$(getconf _NPROCESSORS_ONLN)")
# Arguments for pytest, as in: make test TESTS="tests/unit -k timing"
TESTS ?=

# Where it is set, each of the thousand processes of a test run would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test matrix lint format docs build clean

help:
	@echo "make demo    see a green play fail for the right reason, then pass once repaired"
	@echo "make test    every test, on the oldest and the newest ansible-core that this machine has a Python for"
	@echo "make matrix  every test, slow ones too, on every ansible-core from 2.16 to 2.21"
	@echo "make lint    ruff, mypy --strict, import boundaries"
	@echo "make format  let ruff format and mend what it can"
	@echo "make docs    build the docs into site/"
	@echo "make build   build the wheel and the sdist into dist/"

demo:
	@$(MAKE_ENVS) newest
	@PYTHONPATH=src "$$($(PYTHON) tools/envs.py path newest)/bin/python" -m ansible_reap demo

test:
	@$(MAKE_ENVS) dev lint lint-oldest docs runner oldest newest
	$(DEV)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(TESTS)

matrix:
	@$(MAKE_ENVS) dev lint lint-oldest docs runner cores
	ANSIBLE_REAP_CORES=all $(DEV)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

lint:
	@$(MAKE_ENVS) dev
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy
	$(DEV)/mypy --strict tools
	PYTHONPATH=src $(DEV)/lint-imports

format:
	@$(MAKE_ENVS) dev
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

docs:
	@$(MAKE_ENVS) docs
	NO_MKDOCS_2_WARNING=1 $(ENVS)/docs/bin/python -m mkdocs build --strict

build:
	@$(MAKE_ENVS) dev
	$(DEV)/python -m build --no-isolation .

clean:
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
