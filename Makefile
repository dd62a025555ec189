# Two commands do everything on a fresh machine with Python 3.11+, venv and make:
#   make demo    set up .venv and diagnose the bundled example
#   make test    run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNEL := $(wildcard src/halfopen/kernel/*.py src/halfopen/kernel/*.pxd)
EXAMPLE := examples/running-out-of-sockets

.PHONY: help demo test check format faults wordings pictures device machine tutorial fidelity accuracy detection fleet bench soak clean

help:
	@echo "make demo     set up and diagnose the bundled example (log + capture of a real lwIP running out of sockets)"
	@echo "make test     run the tests"
	@echo "make check    style, types and import law only"
	@echo "make format   let ruff format the code"
	@echo "make faults   generate docs/faults from the catalogue"
	@echo "make wordings derive what a line of a log must hold to be read from the patterns that read it"
	@echo "make pictures draw the pictures of the README with Chromium"
	@echo "make device   refresh what devices fetch: device/mpy, names.json and package.json (commit them)"
	@echo "make machine  draw docs/internals/machine.md from the table"
	@echo "make tutorial write the journal and the diagnosis of docs/tutorial.md (three minutes)"
	@echo "make fidelity  replay the recordings of lwIP and of the air in the twin, write docs/internals/fidelity.md"
	@echo "make detection  measure how long the link and others take to notice (root, nft, mosquitto; five minutes)"
	@echo "make accuracy  ask diagnose about 2,000 drawn faults and 1,000 healthy scenarios, write docs/internals/accuracy.md"
	@echo "make fleet    play 10,000 devices for a day, write docs/internals/fleet.md (minutes)"
	@echo "make bench    speed against a peer measured in the same run"
	@echo "make soak     the long fuzz runs, the link through a million faults, the swarm through 10,000 seeds"
	@echo "make clean    remove what was built"

demo: $(VENV)/.installed
	@echo
	@echo '$$ halfopen diagnose $(EXAMPLE)/uart.log $(EXAMPLE)/capture.pcapng --html build/report.html'
	@mkdir -p build
	@$(BIN)/halfopen diagnose $(EXAMPLE)/uart.log $(EXAMPLE)/capture.pcapng --html build/report.html
	@echo "Now try it on your own: $(BIN)/halfopen diagnose uart.log capture.pcapng"

test: $(VENV)/.testing
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

check: $(VENV)/.testing
	$(BIN)/ruff check src tests fuzz bench examples device setup.py
	$(BIN)/ruff format --check src tests fuzz bench examples device setup.py
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.testing
	$(BIN)/ruff check --fix-only -q src tests fuzz bench examples device setup.py
	$(BIN)/ruff format src tests fuzz bench examples device setup.py

faults: $(VENV)/.installed
	$(BIN)/python -m halfopen.findings.page docs/faults

wordings: $(VENV)/.installed
	$(BIN)/python -m halfopen.diagnose.sources.needed

pictures: $(VENV)/.testing
	$(BIN)/python docs/pictures.py docs/pictures

device: $(VENV)/.testing
	$(BIN)/python device/ship.py

machine: $(VENV)/.installed
	$(BIN)/python -m halfopen.link.page docs/internals/machine.md

tutorial: $(VENV)/.testing
	$(BIN)/python docs/tutorial.py

fidelity: $(VENV)/.installed
	$(BIN)/python -m halfopen.twin.fidelity tests/recordings/lwip tests/recordings/air docs/internals/fidelity.md

accuracy: $(VENV)/.testing
	$(BIN)/python fuzz/score_diagnose.py --page docs/internals/accuracy.md

detection: $(VENV)/.testing
	$(BIN)/python bench/detection.py docs/internals/detection.md

fleet: $(VENV)/.testing
	$(BIN)/python bench/bench_fleet.py docs/internals

bench: $(VENV)/.testing
	@for file in bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

soak: $(VENV)/.testing
	@for file in fuzz/fuzz_*.py; do $(BIN)/python $$file --runs 20000 || exit 1; done
	$(BIN)/python fuzz/score_diagnose.py --gate 0.98 --silent 0.99
	rm -rf build/swarm
	$(BIN)/halfopen simulate --seeds 10000 --out build/swarm
	$(BIN)/python fuzz/soak_link.py --cycles 1000000 --sockets 10000
	HALFOPEN_KILLS=1000 $(BIN)/python -m pytest -n 2 tests/link/test_recorder_killed.py
	$(BIN)/micropython tests/link/recorder_on_littlefs.py src cuts 1 20000

# The kernel is compiled on installation where a C compiler is, so a changed kernel wants a new installation.
$(VENV)/.installed: pyproject.toml setup.py $(KERNEL)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "halfopen needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.testing: $(VENV)/.installed
	@echo "Installing what the tests need …"
	@mkdir -p build
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["test"], sep="\n")' > build/tests.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement build/tests.txt
	@touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
	rm -f src/halfopen/kernel/*.c src/halfopen/kernel/*.so
