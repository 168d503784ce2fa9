# Two commands matter: `make run` and `make test`. Each sets up what it needs, from Python 3.11 or newer and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
COVERAGE ?= --cov --cov-report=term
EXTRAS = embedded,replay,test,bench,lint,typing

.PHONY: run test lint typing bench soak container-test setup constraints real-corpus clean
.DEFAULT_GOAL := run

run: setup
	$(BIN)/volaris serve

test: setup
	$(BIN)/python -m pytest $(COVERAGE)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

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

SAMPLER = $(wildcard profiling/_sampler*.[ch])

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

# The old releases that tests/real needs; --no-deps, because they are older than ours may be.
real-corpus:
	$(PYTHON) -m venv .tox/real
	.tox/real/bin/python -m pip install --quiet --disable-pip-version-check -r tests/real/requirements.txt
	.tox/real/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .

clean:
	rm -rf $(VENV) .tox .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage*
