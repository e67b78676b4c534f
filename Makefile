# Sendoff's own chores. `make help` lists them.
#
# Needs python3 (3.11 or newer), git and make; everything else goes into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

WORKFLOWS := .github/workflows/*.yml runner/starter/workflows/*.yml

.DEFAULT_GOAL := help
CHECKS := style types walls check-docs check-workflows check-schemas
.PHONY: help demo install test coverage check $(CHECKS) format docs test-schemas test-act test-postfix \
	test-browser test-postgres review-demo \
	wheel ci clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.sendoff ## a week of campaigns in .demo/, nothing leaves this machine
	@$(BIN)/python tools/demo.py

install: $(VENV)/.sendoff-dev ## .venv with sendoff and all that tests need

test: $(VENV)/.sendoff-dev ## the tests; ARGS="-k name" for some
	$(BIN)/pytest --numprocesses auto $(ARGS)

coverage: $(VENV)/.sendoff-dev ## the tests, and which lines they reach
	$(BIN)/pytest --numprocesses auto --cov --cov-report=term $(ARGS)

check: $(CHECKS) ## all of the next six

style: $(VENV)/.sendoff-dev ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.sendoff-dev ## mypy, strict
	$(BIN)/mypy runner

walls: $(VENV)/.sendoff-dev ## who may import whom
	$(BIN)/lint-imports

check-docs: $(VENV)/.sendoff-dev ## is the docs' picture, and are the outputs, those of today?
	$(BIN)/python tools/picture.py --check
	$(BIN)/python tools/outputs.py --check

check-workflows: $(VENV)/.sendoff-dev ## actionlint, zizmor, and their schemas; GitLab's too
	$(BIN)/actionlint $(WORKFLOWS)
	$(BIN)/zizmor --offline --no-progress --quiet --persona pedantic $(WORKFLOWS) action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/gitlab-ci.yml

check-schemas: $(VENV)/.sendoff-dev ## are the schemas schemas?
	$(BIN)/check-jsonschema --check-metaschema schemas/*.schema.json

format: $(VENV)/.sendoff-dev ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.sendoff-dev ## draw the picture and write the outputs in the docs again
	$(BIN)/python tools/picture.py
	$(BIN)/python tools/outputs.py

test-schemas: $(VENV)/.sendoff-dev ## the schemas by other people's validators (needs npm)
	$(BIN)/python .ci/schemas.py

test-act: $(VENV)/.sendoff-dev ## the workflows and the action, executed on this machine
	$(BIN)/python .ci/act.py

test-postfix: $(VENV)/.sendoff ## a run against postfix's smtp-sink (needs Debian's postfix)
	$(BIN)/python .ci/postfix.py

test-browser: $(VENV)/.sendoff-browser ## the pages in Chromium, with axe (needs Debian's chromium, and npm)
	$(BIN)/python .ci/browser.py $(ARGS)

test-postgres: $(VENV)/.sendoff-postgres ## lists in a real PostgreSQL, killed in the middle of a read
	$(BIN)/pytest -m postgres tests/postgres $(ARGS)

review-demo: $(VENV)/.sendoff ## what a reviewer sees of four pull requests, in .demo/review/
	@$(BIN)/python tools/review_demo.py

wheel: $(VENV)/.sendoff-dev ## build the wheel and try it in an empty directory
	.ci/wheel

ci: ## everything, as CI does it
	.ci/run

clean: ## take away what make made
	rm -rf .demo .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

# A second call is quick: the stamps are newer than the list of dependencies.
$(VENV)/.sendoff: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sendoff needs Python 3.11 or newer, and this is " + sys.version.split()[0])'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.sendoff-dev: pyproject.toml
	@$(MAKE) --no-print-directory $(VENV)/.sendoff
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/.sendoff-browser: $(VENV)/.sendoff-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	@touch $@

$(VENV)/.sendoff-postgres: $(VENV)/.sendoff-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,test-postgres]'
	@touch $@

.PHONY: install-browser install-postgres
install-browser: $(VENV)/.sendoff-browser
install-postgres: $(VENV)/.sendoff-postgres

.PHONY: chaos chaos-small
chaos: $(VENV)/.sendoff-dev ## kill runs at every step, hundreds of times; ARGS=--publish for docs/faults.md
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-small: $(VENV)/.sendoff-dev ## some forty kills, and every other fault once
	$(BIN)/python -m tests.chaos --small $(ARGS)

.PHONY: bench
bench: $(VENV)/.sendoff-dev ## measure against peers and limits; ARGS="--publish smtp" for docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: dependencies
dependencies: ## weigh what is installed, for docs/dependencies.md
	$(PYTHON) tools/dependencies.py
