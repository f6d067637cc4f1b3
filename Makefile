# make run: the app on http://127.0.0.1:8501 · make test: everything that CI runs
# make bench: what the speed claims are measured with, where no photos or data are needed
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test lint train figures bench screenshots chromium postgresql clean

run: $(VENV)/app.installed
	$(BIN)/streamlit run app.py

test: lint chromium postgresql
	$(BIN)/python -m pytest

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Hours on a CPU. Interrupted, it goes on where it stopped; PrivateTest is measured once, last.
RUN ?= default
train: $(VENV)/train.installed
	$(BIN)/python -m model train --run $(RUN) $(if $(VOTES),--votes $(VOTES))
	$(BIN)/python -m model export --run $(RUN)
	$(MAKE) figures

# Everything that is said about the shipped network, measured and written anew.
figures: $(VENV)/train.installed
	for split in public-test private-test; do for tta in "" --tta; do \
	  $(BIN)/python -m model evaluate --split $$split $$tta $(if $(VOTES),--votes $(VOTES)) --record \
	  || exit 1; done; done
	$(BIN)/python -m model robustness $(if $(FER),--fer $(FER)) --record
	$(BIN)/python -m model placement --record
	$(BIN)/python -m model compare $(if $(FER),--fer $(FER)) --record
	$(BIN)/python -m model card
	$(BIN)/python -m model notebooks $(if $(VOTES),--votes $(VOTES))

bench: $(VENV)/dev.installed
	for script in page_speed catalog; do \
	  echo "== $$script"; PYTHONPATH=. $(BIN)/python benchmarks/$$script.py || exit 1; done

# The browser of the end-to-end tests. Where it cannot be installed, those tests skip and say so.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || test -n "$$AFFECTUNE_CHROMIUM" \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq \
	     && apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji >/dev/null; } \
	|| echo "Chromium is not installed and could not be: the browser tests will be skipped."

# The server that the diary's tests start for themselves, in a folder and on a socket of their own.
# Installed without the cluster and the service that Debian would begin with.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq \
	     && apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null \
	     && sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' \
	          /etc/postgresql-common/createcluster.conf \
	     && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } \
	|| echo "PostgreSQL is not installed and could not be: the diary is tested on SQLite alone."

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Affectune needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.installed: requirements.txt | $(VENV)/bin/python
	$(PIP) -r $<
	touch $@

$(VENV)/train.installed: requirements-train.txt requirements.txt | $(VENV)/bin/python
	$(PIP) -r $<
	touch $@

$(VENV)/dev.installed: requirements-dev.txt requirements-train.txt requirements.txt | $(VENV)/bin/python
	$(PIP) -r $<
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build
