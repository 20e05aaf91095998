# make all    set up what the pipeline needs and run it on corpus/ (CORPUS=…, OUTPUTS=… for another folder)
# make test   set up what the tests need and run them
# make check  lint, types and tests
# make docs   write the generated pages of docs/
# make lock   write constraints.txt anew from what pyproject.toml allows

PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
CORPUS ?= corpus
OUTPUTS ?= outputs
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: all test check lint types docs lock clean

all: .venv/run.stamp
	$(BIN)/pipeline run $(CORPUS) $(OUTPUTS)

test: .venv/test.stamp
	$(BIN)/python -m pytest

check: lint types test

lint: .venv/test.stamp
	$(BIN)/ruff check .

types: .venv/test.stamp
	$(BIN)/mypy

docs: .venv/run.stamp
	$(BIN)/python docs/generate.py

clean:
	rm -rf .venv outputs/.work outputs/*.parquet outputs/report.html

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: Python 3.11 or newer is needed\nhint: make PYTHON=/path/to/python3.11 all")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt -e .
	touch $@

# torch comes first and by itself: another package asking for it could bring another build.
.venv/test.stamp: .venv/run.stamp
	$(PIP) install --quiet -c constraints.txt $(TORCH)
	$(PIP) install --quiet -c constraints.txt -e '.[transformers,notebooks,dev]'
	touch $@

lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet $(TORCH)
	.venv-lock/bin/python -m pip install --quiet -e '.[transformers,notebooks,dev]'
	.venv-lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//' > constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-lock
