# Set-up, demo and tests. All tools are Python packages in .venv; of the system only g++, make,
# perl and Python are needed. `make` alone lists the targets.

PYTHON ?= python3
# Tests that run side by side.
JOBS ?= 2
# Folder with original data files for the tests that want more than what ships.
DATA ?=
# The CPU build of torch, and an index that has it where the configured registry has none.
TORCH ?= torch==2.13.0$(if $(filter Linux,$(shell uname -s)),+cpu)
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv
LOCKED := --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt
DEMO_EXTRAS := torch,sim,synth,report
TEST_EXTRAS := $(DEMO_EXTRAS),formal,data,test
PYTEST := $(BIN)/python -m pytest $(if $(DATA),--data=$(DATA))

# A second one stands for the board: pynq, which needs NumPy 1, on the simulated board, and nothing
# of the compiler.
BOARD := .venv-board
BOARD_PIP := $(BOARD)/bin/python -m pip --disable-pip-version-check --require-virtualenv
BOARD_PACKAGES := pynq pytest nbclient ipykernel

# A virtual environment works only where it was made, with the Python it was made with.
IDENTITY := $(CURDIR) $(shell { $(PYTHON) --version; } 2>/dev/null)
ifneq ($(file < $(VENV)/.created),$(IDENTITY))
.PHONY: $(VENV)/.created
endif
ifneq ($(file < $(BOARD)/.created),$(IDENTITY))
.PHONY: $(BOARD)/.created
endif

.DELETE_ON_ERROR:
.PHONY: help venv board demo test soak prove lint clean system

help:
	@echo 'make demo    set up, then LeNet-5 to bit-exact RTL and HLS on all of MNIST'
	@echo 'make test    set up, then run every test but the long ones'
	@echo 'make soak    set up, then run the long tests'
	@echo 'make prove   set up, then decide every formal proof, and that its mutant fails'
	@echo 'make lint    set up, then check style and types only'
	@echo 'make venv    set up only: .venv with all tools'
	@echo 'make board   set up .venv-board, the Python of a simulated board: pynq and NumPy 1'
	@echo 'make clean   remove both environments and everything that was generated'

venv: $(VENV)/.test

board: $(BOARD)/.created

demo: $(VENV)/.demo
	$(BIN)/shiftloom demo

test: $(VENV)/.test $(BOARD)/.created
	$(PYTEST) -n $(JOBS) --dist loadfile -m 'not soak'

soak: $(VENV)/.test $(BOARD)/.created
	$(PYTEST) -n $(JOBS) --dist loadfile -m soak

prove: $(VENV)/.test
	$(BIN)/python benchmarks/proofs.py

lint: $(VENV)/.test
	$(PYTEST) tests/test_style.py

clean:
	rm -rf $(VENV) $(BOARD) out build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# Names every missing program of the system at once, with what to install.
system:
	@missing=; \
	need() { missing="$$missing\n  $$1: apt install $$2"; }; \
	if ! command -v $(PYTHON) >/dev/null; then need 'Python 3.11 or newer' python3; \
	elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  need "Python 3.11 or newer (found $$($(PYTHON) --version))" 'python3.11 python3.11-venv, then make PYTHON=python3.11'; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then need "Python's venv" python3-venv; fi; \
	for program in g++ perl; do command -v $$program >/dev/null || need $$program $$program; done; \
	if [ -n "$$missing" ]; then \
	  printf "Missing on this machine, with the command for Debian and Ubuntu:$$missing\n" >&2; exit 1; fi

# A stamp is written last, so an interrupted set-up is done again.
$(VENV)/.created: | system
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@printf '%s\n' '$(IDENTITY)' > $@

$(VENV)/.torch: $(VENV)/.created $(INPUTS)
	$(PIP) install $(LOCKED) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) setuptools '$(TORCH)' || { \
	  echo 'If pip found no $(TORCH): the package registry in use has no CPU build of torch.' >&2; \
	  echo 'Give an index that has it, as the installation page of PyTorch names it for CPU:' >&2; \
	  echo '  make $(or $(MAKECMDGOALS),venv) TORCH_INDEX=ADDRESS' >&2; \
	  echo 'or take the build of the registry, which may bring gigabytes of CUDA:' >&2; \
	  echo '  make $(or $(MAKECMDGOALS),venv) TORCH=torch==2.13.0' >&2; exit 1; }
	@touch $@

$(VENV)/.demo: $(VENV)/.torch | system
	$(PIP) install $(LOCKED) --no-build-isolation --editable '.[$(DEMO_EXTRAS)]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) install $(LOCKED) --no-build-isolation --editable '.[$(TEST_EXTRAS)]'
	@touch $@

$(BOARD)/.created: constraints-board.txt host/simulated_hook.py | system
	rm -rf $(BOARD)
	$(PYTHON) -m venv $(BOARD)
	$(BOARD_PIP) install --constraint constraints-board.txt $(BOARD_PACKAGES)
	cp host/simulated_hook.py \
	  "$$($(BOARD)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sitecustomize.py"
	@printf '%s\n' '$(IDENTITY)' > $@
