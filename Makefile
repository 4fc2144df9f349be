# The commands of this project; "make help" lists them.

VENV ?= .venv
PYTHON = $(VENV)/bin/python
PYTEST = $(PYTHON) -m pytest
ARGS ?=

export VENV

.PHONY: help demo down status reset install install-test test lint format unit functional contract durability \
        e2e chaos coverage docs samples clean cloud-up cloud-down test-openstack test-openstack-short test-image

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)$$/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: install ## Bring up Trove on this machine and ask it for one database of each kind
	$(VENV)/bin/trove-standalone up
	$(PYTHON) tools/demo.py

down: ## Stop what "make demo" started; the data stay
	$(VENV)/bin/trove-standalone down

status: ## Show what of the stack runs
	@$(VENV)/bin/trove-standalone status || true

reset: ## Stop the stack and delete it with all its data
	$(VENV)/bin/trove-standalone reset

install: ## Install what is missing to run Trove here
	@tools/install

install-test: ## Install what is missing to test Trove here
	@tools/install --test

test: install-test lint docs coverage ## Run all checks and all tests
	@echo 'All checks and tests passed.'

lint: install-test ## Check style, types, floors and documents
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/doc8 -q README.rst doc/source doc/examples

format: install-test ## Format the code
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

unit: install-test ## Run the tests of pure parts: seconds
	$(PYTEST) tests/unit $(ARGS)

functional: install-test ## Run the tests of the whole API on SQLite
	$(PYTEST) tests/functional $(ARGS)

contract: install-test ## Run the tests of doors, providers, datastores and the house; starts real engines
	$(PYTEST) tests/contract $(ARGS)

durability: install-test ## Kill real workers at every step
	$(PYTEST) tests/durability $(ARGS)

e2e: install-test ## Drive a whole stack with the real command line client
	$(PYTEST) tests/e2e $(ARGS)

chaos: install-test ## Break everything while tenants ask; CHAOS_SEED, CHAOS_OPERATIONS and CHAOS_CLOUD choose the run
	$(PYTHON) -W ignore -m tests.chaos

cloud-up: ## Bring up a real OpenStack on this machine, for tests
	tests/openstack/cloud/cloud up

cloud-down: ## Stop that OpenStack; its data stay
	tests/openstack/cloud/cloud down

test-openstack: install-test ## Run Trove on a real OpenStack, which is brought up if need be
	tools/test-openstack $(ARGS)

test-openstack-short: install-test ## Run the most telling of these tests
	tools/test-openstack --short $(ARGS)

test-image: install-test ## Build a guest image as root and look what is in it; takes minutes
	tools/test-image $(ARGS)

coverage: install-test ## Run all tests and hold the bounds of branch coverage
	$(PYTHON) tools/coverage.py $(ARGS)

docs: install-test ## Build the documents; a warning is an error
	$(VENV)/bin/sphinx-build -q -W -n -b html doc/source doc/build/html

samples: install ## Write the sample configuration files anew
	tools/generate-samples

clean: ## Remove what checks and builds left behind, but not the stack
	rm -rf build dist doc/build .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find trove tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
