VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
DATA_DIR ?= data
export PORT DATA_DIR
# Many processes are started below: what one has compiled is kept for the others.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test check types imports style catalogue unit e2e bench soak audit pictures guide fmt lock messages migrate system-packages

demo: $(VENV)/.installed
	@if [ -n "$(RESET)" ]; then rm -rf "$(DATA_DIR)/portal.sqlite" "$(DATA_DIR)"/portal.sqlite-* "$(DATA_DIR)/mailbox" "$(DATA_DIR)/documents"; fi
	@$(BIN)/python -m web.cli demo

test: system-packages check unit e2e

# Side by side, for each works on one core; what one says stays together, and all are heard.
check: $(VENV)/.installed-dev
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target --keep-going types imports style catalogue

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

style: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

catalogue: $(VENV)/.installed-dev
	$(BIN)/python -m tests.catalogue

# What needs no database runs once, on the first pass.
unit: $(VENV)/.installed-dev
	TEST_ENGINE=sqlite $(BIN)/pytest tests -q -n 2 -p no:playwright
	TEST_ENGINE=postgres $(BIN)/pytest tests -q -n 2 -p no:playwright

# On each page and state axe and the widths; with the focus and in English one state of each page:
# all of them in `make soak`, the whole matrix in `make audit PARTS=accessibility`.
e2e: $(VENV)/.installed-dev
	$(BIN)/pytest e2e -q -n 2 -p no:asyncio

# All of it, or some blocks: make bench ONLY=slots,peer
bench: $(VENV)/.installed-dev build/peer/.installed system-packages
	@sh bench/system-packages
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

# The long forms, 10 to 25 minutes an engine: 100 kills under load (R120), three processes whose
# leader dies ten times, migrations killed at many moments, long stateful runs. It prints what it did.
# The browser's stories on every device, and every look at each page and state.
soak: $(VENV)/.installed-dev
	@SOAK=1 sh .ci/system-packages
	SOAK=1 TEST_ENGINE=sqlite $(BIN)/pytest tests -q -m soak -p no:playwright
	SOAK=1 TEST_ENGINE=postgres $(BIN)/pytest tests -q -m soak -p no:playwright
	$(BIN)/pytest e2e -q -n 2 -p no:asyncio --every-device -m "not audit"

# All of it, or the parts that are named: make audit PARTS="fuzz wapiti"
ON_NODE = $(if $(PARTS),$(filter html lighthouse,$(PARTS)),all)
audit: $(VENV)/.installed-dev system-packages build/audit/.installed
	@sh audit/system-packages $(PARTS)
	@$(if $(ON_NODE),$(MAKE) --no-print-directory build/audit/node/.installed)
	$(BIN)/python -m audit $(PARTS)

pictures: $(VENV)/.installed-dev system-packages
	$(BIN)/python -m e2e.pictures docs/img

# The printed guides, with pictures of the portal as it is now: static/guide.
guide: $(VENV)/.installed-dev system-packages
	@sh .ci/guide-packages
	$(BIN)/python -m guide

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

# Only what is used is compiled to bytecode, when it is first.
$(VENV)/.installed: requirements.lock
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Installing the locked dependencies (once)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@touch $@

# All of it, the other included: one run of pip instead of two.
$(VENV)/.installed-dev: requirements-dev.lock
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Installing the locked dependencies (once)…"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	@touch $@

# The tools of the audit, apart from what the portal runs with.
build/audit/.installed: audit/requirements.lock
	@test -x build/audit/bin/python || python3 -m venv build/audit
	@echo "Installing the audit's locked tools (once)…"
	@build/audit/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r audit/requirements.lock
	@touch $@

# What the bench compares the portal with, apart from what the portal runs with.
build/peer/.installed: bench/peer/requirements.lock
	@test -x build/peer/bin/python || python3 -m venv build/peer
	@echo "Installing the product to compare with (once)…"
	@build/peer/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r bench/peer/requirements.lock
	@touch $@

build/audit/node/.installed: audit/package.json audit/package-lock.json
	@mkdir -p build/audit/node && cp audit/package.json audit/package-lock.json build/audit/node/
	@cd build/audit/node && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
