# Two commands matter: `make run` and `make test`. Each sets up what it needs, from Python 3.11 to 3.14 and make.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
EXTRAS = service,embedded,replay,test,bench,lint,typing,wheels
# For which wheels are built: those under pyenv, and CPython 3.14 on the path.
WHEEL_PYTHONS ?= $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.1[1-4].*/bin/python) $(shell command -v python3.14)

.PHONY: run check test test-profiler test-ui lint-page slow-tests coverage fast-tests lint module-sizes typing bench soak first-hour container-test \
	real-corpus test-3.14 wheels docs pictures setup constraints clean
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

# Some six minutes on two cores; `test` and `slow-tests` together are all tests.
test: setup
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow"

# The tests of the profiler, which depends on the interpreter more than the service does.
PROFILER = tests/unit/profiling tests/integration/asgi tests/integration/debug tests/integration/debug_routes \
	tests/integration/exports tests/integration/serve tests/integration/wsgi tests/acceptance/test_check.py \
	tests/acceptance/test_run.py

test-profiler: setup
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow" $(PROFILER)

slow-tests: setup
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m slow

# The page in a real Chromium, which apt-get brings. Writes pictures to .benchmarks/page.
test-ui: $(VENV)/.browser
	$(BIN)/python -m pytest tests/ui

# What the tests drive a browser with. The package is not installed anew, which would compile the sampler once more.
$(VENV)/.browser: $(VENV)/.installed
	$(BIN)/python -c '$(subst docs,browser,$(DOCS_PACKAGES))' > $@.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r $@.txt
	@touch $@

# All tests, which takes a third longer while coverage is measured.
coverage: setup
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term

lint: setup module-sizes lint-page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# The types in the comments of the page's scripts, if there is npm. Nothing that npm brings is kept in the repository.
TYPESCRIPT = 5.9.3
TSC = .tox/typescript-$(TYPESCRIPT)/node_modules/.bin/tsc
TSC_OPTIONS = --checkJs --allowJs --noEmit --strict --target es2022 --module es2022 --moduleResolution bundler \
	--lib es2022,dom,dom.iterable
PAGE = profiling/report/page/client

lint-page:
	@command -v npm > /dev/null || { echo "no npm here: the types of the page's scripts are not checked"; exit 0; }; \
	[ -x $(TSC) ] || npm install --silent --no-save --no-package-lock --prefix .tox/typescript-$(TYPESCRIPT) \
		typescript@$(TYPESCRIPT) && \
	$(TSC) $(TSC_OPTIONS) $(PAGE)/page.js $(PAGE)/sign_in.js

# ruff has no rule for the length of a module.
MAX_MODULE_LINES = 400
MODULES = $(shell find profiling volaris -name '*.py' -o -path '*/client/*.js')

module-sizes:
	@awk 'FNR == $(MAX_MODULE_LINES) + 1 { print FILENAME " has over $(MAX_MODULE_LINES) lines; split it"; bad = 1 } \
		END { exit bad }' $(MODULES)

# The hooks of the documentation site are checked too, which takes the packages that the site is built with.
typing: setup $(VENV)/.documents
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m pytest benchmarks

# A day's schedule in 18 minutes, with requests beside it; ends with the verdict of each job.
soak: setup
	$(BIN)/python -m benchmarks.soak

# What a stranger does first: from an empty environment, with the wheel and the documents alone.
first-hour: setup
	$(BIN)/python -m tests.first_hour

# The image under a hard limit of 512 MB, with podman and runc.
container-test: setup
	$(BIN)/python -m tests.container

# On CPython 3.14 of Debian sid, in a tree that debootstrap makes once below .tox. Needs root. Another command: RUN="...".
test-3.14:
	$(PYTHON) -m tests.container.python314 $(RUN)

# An sdist, and a manylinux wheel made of it for each of WHEEL_PYTHONS, in dist. The one for musl and aarch64: cibuildwheel.
wheels: setup
	rm -rf dist .tox/wheels
	$(BIN)/python -m build --sdist --outdir dist
	@set -e; for python in $(WHEEL_PYTHONS); do \
		echo "a wheel for $$python"; \
		$(BIN)/python -m pip --python $$python --disable-pip-version-check --no-cache-dir wheel --quiet --no-deps \
			--wheel-dir .tox/wheels dist/*.tar.gz; \
	done
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m auditwheel repair --wheel-dir dist .tox/wheels/*.whl
	@ls -l dist

# The documentation site in .site. A dead link, a page outside the navigation or an undocumented public name fails.
docs: $(VENV)/.documents
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "docs: .site/index.html"

# The extra alone: to install the package for it would compile the sampler once more.
DOCS_PACKAGES = import tomllib; \
	extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print(*extras["docs"], sep="\n")

$(VENV)/.documents: $(VENV)/.installed
	$(BIN)/python -c '$(DOCS_PACKAGES)' > $@.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r $@.txt
	@touch $@

# What README.md shows, drawn anew from a real run, and each state of the page, in .benchmarks/page.
pictures: setup test-ui
	$(BIN)/python docs/tools/pictures.py

setup: $(VENV)/.installed

EXTENSIONS = $(wildcard profiling/samples/_sampler*.[ch] profiling/launch/_sigterm.c)

# A build without a C compiler fails. A set-up does not: it leaves the sampler out, and says so.
CAN_COMPILE = import os, shutil, sys, sysconfig; \
	compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]; \
	headers = os.path.join(sysconfig.get_path("include"), "Python.h"); \
	sys.exit(not (shutil.which(compiler) and os.path.exists(headers)))

$(VENV)/.installed: pyproject.toml setup.py constraints.txt $(EXTENSIONS)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "Python 3.11 to 3.14 is needed; choose one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@without=$$VOLARIS_WITHOUT_SAMPLER; $(BIN)/python -c '$(CAN_COMPILE)' || { without=1; \
		echo "no C compiler or no Python.h here: set up without the level samples; see docs/install.md"; }; set -x; \
	VOLARIS_WITHOUT_SAMPLER=$$without \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

# Pin anew: install the newest that pyproject.toml allows into a fresh environment and write down what came.
constraints:
	rm -rf .tox/constraints
	$(PYTHON) -m venv .tox/constraints
	.tox/constraints/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS),docs,browser]'
	{ echo "# Every version that the tests have passed with. Written by: make constraints"; \
	  .tox/constraints/bin/python -m pip freeze --exclude-editable; } > constraints.txt

# The old releases that tests/real needs; --no-deps, because they are older than ours may be.
real-corpus:
	$(PYTHON) -m venv .tox/real
	.tox/real/bin/python -m pip install --quiet --disable-pip-version-check -r tests/real/requirements.txt
	.tox/real/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .

clean:
	rm -rf $(VENV) .tox .site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage*
