VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
DATA_DIR ?= data
export PORT DATA_DIR
# Many processes are started below: what one has compiled is kept for the others.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test check unit e2e bench soak pictures fmt lock messages migrate system-packages

demo: $(VENV)/.installed
	@if [ -n "$(RESET)" ]; then rm -rf "$(DATA_DIR)/portal.sqlite" "$(DATA_DIR)"/portal.sqlite-* "$(DATA_DIR)/mailbox" "$(DATA_DIR)/documents"; fi
	@$(BIN)/python -m web.cli demo

test: system-packages check unit e2e

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.catalogue

# What needs no database runs once, on the first pass.
unit: $(VENV)/.installed-dev
	TEST_ENGINE=sqlite $(BIN)/pytest tests -q -n 2 -p no:playwright
	TEST_ENGINE=postgres $(BIN)/pytest tests -q -n 2 -p no:playwright

e2e: $(VENV)/.installed-dev
	$(BIN)/pytest e2e -q -n 2 -p no:asyncio

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

soak: $(VENV)/.installed-dev
	SOAK=1 TEST_ENGINE=sqlite $(BIN)/pytest tests -q -m soak -p no:playwright
	SOAK=1 TEST_ENGINE=postgres $(BIN)/pytest tests -q -m soak -p no:playwright

pictures: $(VENV)/.installed-dev system-packages
	$(BIN)/python -m e2e.pictures docs/img

fmt: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(VENV)/.installed-dev
	$(BIN)/python -m tests.catalogue --update

migrate: $(VENV)/.installed
	$(BIN)/python -m web.cli migrate

lock:
	uv pip compile pyproject.toml --generate-hashes --no-annotate --no-header -o requirements.lock
	uv pip compile pyproject.toml --group dev --generate-hashes --no-annotate --no-header -o requirements-dev.lock

# Chromium and PostgreSQL's server programs, where the system lacks them.
system-packages:
	@sh .ci/system-packages

$(VENV)/.installed: requirements.lock
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Installing the locked dependencies (once)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# All of it, the other included: one run of pip instead of two.
$(VENV)/.installed-dev: requirements-dev.lock
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Installing the locked dependencies (once)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
