# make app   serve the dashboard on http://127.0.0.1:8501
# make test  lint, types, import contracts, and all tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: app test lint system clean

app: $(VENV)/.runtime
	$(BIN)/streamlit run app.py

test: $(VENV)/.dev system lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --timeout=180 -m "not browser" -n 2 --dist loadfile
	$(BIN)/pytest --timeout=180 -m browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Chromium, Node.js, PostgreSQL and Pango come from the system. Where one is missing it is installed
# if that is allowed; otherwise the tests that need it are skipped and say so.
system:
	@tools/ensure-system

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; run: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
