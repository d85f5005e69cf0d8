# The tables and stubs of v2gexi, generated from the published schemas.
#
#   V2GEXI_SCHEMAS  the wheel or folder with the schemas; by default the wheel that `make v2gexi-wheel` fetches

V2GEXI_SCHEMAS ?= $(JOSEV_WHEEL)
# From its own folder: the generator then needs no compiled engine, and so can repair tables that do not compile.
V2GEXI_GENERATE = cd src/v2gexi && $(abspath $(BIN)/python) -m generate --schemas $(abspath $(V2GEXI_SCHEMAS))

EXI_READY := $(VENV)/.ready-exi
PYTHON_HEADER = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include") + "/Python.h")')
PYTHON_HEADER_PACKAGE = $(shell $(BIN)/python -c 'import sys; print("libpython%d.%d-dev" % sys.version_info[:2])')

.PHONY: exi-core exi-programs exi-tables check-exi-tables

# The engine, compiled into the checkout.
exi-core: $(EXI_READY)

$(EXI_READY): $(RUN_READY) src/v2gexi/pyproject.toml $(wildcard src/v2gexi/c/*.[ch] src/v2gexi/c/include/*.h)
	@tools/need.sh gcc /usr/include/stdio.h=libc6-dev $(PYTHON_HEADER)=$(PYTHON_HEADER_PACKAGE)
	@echo "Compiling v2gexi"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e src/v2gexi
	@touch $@

# The reference codec of the tests.
exi-programs: v2gexi-wheel
	@tools/need.sh java=default-jdk-headless

exi-tables: $(DEV_READY) v2gexi-wheel ## write v2gexi's tables, names and stubs anew from the schemas
	@$(V2GEXI_GENERATE)

check-exi-tables: $(DEV_READY) v2gexi-wheel ## fail where v2gexi's tables, names or stubs are not what the schemas say
	@$(V2GEXI_GENERATE) --check
