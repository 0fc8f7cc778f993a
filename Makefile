# Art'Em VR. `make demo` and `make test` are all that a fresh clone needs.

VENV := .venv
INSTALLED := $(VENV)/.installed
BIN := $(VENV)/bin
PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench venv system system-test openxr-runtime openxr-runtime-if-any clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: system venv  ## walk through the built-in scene in several painters' hands: demo.mp4, demo.png
	$(BIN)/python -m artem_vr demo

test: system-test venv openxr-runtime-if-any  ## every test
	$(BIN)/python -m pytest $(PYTEST)

check:  ## what continuous integration runs: lint, tests, the demo and a look at what it recorded
	bash .ci/run

lint: venv  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy .ci benchmarks scripts

bench: system venv  ## measure everything on this machine, ten minutes: benchmarks/RESULTS.md, pipeline.png, .svg
	$(BIN)/python benchmarks/pipelines.py --json benchmarks/pipelines.json
	$(BIN)/python benchmarks/overlap.py --json benchmarks/overlap.json
	$(BIN)/python benchmarks/growth.py --json benchmarks/growth.json
	$(BIN)/python -m artem_vr bench --json benchmarks/bench.json
	$(BIN)/python -m artem_vr bench --model swift --json benchmarks/bench_swift.json
	$(BIN)/python benchmarks/preview.py --json benchmarks/preview.json
	$(BIN)/python benchmarks/foveated.py --json benchmarks/foveated.json
	-$(BIN)/python benchmarks/headset_pace.py --frames 200 --json benchmarks/headset.json
	$(BIN)/python benchmarks/pipeline_plot.py
	$(BIN)/python benchmarks/results_page.py

venv: $(INSTALLED)  ## the virtual environment .venv with the package in it

# The stamp makes a second run quick; a changed pyproject.toml installs again.
$(INSTALLED): pyproject.toml scripts/create-venv.sh
	@PYTHON='$(PYTHON)' bash scripts/create-venv.sh $(VENV)
	@touch $@

system:  ## OpenGL libraries of the system: names or installs what is missing
	@bash scripts/system-libraries.sh

system-test:
	@bash scripts/system-libraries.sh --tests

openxr-runtime:  ## a runtime without a headset for the OpenXR tests, in ~/.cache (0.6 GB, no root)
	@bash scripts/fetch-openxr-runtime.sh

# Where there is none to be had, the OpenXR tests are skipped and say so.
openxr-runtime-if-any:
	@bash scripts/fetch-openxr-runtime.sh || true

clean:  ## removes everything that make made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache demo.mp4 demo.png demo.json \
		benchmarks/*.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
