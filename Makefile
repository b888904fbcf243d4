# Everything happens in .venv beside this file, whatever environment is active around it.
# pip's own variables (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, pip.conf …) decide where packages come from.

# The first of these that is Python 3.11 or newer makes .venv; say `make PYTHON=/path/to/python3.12 …` for another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.sedscope-installed
SEDSCOPE := $(PY) -m sedscope

# Small matrices: one thread per training is the fastest, and two test workers then fill two cores. The analysis shares its
# pieces out to as many cores as it is given: where it runs alone, nothing is said.
ONE_THREAD := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1}
# Nothing of a surrounding environment may reach into .venv.
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_CONSTRAINT VIRTUAL_ENV

DEMO := runs/demo

.PHONY: help demo test lint docs dist test-lowest test-newest soak bench sample-runs reproduce reproduce-small install clean FORCE
.DEFAULT_GOAL := help

help:
	@echo "make demo         record a small training (a minute), report it beside sample_runs/ (a minute or two), view them"
	@echo "make test         format, lint, types, import contracts, documentation and the whole test suite"
	@echo "make lint         format, lint, types and import contracts alone"
	@echo "make docs         the documentation site, in build/docs; a warning is an error"
	@echo "make dist         wheel and sdist, in dist/; the wheel is proven in a new environment"
	@echo "make test-lowest  the tests with the lowest declared versions of the dependencies; TESTS='tests/runs …' for fewer"
	@echo "make test-newest  the same with the newest versions there are"
	@echo "make soak         the long tests: a thousand kills"
	@echo "make bench        what recording, analysing and viewing cost, as ratios where there is something to compare with"
	@echo "make sample-runs  record sample_runs/ again"
	@echo "make reproduce    record and measure the published experiments; says first how many hours; goes on where it was interrupted"
	@echo "make reproduce-small  the same for a small modulus; minutes"
	@echo "make install      only create .venv and install into it (the others do it themselves)"
	@echo "make clean        remove .venv, $(DEMO), build/ and dist/"

demo: $(STAMP)
	@echo "--- recording a training: addition modulo 59, a two-layer transformer"
	$(ONE_THREAD) $(SEDSCOPE) record --force --out $(DEMO) examples/modular_arithmetic.py $(DEMO_SETTINGS)
	@echo "--- how strongly the directions couple to features: this run, and three recorded before"
	$(SEDSCOPE) report $(DEMO) sample_runs
	@echo
	@echo "Next: record your own script, unchanged or with the few lines that README.md shows:"
	@echo "    $(VENV)/bin/sedscope record train.py"
	@echo "    $(VENV)/bin/sedscope report runs/"
	@echo "    $(VENV)/bin/sedscope view runs/"
	@if [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && [ "$${TERM:-dumb}" != dumb ]; then \
		echo "--- the same runs in the viewer (? explains, q leaves)"; \
		exec $(SEDSCOPE) view --tab coupling $(DEMO) sample_runs; \
	fi

# Groks within the minute; see examples/modular_arithmetic.py --help.
DEMO_SETTINGS := --ops add --modulus 59 --train-fraction 0.6 --d-model 48 --d-ff 96 --lr 2e-3

test: lint docs
	$(ONE_THREAD) $(PY) -m pytest -n 2 -m "not soak"

lint: $(STAMP)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

docs: $(STAMP)
	$(PY) -m mkdocs build --quiet --strict

# The wheel is built from the sdist, which therefore holds all that it takes.
dist: $(STAMP)
	rm -rf dist
	$(PY) -m hatchling build --target sdist
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	.ci/prove_wheel

TESTS ?=

test-lowest: $(STAMP)
	$(PY) .ci/test_versions.py lowest $(TESTS)

test-newest: $(STAMP)
	$(PY) .ci/test_versions.py newest $(TESTS)

soak: $(STAMP)
	$(ONE_THREAD) $(PY) -m pytest -m soak --timeout 7200

bench: $(STAMP)
	@status=0; for part in benchmarks benchmarks.analysing benchmarks.tangents benchmarks.viewer; do \
		$(ONE_THREAD) $(PY) -m $$part || status=1; done; exit $$status

sample-runs: $(STAMP)
	$(ONE_THREAD) $(PY) examples/make_sample_runs.py

# As many trainings at a time as there are cores, one thread each.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)

reproduce: $(STAMP)
	$(PY) -m examples.reproduce full --jobs $(JOBS) --page docs/reproduction.md

reproduce-small: $(STAMP)
	$(PY) -m examples.reproduce small --jobs $(JOBS)

install: $(STAMP)

clean:
	rm -rf $(VENV) $(DEMO) build dist

# The stamp holds the path it was made for: a copied project folder would otherwise run the original's code.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(STAMP): FORCE
endif
$(STAMP): pyproject.toml .ci/constraints.txt
	@test -n "$(PYTHON)" || { echo "sedscope needs Python 3.11 or newer; make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --quiet -c .ci/constraints.txt pip hatchling editables
	$(PY) -m pip install --quiet -c .ci/constraints.txt --no-build-isolation -e . --group dev --group docs
	@printf '%s\n' '$(CURDIR)' > $@
