# Everything the book needs, from a fresh machine with Python 3.11 or newer and make.
# PYTHON, VENV and OUT are paths and may contain spaces, so every use of them is in quotes.
PYTHON ?= python3
VENV   ?= .venv
ENV    := "$(PYTHON)" tools/environment.py "$(VENV)" $(if $(filter file,$(origin PYTHON)),,--asked)
RUN    := "$(VENV)/bin/python"
BUILD  := "$(VENV)/bin/jupyter-book" build . -W -n --keep-going
TESTS  := $(RUN) -m pytest -n auto --dist loadfile --durations 15
OTTER  := .venv-otter
LAB    ?= lab_batchnorm_dropout

.DEFAULT_GOAL := book
.PHONY: book student student-tree course published serve test test-slow check notebooks results bench new
.PHONY: audit pdf grade otter otter-run otter-test lock clean environment settings otter-environment need-OUT need-CHAPTER

book: settings                ## build the full site
	@$(BUILD)
	@$(RUN) -m bookkit.finish _build/html _build/site
	@echo "The book: $(CURDIR)/_build/site/index.html"

student: settings             ## build the site without solutions
	@BOOK_EDITION=student $(BUILD) --path-output _build/student
	@$(RUN) -m bookkit.finish _build/student/_build/html _build/site-student
	@echo "The student edition: $(CURDIR)/_build/site-student/index.html"

student-tree: need-OUT environment  ## write to OUT the sources that students may have
	@$(RUN) -m bookkit.editions.student "$(OUT)"

course: environment           ## check _config.yml, say what the course is, write notebooks/
	@$(RUN) -m bookkit

published: environment        ## say which edition the workflow publishes from here, and where
	@$(RUN) -m bookkit.course.release

serve: book                   ## build and open in the browser
	@$(RUN) -m webbrowser -t http://localhost:8000/ & \
	$(RUN) -m http.server 8000 --bind 127.0.0.1 --directory _build/site

test: environment             ## what a change needs: all but test-slow; builds both editions when needed
	@$(TESTS) -m "not slow and not otter"

test-slow: environment        ## books and environments built, tests tried on mutants, pages audited and printed, networks trained
	@$(TESTS) -m "slow and not otter"

check: environment            ## in a minute and without a build: style, notebooks/, the rules for pages
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	@$(RUN) -m bookkit.editions.notebooks --check
	@$(if $(wildcard tests/book/test_prose.py),$(RUN) -m pytest -q tests/book/test_prose.py)

notebooks: environment        ## write notebooks/ from chapters/
	@$(RUN) -m bookkit.editions.notebooks

results: settings             ## build, and take the named results into the committed tables
	@BOOK_RESULTS=new $(BUILD)
	@$(RUN) -m bookkit.execute.results --write

new: need-CHAPTER environment  ## a new CHAPTER from a template, or a new EXERCISE in one that is there
	@$(RUN) -m tools.new "$(CHAPTER)" $(if $(EXERCISE),"$(EXERCISE)")

bench: environment            ## hwlib beside torch, as ratios; BENCH=--write keeps them for the book
	@$(RUN) -m benchmarks $(BENCH)

grade: environment            ## grade the folder FROM of submissions of LAB in a sandbox (Linux); scores and reasons in OUT
	@$(RUN) -m grading.grade $(LAB) "$(FROM)" --out "$(or $(OUT),_build/grades/$(LAB))" $(if $(SEED),--seed $(SEED)) $(if $(AGAIN),--again)

otter: otter-environment      ## LAB for otter-grader, into OUT: a student notebook, an autograder zip; SEED=2: other inputs
	@$(OTTER)/bin/python -m grading.otter $(LAB) --out "$(or $(OUT),_build/otter)" $(if $(SEED),--seed $(SEED))

otter-run: otter-environment  ## grade the notebooks FROM (a.ipynb b.ipynb) of LAB with otter-grader; a result for each in OUT
	@$(OTTER)/bin/python -m grading.otter_run $(LAB) $(FROM) --out "$(or $(OUT),_build/otter-results)" $(if $(SEED),--seed $(SEED))

otter-test: otter-environment ## grade right, wrong and odd submissions with otter-grader itself
	@$(RUN) -m pytest tests/bookkit/test_otter.py -m otter

audit: book                   ## Lighthouse and axe on every page: a table, and status 1 below the bars
	@$(RUN) -m tools.audit

pdf: book                     ## the full edition as one file, _build/book.pdf, printed by Chromium
	@$(RUN) -m tools.pdf

lock: requirements.in         ## renew requirements.txt and requirements-otter.txt in an empty environment
	rm -rf _build/lock && "$(PYTHON)" -m venv _build/lock
	_build/lock/bin/pip install -q -r requirements.in
	(echo "# Complete lock, written by 'make lock' from requirements.in: edit that file."; \
	 _build/lock/bin/pip freeze --all | grep -v "^pip==" | sed 's/+cpu$$//') > requirements.txt
	_build/lock/bin/pip install -q -c requirements.txt otter-grader==7.0.0
	(echo "# What 'make otter' installs beyond requirements.txt; written by 'make lock'."; \
	 _build/lock/bin/pip freeze --all | grep -v "^pip==" | sed 's/+cpu$$//' \
	 | grep -vxFf requirements.txt) > requirements-otter.txt

clean:
	rm -rf _build .venv-colab $(OTTER)

environment:
	@$(ENV)

settings: environment
	@$(RUN) -m bookkit.course.settings

otter-environment: environment
	@$(RUN) tools/environment.py $(OTTER) --otter

need-CHAPTER:
	@$(if $(CHAPTER),,$(error say which chapter: make new CHAPTER=group_convolution [EXERCISE=count-the-weights]))

need-OUT:
	@$(if $(OUT),,$(error say where to write: make $(MAKECMDGOALS) OUT=../my-course))
