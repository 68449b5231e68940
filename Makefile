# Everything is set up inside the checkout, from locks with hashes: .venv, .cache, node_modules.
# The one exception is a browser and systemd-analyze for the tests: root gets them by apt-get.

PYTHON ?= python3
BIN := .venv/bin
# A lock is complete: pip has nothing to resolve, and nothing to build with but build.lock.
INSTALL := -qq --disable-pip-version-check install --no-deps --no-build-isolation
# Most tests wait for something, so there are more workers than cores. WORKERS= runs one by one.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= -n $(shell echo $$(($(CORES) * 2))) --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# The tests start the program hundreds of times: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE
# Which named places the bots of a run were cut off at: written by the tests, read after them.
VISITS := $(CURDIR)/.cache/failpoint-visits
JS := tests/real/js
PAGE := ticketbot/web/page

help:
	@echo "make demo         a shop with fake money to try with a Nostr client; ARGS=--once: one purchase"
	@echo "make test         the tests; make test-long: those that take minutes"
	@echo "make check        format, lint, types, who imports whom, and whether the docs are true"
	@echo "make bench        how fast it is; writes bench.json"
	@echo "make mutants      whether the tests notice small faults in the rules; takes hours"
	@echo "make page         rebuild the web page; make lock: resolve the dependencies anew"
	@echo "make clean        remove what make has set up"

demo: .venv/.demo
	@$(BIN)/ticketbot demo $(ARGS)

test: .venv/.dev tools
	@$(MAKE) --no-print-directory --keep-going lnbits relay2 node \
	    || echo "Going on without what is missing: the tests that need it will fail." >&2
	@mkdir -p .cache && rm -f $(VISITS)
	FAILPOINT_VISITS=$(VISITS) $(BIN)/pytest -m "not long" $(WORKERS)
	@$(BIN)/python -m tests.chaos.visits $(VISITS) kill

test-long: .venv/.dev tools
	@$(MAKE) --no-print-directory --keep-going lnbits relay2 node \
	    || echo "Going on without what is missing: the tests that need it will fail." >&2
	@mkdir -p .cache && rm -f $(VISITS)
	FAILPOINT_VISITS=$(VISITS) $(BIN)/pytest -m long $(WORKERS)
	@$(BIN)/python -m tests.chaos.visits $(VISITS) raise hang

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/unit -k "house or docs"

bench: .venv/.dev lnbits
	$(BIN)/python -m benchmarks

# Beside the tests of .venv: what mutmut needs is installed into it.
mutants: .venv/.mutmut
	$(BIN)/mutmut run --max-children $(shell nproc)
	@$(BIN)/python -m tests.mutants

# --- what the targets above stand on ---

.venv/.base: requirements/build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed, as in: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip $(INSTALL) --require-hashes -r requirements/build.lock
	@touch $@

.venv/.demo: .venv/.base requirements/demo.lock pyproject.toml
	@echo "Installing what the demo needs"
	@$(BIN)/pip $(INSTALL) --require-hashes -r requirements/demo.lock
	@$(BIN)/pip $(INSTALL) -e .
	@$(BIN)/pip --disable-pip-version-check check
	@touch $@

.venv/.dev: .venv/.base requirements/dev.lock pyproject.toml
	@echo "Installing what development needs (once, about a minute)"
	@$(BIN)/pip $(INSTALL) --require-hashes -r requirements/dev.lock
	@$(BIN)/pip $(INSTALL) -e .
	@$(BIN)/pip --disable-pip-version-check check
	@touch .venv/.demo $@

.venv/.mutmut: .venv/.dev requirements/mutmut.lock
	@$(BIN)/pip $(INSTALL) --require-hashes -r requirements/mutmut.lock
	@touch $@

# The wallet and the second relay of the tests need other versions: each has a venv of its own.
lnbits: .cache/lnbits/.ready
relay2: .cache/nostr-relay/.ready

.cache/%/.ready: requirements/%.lock requirements/build.lock
	@echo "Setting up .cache/$* (once, about a minute)"
	@rm -rf .cache/$*
	@$(PYTHON) -m venv .cache/$*
	@.cache/$*/bin/pip $(INSTALL) --require-hashes -r requirements/build.lock
	@.cache/$*/bin/pip $(INSTALL) --require-hashes -r requirements/$*.lock
	@touch $@

node: $(JS)/node_modules/.package-lock.json

%/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null \
	    || { echo "node and npm are missing: install Node.js 20.19 or newer." >&2; exit 1; }
	@npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent
	@touch $@

tools:
	@missing=; \
	[ -x /usr/bin/chromium-headless-shell ] || [ -x /usr/bin/chromium ] || missing="$$missing chromium-headless-shell"; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$missing"; \
	    apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	        apt-get -qq install --no-install-recommends $$missing >/dev/null; \
	else \
	    echo "The tests that need them will fail without these packages:$$missing" >&2; \
	fi

page: $(PAGE)/node_modules/.package-lock.json
	@npm run --prefix $(PAGE) --silent build

# Only the public index counts: folders of wheels that a machine adds have hashes of their own.
COMPILE := PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" .cache/pip-tools/bin/pip-compile \
    --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-options $(UPGRADE)

lock: export PIP_FIND_LINKS :=
lock: export PIP_EXTRA_INDEX_URL :=
lock: .cache/pip-tools/.ready
	$(COMPILE) --extra demo --extra test --extra dev -o requirements/dev.lock pyproject.toml
	$(COMPILE) --extra demo -c requirements/dev.lock -o requirements/demo.lock pyproject.toml
	for name in build lnbits nostr-relay mutmut; do \
	    $(COMPILE) -o requirements/$$name.lock requirements/$$name.in || exit 1; \
	done

.cache/pip-tools/.ready:
	@$(PYTHON) -m venv .cache/pip-tools
	@.cache/pip-tools/bin/pip -qq --disable-pip-version-check install pip-tools==7.6.2
	@touch $@

clean:
	rm -rf .venv .cache $(JS)/node_modules $(PAGE)/node_modules bench.json
	rm -rf mutants .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: help demo test test-long check bench mutants lnbits relay2 node tools page lock clean
