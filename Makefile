# Each target installs what it needs: Python packages into $(VENV), programs with apt-get. `make` lists the targets.
#
#   ARGS    passed on to the program behind run, test, bench and mutate:  make test ARGS="tests/port -x"
#   PYTHON  the Python (3.11 to 3.14) for the virtual environment; by default the first that fits
#   VENV    where the virtual environment goes

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
ARGS ?=
export PYTHON

# What can be tested without a broker and without other processes.
FAST := $(wildcard tests/declarations tests/config tests/pilot tests/port tests/hmi tests/hlc tests/update)

.DEFAULT_GOAL := help
.PHONY: programs-v2g help run test test-fast lint format check-docs docs bench mutate coverage clean programs programs-test

help: ## list the targets
	@echo "make TARGET [ARGS=...] [PYTHON=python3.N]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_READY) programs $(if $(findstring --iso15118,$(ARGS)),exi-core programs-v2g) ## a simulated board with a car: a live screen, or without a terminal a full session (ARGS=--iso15118: by ISO 15118-2)
	@$(BIN)/chargectl sim run $(ARGS)

test: $(DEV_READY) exi-core exi-programs yocto-tools programs-test ## all tests but those on the emulated board; writes docs/conformance.md (with ARGS: those tests, writes nothing)
	@$(BIN)/python -m pytest $(or $(ARGS),--conformance=write)

test-fast: $(DEV_READY) exi-core ## tests of the declarations and the pure cores
	@$(BIN)/python -m pytest $(or $(ARGS),$(FAST))

lint: $(DEV_READY) exi-core ## ruff, mypy, the import contracts and check-docs
	@status=0; \
	for check in "ruff check ." "ruff format --check --quiet ." "mypy src/chargectl src/v2g src/v2gexi tests benchmarks tools" "lint-imports --no-logo"; do \
		echo "$$check"; $(BIN)/$$check || status=1; \
	done; \
	$(MAKE) --no-print-directory check-docs || status=1; \
	exit $$status

format: $(DEV_READY) ## lay out the code as lint wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check-docs: $(DEV_READY) exi-core check-exi-tables ## fail where a generated document is not what its source says
	$(BIN)/python -m chargectl.declarations.reference docs/reference --check
	$(BIN)/python -m chargectl.board.guard_pins src/chargectl/guard/pins.py --check
	$(BIN)/python bundle/reference.py docs/reference/migration.md --check
	$(BIN)/python -m v2g.reference docs/reference --check
	@echo "pytest --conformance=check"
	@said=$$($(BIN)/python -m pytest --collect-only -qqq --conformance=check 2>&1) || \
		{ echo "$$said" | sed '/^tests.*: [0-9]*$$/d'; exit 1; }

docs: $(DEV_READY) exi-core ## write the generated documents: the reference, and by running all tests the conformance table
	$(BIN)/python -m chargectl.declarations.reference docs/reference
	$(BIN)/python -m chargectl.board.guard_pins src/chargectl/guard/pins.py
	$(BIN)/python bundle/reference.py docs/reference/migration.md
	$(BIN)/python -m v2g.reference docs/reference
	$(BIN)/python -m tests.v2g.desk.fault_table docs/reference/v2g-faults.md
	@for file in customer leds rotaryencd; do \
		$(BIN)/chargectl config shipped $$file.json >overlays/common/etc/secc/$$file.json.shipped; done
	@$(MAKE) --no-print-directory test ARGS=

bench: $(DEV_READY) exi-core programs ## measure; ARGS names the benchmarks to run
	@$(BIN)/python -m benchmarks $(ARGS)

mutate: $(DEV_READY) ## change the cores' code bit by bit and see whether a test notices (takes long)
	@$(BIN)/python tools/mutate.py $(ARGS)

coverage: $(DEV_READY) exi-core exi-programs yocto-tools programs-test ## which lines and branches the tests reach
	$(BIN)/python -m coverage run -m pytest $(ARGS)
	$(BIN)/python -m coverage report

clean: ## remove everything that was made here
	rm -rf $(VENV) .run build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

-include make/*.mk

# The broker. Tests and `make run` start their own on a free port; the package's own service is not used.
programs:
	@tools/need.sh mosquitto

# What joins simulated modems and network namespaces.
programs-v2g:
	@tools/need.sh ip=iproute2

# What tests put the firmware together with: RAUC and its D-Bus, systemd, the broker's clients, file systems.
programs-test: programs
	@tools/need.sh rauc /usr/share/dbus-1/system-services/de.pengutronix.rauc.service=rauc-service \
		faketime casync fw_printenv=libubootenv-tool mksquashfs=squashfs-tools openssl curl zstd xz=xz-utils bzip2 strace shellcheck \
		busybox dash dbus-daemon=dbus-daemon dbus-send=dbus-bin systemd-analyze=systemd udevadm=udev \
		nft=nftables ssh-keygen=openssh-client sshd=openssh-server ip=iproute2 mosquitto_sub=mosquitto-clients \
		mke2fs=e2fsprogs mkfs.vfat=dosfstools mkfs.exfat=exfatprogs ntfs-3g mcopy=mtools sfdisk=fdisk cpio \
		unshare=util-linux setpriv=util-linux qemu-system-arm \
		softhsm2-util=softhsm2 /usr/share/doc/libengine-pkcs11-openssl/copyright=libengine-pkcs11-openssl

$(RUN_READY): requirements/run.txt src/chargectl/pyproject.toml src/v2g/pyproject.toml
	@tools/venv.sh $(VENV) requirements/run.txt
	@touch $@

$(DEV_READY): requirements/dev.txt requirements/run.txt src/chargectl/pyproject.toml src/v2g/pyproject.toml
	@tools/venv.sh $(VENV) requirements/dev.txt
	@touch $@ $(RUN_READY)
