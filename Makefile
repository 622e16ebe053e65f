# `make run` to try it, `make test` to check it. What is installed already is not installed again.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run install graphiql test fuzz chaos lint types bench schema migration migration-initial

help:
	@echo 'make run        install, make a database with the example network, and serve'
	@echo 'make test       every test, on SQLite and on PostgreSQL'
	@echo 'make fuzz EXAMPLES=2000   the properties, each so often, at random'
	@echo 'make chaos ARGS="--kills 200"   workers are killed at random, and everything is accounted for'
	@echo 'make lint       ruff and the import contracts'
	@echo 'make types      mypy --strict'
	@echo 'make bench      this server beside PostGraphile and others, as tables (docs/benchmarks.md)'
	@echo 'make install    $(VENV) with the locked dependencies, and GraphiQL'
	@echo 'make schema     write schema.graphql anew'
	@echo 'make migration MESSAGE="add the budget"   write a revision from what the model has and the schema has not'

run: install
	@$(BIN)/samverkan migrate
	@$(BIN)/samverkan import --if-empty examples/network
	@echo
	@echo 'Operators of the example network, all with the password fjallklover-demo (examples/network/README.md):'
	@awk -F ' *[|] *' '/^[|] `/ { gsub("`", ""); printf "  %-32s %-8s %s\n", $$2, $$3, $$4 }' examples/network/README.md
	@echo
	@$(BIN)/samverkan serve

install: $(VENV)/installed graphiql

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'samverkan needs Python 3.11 or newer: make PYTHON=python3.12, for example'; exit 1; }
	$(PYTHON) -m venv $(VENV)

# setuptools is locked too and comes first: it builds the project itself, which pip must not fetch a builder for.
$(VENV)/installed: requirements.lock requirements-build.lock pyproject.toml setup.cfg | $(BIN)/python
	@echo 'Installing the locked dependencies into $(VENV) ...'
	@$(PIP) install --require-hashes -r requirements-build.lock -r requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo 'Installing what the tests need ...'
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

graphiql: $(VENV)/installed
	@$(BIN)/python web/build.py

test: $(VENV)/installed-dev graphiql
	$(BIN)/pytest -n 4 $(ARGS)

fuzz: $(VENV)/installed-dev
	SAMVERKAN_FUZZ=$(or $(EXAMPLES),2000) $(BIN)/pytest -n 2 -m fuzz $(ARGS)

chaos: $(VENV)/installed-dev
	@PYTHONWARNINGS=ignore $(BIN)/python -m tests.chaos $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/installed-dev
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	@PYTHONWARNINGS=ignore $(BIN)/python -m benchmarks $(ARGS)

schema: $(VENV)/installed
	@$(BIN)/samverkan print-schema > schema.graphql.new && mv schema.graphql.new schema.graphql

migration: $(VENV)/installed-dev
	@test -n '$(MESSAGE)' || { echo 'Say what it does: make migration MESSAGE="add the budget of packages"'; exit 1; }
	$(BIN)/python -m server.migrations.revise '$(MESSAGE)'
	@$(MAKE) --no-print-directory tidy-migrations

migration-initial: $(VENV)/installed-dev
	$(BIN)/python -m server.migrations.revise --initial
	@$(MAKE) --no-print-directory tidy-migrations

# Needs uv. Versions stand in pyproject.toml; the locks hold them with hashes for every platform.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet --extra dev pyproject.toml -o requirements-dev.lock

.PHONY: lock tidy-migrations
tidy-migrations:
	@$(BIN)/ruff check --quiet --fix-only server/migrations/versions
	@$(BIN)/ruff format --quiet server/migrations/versions
