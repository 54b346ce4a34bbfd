# make demo | install | test | lint | bench | clean    (README.md says what each does)
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo install test lint bench clean system system-test

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PYTHON := $(shell command -v python3.11 || command -v python3)
GEO_SOURCES := $(shell find geo -name '*.py')
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)
# Node is the one in the virtual environment
export PATH := $(BIN):$(PATH)
export npm_config_update_notifier := false

help:
	@echo 'make demo     install what is missing, start everything with the two demo cities, print the addresses'
	@echo 'make install  the set-up alone'
	@echo 'make test     all tests: Python, web, browser'
	@echo 'make lint     ruff, mypy --strict, import contracts, vue-tsc'
	@echo 'make bench    measure against the peers, side by side'
	@echo 'make clean    remove what was built (never the data in var/)'

demo: install
	@exec $(BIN)/yiwangtu demo

# The kernels and the pages know nothing of each other: side by side.
install: system $(VENV)/.installed
	@$(MAKE) --silent --jobs=2 $(VENV)/.kernels web/dist/.built

# System packages: $(1) asks whether something is missing, $(2) names the packages that bring it.
define need
	@if $(1); then :; else \
	  if [ "$$(id -u)" = 0 ]; then run=; \
	  elif sudo -n true 2>/dev/null; then run=sudo; \
	  else echo 'Missing system packages; install them with: sudo apt-get install -y $(2)' >&2; exit 1; fi; \
	  echo 'installing $(2)'; \
	  ( $$run apt-get update -qq && $$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) ) \
	    >/tmp/yiwangtu-apt-$$$$.log 2>&1 || { tail -n 5 /tmp/yiwangtu-apt-$$$$.log >&2; exit 1; }; \
	fi
endef

system:
	$(call need,$(PYTHON) -c 'import ensurepip',python3-venv)
	$(call need,compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null,postgresql-15-postgis-3)
	$(call need,compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null,fonts-noto-cjk)

system-test: system
	$(call need,command -v chromium >/dev/null,chromium)

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing the Python dependencies (pinned in constraints.txt)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[web,test,lint]'
	@touch $@

# A kernel kept on disk does not know that a file it calls into has changed: all are compiled anew when one is.
$(VENV)/.kernels: $(GEO_SOURCES) $(VENV)/.installed
	@echo 'compiling the search kernels'
	@find geo \( -name '*.nbi' -o -name '*.nbc' \) -delete
	@$(BIN)/python -m geo.rebalance.warm & longest=$$!; \
	  $(BIN)/python -m geo.walking.warm && $(BIN)/python -m geo.siting.warm && wait $$longest
	@touch $@

web/node_modules/.installed: web/package-lock.json | $(VENV)/.installed
	@echo 'installing the web dependencies (pinned in web/package-lock.json)'
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	@echo 'building the web pages'
	@cd web && npm run --silent build -- --logLevel warn
	@touch $@

test: install system-test
	@cd web && npm test --silent
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd web && npm run --silent typecheck

bench: install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	@$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) web/node_modules web/dist build dist
