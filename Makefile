PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup lint test test-slow demo clean

setup: $(VENV)/.installed

# Nothing is compiled. A torch 2.x that the machine already has is kept.
$(VENV)/.installed: requirements/mminstall.txt requirements/runtime.txt \
		requirements/export.txt requirements/tests.txt pyproject.toml
	@if $(PYTHON) -c "import torch; assert torch.__version__[0] == '2'" \
		2>/dev/null; then \
		echo "Keeping the torch of $(PYTHON)."; \
		$(PYTHON) -m venv --system-site-packages $(VENV); \
		sed '/^torch==/d' requirements/mminstall.txt > $(VENV)/mm.txt; \
	else \
		$(PYTHON) -m venv $(VENV); \
		cp requirements/mminstall.txt $(VENV)/mm.txt; \
	fi
	$(BIN)/python -m pip install --progress-bar off -r $(VENV)/mm.txt \
		-r requirements/runtime.txt -r requirements/tests.txt
	$(BIN)/python -m pip install --no-deps -e .
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

test: setup
	$(BIN)/python -m pytest -n 2

# What takes minutes: a run killed at 20 random points.
test-slow: setup
	$(BIN)/python -m pytest -m slow

# SHORT=1: few images and 10 iterations, to see that it runs.
demo: setup
	$(BIN)/python tools/demo.py $(if $(SHORT),--short)

clean:
	rm -rf $(VENV) work_dirs data/demo
