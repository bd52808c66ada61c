# make demo   set up, train on DigitAnatomy, show what was found
# make test   set up, then lint, types and all tests
# make lab    set up, then JupyterLab on your own copies of the lessons, in my/
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GRADER := $(VENV)/grading
PAGE := squidlib/teaching/page/built/index.html
READY := $(VENV)/.ready
BENCHMARK := OMP_NUM_THREADS=1 $(BIN)/squid benchmark
RESULTS := squidlib/benchmark/results
# the best on X-rays of other patients, and the naive ones
STRONGEST := SQUID,feature-kNN,IF-2D,PANDA,PaDiM,HOG-kNN,pixel-kNN,sharpness,mean-image

DIR ?= nbgrader_course

.DEFAULT_GOAL := help
.PHONY: help demo test lab setup notebooks nbgrader schematics rehearse times badges figures studies benchmark site web mutants coverage

help: ## show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]' --constraint constraints.txt
	touch $@

setup: $(READY) ## make .venv and install the tested versions

demo: $(READY) ## train on DigitAnatomy in minutes and show what was found
	$(BIN)/squid demo

# nbgrader beside the environment and not in it: it would add panels to the students' JupyterLab
$(GRADER)/.ready: $(READY)
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --target $(GRADER) nbgrader alembic Mako notebook RapidFuzz --constraint constraints.txt
	touch $@

# the page that the browser's tests open; where it cannot be built, they are skipped and say so
$(PAGE): $(shell find web -path web/node_modules -prune -o -type f -print)
	$(MAKE) --no-print-directory web || echo "the page in the browser was not built: its tests are skipped"

test: $(READY) $(if $(FAST),,$(GRADER)/.ready $(if $(shell command -v npm),$(PAGE))) ## lint, types and all tests, notebooks included; with FAST=1 what each commit should pass
	$(BIN)/python tests/run_all.py $(if $(FAST),--fast)

$(BIN)/mutmut: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[mutants]' --constraint constraints.txt
	touch $@

mutants: $(BIN)/mutmut ## change the core pieces bit by bit, count the changes that tests notice, write docs/tests.md
	$(BIN)/python tools/strength.py mutants

coverage: $(READY) ## which lines and branches the tests take, write docs/tests.md; with TESTS="..." of some tests alone
	$(BIN)/python tools/strength.py coverage $(TESTS)

lab: $(READY) ## JupyterLab on your own copies of the lessons, in my/
	$(BIN)/squid lab

notebooks: $(READY) ## build notebooks, solutions, slides and handouts from notebooks/src
	$(BIN)/python notebooks/build.py

nbgrader: $(READY) ## assignments to grade the lessons with nbgrader, in the course folder DIR
	$(BIN)/python notebooks/build.py --nbgrader "$(DIR)"

site: $(READY) ## build the website of lessons, docs and reference in build/site/html; needs no network
	$(BIN)/python tools/site.py

web: ## build the page that runs a detector in the browser (needs Node.js 20 and the npm registry)
	npm --prefix web ci --no-audit --no-fund
	npm --prefix web run build

schematics: $(READY) ## draw the schematics of the lessons and the README
	$(BIN)/python tools/schematics.py

rehearse: $(READY) ## dry run for instructors: every lesson in smoke mode, and what would fail in the room
	$(BIN)/python tools/rehearse.py

badges: $(READY) ## write REPOSITORY=owner/name into badges and set-up cells for Colab and Binder
	$(BIN)/python tools/badges.py "$(REPOSITORY)"

times: $(READY) ## measure every lesson here, write the table of minutes
	$(BIN)/python notebooks/times.py

studies: $(READY) ## run what the studies in squidlib/teaching/studies still lack (hours where they are removed)
	$(BIN)/python -m squidlib.teaching.studies.ablation
	$(BIN)/python -m squidlib.teaching.studies.contamination
	$(BIN)/python -m squidlib.teaching.studies.cleaning
	$(BIN)/python -m squidlib.teaching.studies.memory_size
	$(BIN)/python -m squidlib.teaching.studies.ablation_by_hand
	$(BIN)/python -m squidlib.teaching.studies.neighbours
	$(BIN)/python -m squidlib.teaching.studies.label_bounds
	$(BIN)/python tools/studies.py

benchmark: $(READY) ## all methods on DigitAnatomy, or with CHEST=folder on X-rays (1.5 to 3 hours), write docs/benchmark.md
ifdef CHEST
	$(BENCHMARK) zhanglab --data "$(CHEST)" --minutes-each 1 --out $(RESULTS)/zhanglab
	$(BENCHMARK) zhanglab --data "$(CHEST)" --minutes-each 1 --series IM --methods $(STRONGEST) --out $(RESULTS)/zhanglab_IM
	$(BENCHMARK) zhanglab --data "$(CHEST)" --minutes-each 1 --series NORMAL2 --methods $(STRONGEST) --out $(RESULTS)/zhanglab_NORMAL2
else
	$(BENCHMARK) digitanatomy --minutes-each 1 --out $(RESULTS)/digitanatomy
	$(BENCHMARK) digitanatomy --minutes-each 1 --hand 1 --out $(RESULTS)/digitanatomy_hand
endif
	$(BIN)/python tools/benchmark_page.py

figures: $(READY) ## train three seeds, ship one of them, write the figures into docs/results.md
	$(BIN)/python tools/figures.py
	$(BIN)/python tools/digits.py --pens
	$(BIN)/python tools/first_page.py
