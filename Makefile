# Remote Video: `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TSC    := $(VENV)/web/node_modules/typescript/bin/tsc

# A file's tests stay together: some of them share what is dear to make. tests/conftest.py says which begin first.
# Many of them wait, so that two cores have work for four processes.
SIDE_BY_SIDE := -n 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint format words bench soak comfy test-comfyui clean-demo

help:
	@echo "make demo          five clips from one photograph in the sandbox, no key needed; writes demo_output/"
	@echo "make test          every test that needs no ComfyUI"
	@echo "make coverage      what of the engine the tests of the engine run through, lines and branches"
	@echo "make lint          ruff (rules, format), mypy --strict, and tsc --strict over web/"
	@echo "make format        let ruff format the code"
	@echo "make words         write locales/*/*.json from locales/*/words.json and what the nodes say"
	@echo "make bench         measure speed and memory; writes benchmarks/results.json and a plot"
	@echo "make soak          the fault, crash, studio, schema and decoder tests, for longer"
	@echo "make comfy         COMFYUI_PATH=... [COMFYUI_PYTHON=...] link the pack in and start ComfyUI in the sandbox"
	@echo "make test-comfyui  COMFYUI_PATH=... [COMFYUI_PYTHON=...] the tests against a real ComfyUI server"

# The environment: made once, and again when its list of packages changes.
$(READY): requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	touch $@

$(TSC): $(READY)
	$(BIN)/npm install --silent --no-save --no-package-lock --prefix $(VENV)/web typescript@5.9.3

demo: $(READY)
	$(BIN)/python demo

clean-demo:
	rm -rf demo_output

# Dozens of processes import the same files: what is compiled once is kept.
test soak coverage: export PYTHONDONTWRITEBYTECODE =
# glibc keeps memory apart for each thread, and each of the four has hundreds over time: 0.7 GB in place of 1.2 GB each.
test soak coverage: export MALLOC_ARENA_MAX = 2

test: $(READY)
	$(BIN)/python -m pytest -q -m "not comfyui" $(SIDE_BY_SIDE)
	$(BIN)/node --test tests/web/*.test.js

lint: $(READY) $(TSC)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p .types && ln -sfn "$(CURDIR)" .types/remote_video_pack
	$(BIN)/mypy
	$(BIN)/node $(TSC) --project .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

words: $(READY)
	PYTHONPATH=tests $(BIN)/python -c "import conftest; from project.node_words import write; write()"

bench: $(READY)
	$(BIN)/python -m benchmarks

coverage: $(READY)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -m "not comfyui" --timeout 600 tests/engine
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

soak: $(READY)
	REMOTE_VIDEO_SOAK=1 $(BIN)/python -m pytest -q -m "not comfyui" --timeout 7200 tests/engine tests/ledger tests/studio tests/catalogue tests/media/test_hostile.py

# ---- with a ComfyUI checkout ---------------------------------------------------------------------------------------

COMFYUI_PYTHON ?= $(firstword $(wildcard $(COMFYUI_PATH)/.venv/bin/python $(COMFYUI_PATH)/venv/bin/python) $(PYTHON))
COMFY_ARGS     ?=
LINK            = $(COMFYUI_PATH)/custom_nodes/remote-video

comfy:
	@test -f "$(COMFYUI_PATH)/main.py" || { echo "Say where ComfyUI is: make comfy COMFYUI_PATH=/path/to/ComfyUI"; exit 2; }
	@test ! -e "$(LINK)" -o -L "$(LINK)" || { echo "$(LINK) is there already and is not a link: left alone"; exit 2; }
	ln -sfn "$(CURDIR)" "$(LINK)"
	cd "$(COMFYUI_PATH)" && REMOTE_VIDEO_SANDBOX=1 "$(COMFYUI_PYTHON)" main.py $(COMFY_ARGS)

test-comfyui: $(READY)
	@test -f "$(COMFYUI_PATH)/main.py" || { echo "Say where ComfyUI is: make test-comfyui COMFYUI_PATH=/path/to/ComfyUI"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check playwright
	COMFYUI_PATH="$(COMFYUI_PATH)" COMFYUI_PYTHON="$(COMFYUI_PYTHON)" $(BIN)/python -m pytest -q -m comfyui tests
