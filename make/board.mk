# The emulated board: QEMU, U-Boot, Debian's kernel and user space, this checkout's files. `make board` builds what is
# missing; the first time that takes about half an hour, kept in $CHARGECTL_CACHE (by default ~/.cache/chargectl).
# Building needs root.
#
#   VERSION  what the built system calls itself; version.mk has the default
BOARD := $(BIN)/python -m tools.board
# All of them, unless ARGS names some.
BOARD_TESTS = $(if $(filter tests/%,$(ARGS)),,tests/target)

.PHONY: board board-image board-test board-quick board-ci board-bench \
	board-root board-programs board-test-programs

board: BUILT = .run/board/card.img
board: board-root $(DEV_READY) board-programs ## boot the emulated board: console here, SSH and MQTT on local ports
	@[ -w .run/board/card.img ] || $(MAKE) --no-print-directory board-image
	@$(BOARD) run $(ARGS)

board-image: board-root $(DEV_READY) board-programs ## build the emulated board's eMMC anew from the checkout
	@mkdir -p .run/board
	@tools/board/build-uboot >/dev/null
	@tools/board/build-slot $(IMAGE_VERSION) .run/board/slot.ext4
	@tools/board/build-image .run/board/slot.ext4 .run/board/card.img

board-test: board-root $(DEV_READY) board-programs board-test-programs ## the tests on the emulated board (ARGS="--serial DEVICE ...": on a real one)
	@$(BIN)/python -m pytest $(BOARD_TESTS) -p no:cacheprovider -rs $(or $(ARGS),-v)

board-quick: board-root $(DEV_READY) board-programs board-test-programs ## those of them that need no restart, from a saved board: seconds each
	@$(BIN)/python -m pytest $(BOARD_TESTS) --resume -p no:cacheprovider -rs $(or $(ARGS),-v)

# The part of board-test that every change has to pass, as far as it is done within half an hour.
board-ci: board-root $(DEV_READY) board-programs board-test-programs
	@$(BIN)/python -m pytest tests/target/test_cycle.py -p no:cacheprovider -x -v -rs $(ARGS)

# Before anything else is done. A board that has been built (BUILT) can be started without, and so can tests on a real one.
board-root:
	@[ "$$(id -u)" = 0 ] || [ -w "$(BUILT)" ] || [ -n "$(findstring --serial,$(ARGS))" ] || { \
		echo "error: building the emulated board needs root (its files belong to root and other users):" \
			"sudo make $(or $(firstword $(MAKECMDGOALS)),board)" >&2; exit 1; }

board-programs:
	@tools/need.sh qemu-system-arm qemu-img=qemu-utils mformat=mtools sfdisk=fdisk mke2fs=e2fsprogs

board-bench: board-root $(DEV_READY) board-programs board-test-programs ## measure the board: start, memory, update, guard, sizes (half an hour)
	@$(BIN)/python -m benchmarks board update_sizes

# Bundles, and sticks of each file system, are made with their own tools.
board-test-programs:
	@tools/need.sh rauc mksquashfs=squashfs-tools casync mkfs.vfat=dosfstools mkfs.exfat=exfatprogs mount.exfat-fuse=exfat-fuse ntfs-3g
