PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup lint test test-slow wheel-test demo clean

setup: $(VENV)/.installed

# Nothing is compiled. A torch that the machine already has is kept, if it can
# load checkpoints safely under the names of both numpy 1 and 2: 2.6 and newer,
# whose safe_globals takes (object, name).
$(VENV)/.installed: requirements/mminstall.txt requirements/runtime.txt \
		requirements/export.txt requirements/tests.txt pyproject.toml
	$(PYTHON) -m venv --system-site-packages $(VENV)
	@if $(BIN)/python -c "import torch; assert torch.__version__ >= (2, 6)" \
		2>/dev/null; then \
		echo "Keeping the torch of $(PYTHON)."; \
		sed '/^torch==/d' requirements/mminstall.txt > $(VENV)/mm.txt; \
	else \
		$(PYTHON) -m venv --clear $(VENV); \
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

# The package as it is installed, not as it lies here.
wheel-test: setup
	.ci/wheel_test $(BIN)/python

# SHORT=1: few images and 25 iterations, to see that it runs.
demo: setup
	$(BIN)/python tools/demo.py $(if $(SHORT),--short)

# What make made; trainings stay.
clean:
	rm -rf $(VENV) work_dirs/demo work_dirs/demo_short data/demo data/short
