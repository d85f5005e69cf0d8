# The emulated board: QEMU, U-Boot, Debian's kernel and user space, this checkout's files. `make board` builds what is
# missing; the first time that takes about half an hour, kept in $CHARGECTL_CACHE (by default ~/.cache/chargectl).
#
#   VERSION  what the built system calls itself; by default after the last commit
BOARD := $(BIN)/python -m tools.board
BOARD_VERSION = $(or $(VERSION),0.1.0+$(shell git log -1 --format=%cd --date=format:%Y%m%d))

.PHONY: board board-image board-test board-quick board-ci board-bench board-programs board-test-programs

board: $(DEV_READY) board-programs ## boot the emulated board: console here, SSH, MQTT and web on local ports
	@[ -e .run/board/card.img ] || $(MAKE) --no-print-directory board-image
	@$(BOARD) run $(ARGS)

board-image: $(DEV_READY) board-programs ## build the emulated board's eMMC anew from the checkout
	@mkdir -p .run/board
	@tools/board/build-uboot >/dev/null
	@tools/board/build-slot $(BOARD_VERSION) .run/board/slot.ext4
	@tools/board/build-image .run/board/slot.ext4 .run/board/card.img

board-test: $(DEV_READY) board-programs board-test-programs ## the tests on the emulated board (ARGS="--serial DEVICE": on a real one)
	@$(BIN)/python -m pytest tests/target -p no:cacheprovider $(or $(ARGS),-v)

board-quick: $(DEV_READY) board-programs board-test-programs ## those of them that need no restart, from a saved board: seconds each
	@$(BIN)/python -m pytest tests/target --resume -p no:cacheprovider $(or $(ARGS),-v)

# The part of board-test that every change has to pass, as far as it is done within half an hour.
board-ci: $(DEV_READY) board-programs board-test-programs
	@$(BIN)/python -m pytest tests/target/test_cycle.py -p no:cacheprovider -x -v -rs $(ARGS)

board-programs:
	@tools/need.sh qemu-system-arm qemu-img=qemu-utils mformat=mtools sfdisk=fdisk mke2fs=e2fsprogs

board-bench: $(DEV_READY) board-programs board-test-programs ## measure the board: start, memory, update, guard, sizes (half an hour)
	@$(BIN)/python -m benchmarks board update_sizes

# Bundles, and sticks of each file system, are made with their own tools.
board-test-programs:
	@tools/need.sh rauc mksquashfs=squashfs-tools casync mkfs.vfat=dosfstools mkfs.exfat=exfatprogs mount.exfat-fuse=exfat-fuse ntfs-3g
