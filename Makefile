# The words of this repository. People and CI type these and nothing else; `make` alone lists them.

# What `make demo` does, after the environment is there.
DEMO = runner reconcile notebook --yes && runner access notebook --show-secrets

# More arguments for the word's program: make test ARGS='-k plan -n 0', make plan ARGS='notebook --markdown'
ARGS =
# `make test` runs in as many processes as there are cores, as far as files do not share anything (tests/side_by_side.py).
PARALLEL = -n auto --maxprocesses 4

.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Set up for other projects in the caller's shell, they would change what runs here. Without bytecode every start of
# Ansible takes 0.5 s longer.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTEST_ADDOPTS

.PHONY: help setup demo test check audit generate e2e e2e-real attack lab bench plan apply clean runtime \
	check-python check-types check-yaml check-ansible check-shell check-generated check-dependencies check-images

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the developer's tools; git, make and Python 3.11 are enough
	@tools/bootstrap --dev

runtime:
	@tools/bootstrap

demo: runtime ## bring up the notebook of deployments/ on this machine and show how to reach it
	@$(DEMO)

test: setup ## unit and integration tests, with real Ansible on this machine; no Docker, no network
	@pytest $(PARALLEL) $(ARGS)

check: check-python check-types check-yaml check-ansible check-shell check-generated check-dependencies check-images ## ruff, mypy, yamllint, ansible-lint, shellcheck, deptry, generated files, pinned images; -k shows all faults

audit: setup ## known vulnerabilities of what uv.lock names; asks osv.dev, so it is no part of the gate
	@tools/audit $(ARGS)

generate: setup ## write what derives from the code: schemas, docs/commands.md, tables of README.md
	@runner schema --write
	@python tools/generate_docs.py

e2e: setup ## tests against real hosts and a real Docker engine; as root, starts what it needs
	@pytest -m 'docker or ssh' $(ARGS)

attack: setup ## attacks at full strength, seeded: ARGS='files --seed 1 --share 0.1'; one JSON line
	@python -m tests.attack $(ARGS)

e2e-real: setup ## real programs, in a browser and by their clients; heavy, before a release
	@pytest -m real -n 0 $(ARGS)

lab: setup ## bring up the real hosts that e2e uses, to look around; down: python -m tests.lab down
	@python -m tests.lab up $(ARGS)

bench: setup ## all benchmarks, one JSON line each
	@for program in bench/[a-z]*.py; do python -m "bench.$$(basename "$$program" .py)" $(ARGS) || exit 1; done

plan: runtime ## what would change, and what it costs
	@runner plan $(ARGS) || [ $$? -eq 2 ] # 2: something would

apply: runtime ## make it so: shows the plan, asks, applies, writes back
	@runner reconcile $(ARGS)

clean: ## remove .venv and caches; .runner stays, it holds keys
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-python: setup
	ruff check --output-format concise
	ruff format --check

check-types: setup
	mypy

check-yaml: setup
	yamllint --strict .

check-ansible: setup # ansible-lint passes over a playbook that does not parse
	ansible-playbook --syntax-check playbooks/*.yml
	ansible-lint --offline --strict

check-shell: setup
	shellcheck $$(git grep -lE '^#!(/usr)?/bin/(env )?(ba|da)?sh' -- ':!*.md' ':!Makefile')

check-generated: setup
	runner schema --check
	python tools/generate_docs.py --check

check-dependencies: setup # what is imported is declared, and not only for developers
	deptry runner tools

check-images: setup
	python tools/check_images.py
