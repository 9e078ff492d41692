# Everything the book needs, from a fresh machine with Python 3.11 or newer and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
BUILD  := $(BIN)/jupyter-book build . -W -n --keep-going
TESTS  := $(BIN)/python -m pytest -n auto --dist loadfile --durations 15
OTTER  := .venv-otter
LAB    ?= lab_batchnorm_dropout
OUT    ?= _build/otter

.DEFAULT_GOAL := book
.PHONY: book student student-tree course published serve test test-slow reproducible check notebooks results bench
.PHONY: mutants audit pdf otter otter-test colab lock clean

book: $(VENV)/.ready          ## build the full site
	@$(BUILD)
	@echo "The book: $(CURDIR)/_build/html/index.html"

student: $(VENV)/.ready       ## build the site without solutions
	@BOOK_EDITION=student $(BUILD) --path-output _build/student
	@echo "The student edition: $(CURDIR)/_build/student/_build/html/index.html"

student-tree: $(VENV)/.ready  ## write to OUT the sources that students may have
	@$(BIN)/python -m bookkit.student $(OUT)

course: $(VENV)/.ready        ## check _config.yml, say what the course is, write notebooks/
	@$(BIN)/python -m bookkit

published: $(VENV)/.ready     ## say which edition the workflow publishes from here, and where
	@$(BIN)/python -m bookkit.release

serve: book                   ## build and open in the browser
	@$(BIN)/python -m webbrowser -t http://localhost:8000/ & \
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

test: $(VENV)/.ready          ## what a change needs: all but test-slow; builds both editions when needed
	@$(TESTS) -m "not slow and not otter"

test-slow: $(VENV)/.ready     ## books and environments built, tests tried on mutants, pages audited and printed, networks trained
	@$(TESTS) -m "slow and not otter"

reproducible: $(VENV)/.ready  ## build the last commit twice from nothing; compare every byte
	@$(BIN)/python -m bookkit.reproducible

check: $(VENV)/.ready         ## style, and that notebooks/ is what the chapters give
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m bookkit.notebooks --check

notebooks: $(VENV)/.ready     ## write notebooks/ from chapters/
	@$(BIN)/python -m bookkit.notebooks

results: $(VENV)/.ready       ## take the named results of the last build into the committed tables
	@$(BIN)/python -m bookkit.results --write

bench: $(VENV)/.ready         ## hwlib beside torch, as ratios; BENCH=--write keeps them for the book
	@$(BIN)/python -m benchmarks $(BENCH)

mutants: $(VENV)/.ready       ## break the library in every small way; the tests must notice
	@$(BIN)/python -m tests.mutation

colab: $(VENV)/.ready         ## renew tests/colab-versions.txt from what Colab publishes
	@$(BIN)/python -m bookkit.colab

otter: $(OTTER)/.ready        ## LAB for otter-grader, into OUT: a student notebook, an autograder zip; SEED=2: other inputs
	@$(OTTER)/bin/python -m bookkit.otter $(LAB) --out $(OUT) $(if $(SEED),--seed $(SEED))

otter-test: $(OTTER)/.ready   ## grade a reference, a stub and a mistake with otter-grader itself
	@$(BIN)/python -m pytest tests/bookkit/test_otter.py -m otter

audit: book                   ## Lighthouse and axe on every page: a table, and status 1 below the bars
	@$(BIN)/python -m bookkit.audit

pdf: book                     ## the full edition as one file, _build/book.pdf, printed by Chromium
	@$(BIN)/python -m bookkit.pdf

lock: requirements.in         ## renew requirements.txt and requirements-otter.txt in an empty environment
	rm -rf _build/lock && $(PYTHON) -m venv _build/lock
	_build/lock/bin/pip install -q -r requirements.in
	(echo "# Complete lock, written by 'make lock' from requirements.in: edit that file."; \
	 _build/lock/bin/pip freeze --all | grep -v "^pip==" | sed 's/+cpu$$//') > requirements.txt
	_build/lock/bin/pip install -q -c requirements.txt otter-grader==7.0.0
	(echo "# What 'make otter' installs beyond requirements.txt; written by 'make lock'."; \
	 _build/lock/bin/pip freeze --all | grep -v "^pip==" | sed 's/+cpu$$//' \
	 | grep -vxFf requirements.txt) > requirements-otter.txt

clean:
	rm -rf _build .venv-colab $(OTTER)

$(VENV)/.ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# Laid over the book's environment: a .pth file lends its packages, and the lock stays what it is.
# Of hwlib it lends nothing, so that what is graded finds the copy in the zip.
$(OTTER)/.ready: $(VENV)/.ready requirements-otter.txt
	$(BIN)/python -m venv --clear --without-pip $(OTTER)
	site='import sysconfig; print(sysconfig.get_path("purelib"))'; \
	$(BIN)/python -c "$$site" > "$$($(OTTER)/bin/python -c "$$site")/book.pth"
	$(BIN)/python -m pip --python $(OTTER)/bin/python install -q --no-deps -r requirements-otter.txt
	@touch $@
