# From a fresh clone: `make demo`, then `make test`. Needs git, Python 3.11 or newer, and nothing else.
# Without make (Windows): python bootstrap.py demo
PY ?= python3

.PHONY: demo test check prove lock docs clean
demo test check prove lock docs clean:
	@$(PY) bootstrap.py $@ $(ARGS)
