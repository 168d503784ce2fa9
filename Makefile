# Two commands matter: `make run` and `make test`. Each sets up what it needs, from Python 3.11 or newer and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
COVERAGE ?= --cov --cov-report=term
EXTRAS = embedded,replay,test,bench,lint,typing

.PHONY: run check test fast-tests lint module-sizes typing bench soak container-test setup constraints clean
.DEFAULT_GOAL := run

run: setup
	$(BIN)/volaris serve

# A process for each core, up to four, since each of them has a PostgreSQL server of its own. A file's tests stay in one
# process, so that what a module sets up is set up once. Files go in order: the longest, in tests/acceptance, come first.
JOBS ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 4 ? cores : 4)))
SIDE_BY_SIDE = -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Everything that a commit must pass.
check: lint typing fast-tests

# Unit tests that start no process and no server, and walk no whole heap.
FAST = tests/unit/profiling/compare tests/unit/profiling/records tests/unit/profiling/report tests/unit/profiling/verdict \
	tests/unit/profiling/test_history.py tests/unit/profiling/test_units.py tests/unit/profiling/test_public_names.py \
	tests/unit/volaris tests/unit/test_docs.py tests/unit/test_lint.py tests/unit/test_make_targets.py

fast-tests: setup
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) $(FAST)

test: setup
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(COVERAGE)

lint: setup module-sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# ruff has no rule for the length of a module.
MAX_MODULE_LINES = 400
MODULES = $(shell find profiling volaris -name '*.py')

module-sizes:
	@awk 'FNR == $(MAX_MODULE_LINES) + 1 { print FILENAME " has over $(MAX_MODULE_LINES) lines; split it"; bad = 1 } \
		END { exit bad }' $(MODULES)

typing: setup
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m pytest benchmarks

# A day's schedule in 18 minutes, with requests beside it; ends with the verdict of each job.
soak: setup
	$(BIN)/python -m benchmarks.soak

# The image under a hard limit of 512 MB, with podman and runc.
container-test: setup
	$(BIN)/python -m tests.container

setup: $(VENV)/.installed

SAMPLER = $(wildcard profiling/samples/_sampler*.[ch])

$(VENV)/.installed: pyproject.toml constraints.txt $(SAMPLER)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "Python 3.11 to 3.14 is needed; choose one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

# Pin anew: install the newest that pyproject.toml allows into a fresh environment and write down what came.
constraints:
	rm -rf .tox/constraints
	$(PYTHON) -m venv .tox/constraints
	.tox/constraints/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	{ echo "# Every version that the tests have passed with. Written by: make constraints"; \
	  .tox/constraints/bin/python -m pip freeze --exclude-editable; } > constraints.txt

clean:
	rm -rf $(VENV) .tox .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage*
