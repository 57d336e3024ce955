# Every target sets up what it needs: virtual environments under .envs/, by tools/envs.py. Needs python3 (3.10 or newer).

PYTHON ?= python3
ENVS := $(or $(ANSIBLE_REAP_ENVS),$(CURDIR)/.envs)
DEV := $(ENVS)/dev/bin
MAKE_ENVS := $(PYTHON) tools/envs.py make --quiet
# Most tests wait for Ansible more than they work, so there are two workers a core.
JOBS ?= $(shell expr 2 '*' "$$(getconf _NPROCESSORS_ONLN)")
# Arguments for pytest, as in: make test TESTS="tests/unit -k timing"
TESTS ?=
# For the referee: which projects it makes, for how long, on which ansible-core (newest, all, or as in 2.16,2.22).
SEED ?= 1
MINUTES ?= 10
CORE ?= newest

# Where it is set, each of the thousand processes of a test run would compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE

comma := ,

.PHONY: help demo check test bench matrix referee reached coverage lint workflows format docs build release-check clean accept

help:
	@echo "make demo    see a green play fail for the right reason, then pass once repaired"
	@echo "make check DIR=PROJECT  check a project of your own; ARGS=... for more arguments"
	@echo "make test    every test, most on the oldest or the newest ansible-core in turns, the weightiest on both"
	@echo "make matrix  every test, slow ones too, on every ansible-core from 2.16 to 2.22"
	@echo "make bench   what check, the hook, the rules and the callback cost: benchmarks/RESULTS.md; PROJECTS=..."
	@echo "make lint    ruff, mypy --strict, import boundaries"
	@echo "make referee what really happens in generated projects, held against verdicts and reports: SEED= MINUTES= CORE="
	@echo "make reached which branches of flow and runtime those projects reach, and which never: SEED= MINUTES="
	@echo "make workflows  zizmor and the schemas on .github, action.yml and the like"
	@echo "make coverage  the tests once more, counting the lines that they run: coverage.md, htmlcov/"
	@echo "make accept  write what a check gives now into the golden cases, and show what that changes"
	@echo "make format  let ruff format and mend what it can"
	@echo "make docs    build the docs into site/"
	@echo "make build   build the wheel and the sdist into dist/"
	@echo "make release-check  everything that must hold before a release; leaves what is published in dist/"

# The project to check, as in: make check DIR=~/my-project ARGS="--min-severity medium". Not every shell reads that ~.
DIR ?= .
ARGS ?=
# As python -m ansible_reap, but no module of the project that is checked is imported.
export ALONE := import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module("ansible_reap", run_name="__main__")

check:
	@$(MAKE_ENVS) newest
	@reap=$$(pwd)/src; python=$$($(PYTHON) tools/envs.py path newest)/bin/python; dir="$(DIR)"; \
	case $$dir in "~/"*) dir=$$HOME/$${dir#??} ;; esac; \
	cd "$$dir" && "$$python" -I -c "$$ALONE" "$$reap" check $(ARGS) || [ $$? = 1 ]

demo:
	@$(MAKE_ENVS) newest
	@PYTHONPATH=src "$$($(PYTHON) tools/envs.py path newest)/bin/python" -m ansible_reap demo

test:
	@$(MAKE_ENVS) dev lint lint-oldest docs runner otlp tools editor oldest newest
	$(DEV)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(TESTS)

# Folders of real projects to measure (LINT_PROJECTS: with ansible-lint), as in: make bench PROJECTS="../one ../another"
PROJECTS ?=
LINT_PROJECTS ?=

bench:
	@$(MAKE_ENVS) dev lint core-2.21
	PYTHONPATH=src $(DEV)/python benchmarks/run_all.py $(PROJECTS) --lint $(LINT_PROJECTS)

matrix:
	@$(MAKE_ENVS) dev lint lint-oldest docs runner otlp tools editor cores
	ANSIBLE_REAP_CORES=all $(DEV)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)
	$(MAKE) referee CORE=all SEED=1 MINUTES=10

referee:
	@$(MAKE_ENVS) dev $(if $(filter all,$(CORE)),cores,$(if $(filter newest,$(CORE)),newest,$(addprefix core-,$(subst $(comma), ,$(CORE)))))
	ANSIBLE_REAP_ENVS=$(ENVS) PYTHONPATH=tools:src $(DEV)/python -m referee --core $(CORE) --seed $(SEED) --minutes $(MINUTES)

# Which branches of flow and runtime its projects reach, and why not the others.
reached:
	@$(MAKE_ENVS) coverage newest
	ANSIBLE_REAP_ENVS=$(ENVS) PYTHONPATH=tools:src $(ENVS)/coverage/bin/python -m referee --seed $(SEED) --minutes $(MINUTES) --reached referee-found/reached.jsonl

lint:
	@$(MAKE_ENVS) dev lint
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy
	$(DEV)/mypy --python-executable $(ENVS)/lint/bin/python --follow-imports silent --disable-error-code import-untyped lint_rules
	PYTHONPATH=src $(DEV)/lint-imports

workflows:
	@$(MAKE_ENVS) tools
	$(PYTHON) tools/check_workflows.py $(ENVS)/tools/bin

# Processes that the tests start are not counted, so the true figure is higher.
coverage:
	@$(MAKE_ENVS) coverage lint oldest newest
	$(ENVS)/coverage/bin/python -m pytest -n $(JOBS) -m "not slow" --cov=ansible_reap --cov-report=html --cov-report=markdown-append:coverage.md $(or $(TESTS),tests/unit tests/golden tests/fixes)

# Writes what a check gives now into the golden cases, and shows what that changes.
accept:
	@$(MAKE_ENVS) dev
	@$(DEV)/python tools/accept.py '$(or $(CASES),*)'

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

release-check:
	@$(MAKE_ENVS) dev docs tools galaxy newest
	$(PYTHON) tools/release_check.py $(if $(TAG),--tag '$(TAG)')

clean:
	rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
