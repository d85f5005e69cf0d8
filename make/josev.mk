# The iso15118 package (Josev) for tests of v2gexi: its wheel (schemas and EXIficient), and an environment it runs in.

JOSEV_CACHE := $(or $(CHARGECTL_CACHE),$(HOME)/.cache/chargectl)
JOSEV_WHEEL := $(JOSEV_CACHE)/iso15118-0.31.0-py3-none-any.whl
JOSEV_VENV = $(JOSEV_CACHE)/josev-$(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

.PHONY: josev v2gexi-wheel

v2gexi-wheel: $(DEV_READY) ## the wheel with the schemas and EXIficient, for the generator and tests of v2gexi
	@test -f $(JOSEV_WHEEL) || $(BIN)/python -m pip download --quiet --no-deps --dest $(JOSEV_CACHE) iso15118==0.31.0

josev: $(DEV_READY) ## an environment of its own for Josev, so that its peers can be run with v2gexi's codec
	@test -f $(JOSEV_VENV)/.ready || { \
		$(BIN)/python -m venv --clear $(JOSEV_VENV) && \
		$(JOSEV_VENV)/bin/python -m pip install --quiet -r tests/v2gexi/josev-requirements.txt && \
		touch $(JOSEV_VENV)/.ready; }
