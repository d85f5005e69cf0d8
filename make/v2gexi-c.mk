# The C side of v2gexi: compilers and emulators of its tests, and fuzzing.
#
#   ARGS  of `make fuzz`: further arguments of libFuzzer, such as -max_total_time=3600

FUZZ_FOLDER ?= .run/fuzz

.PHONY: exi-c-programs fuzz

exi-programs: exi-c-programs

# clang with libFuzzer; compilers and emulators for processors of 32 bits and of the other byte order.
exi-c-programs:
	@tools/need.sh gcc clang pkg-config \
		qemu-arm=qemu-user qemu-ppc=qemu-user \
		arm-linux-gnueabihf-gcc=gcc-arm-linux-gnueabihf /usr/arm-linux-gnueabihf/include/stdio.h=libc6-dev-armhf-cross \
		powerpc-linux-gnu-gcc=gcc-powerpc-linux-gnu /usr/powerpc-linux-gnu/include/stdio.h=libc6-dev-powerpc-cross
	@package=libclang-rt-$$(clang -dumpversion | cut -d. -f1)-dev; tools/need.sh /usr/share/doc/$$package/copyright=$$package

fuzz: $(DEV_READY) exi-core exi-c-programs ## fuzz v2gexi's engine until it is interrupted (ARGS=-max_total_time=SECONDS)
	@mkdir -p $(FUZZ_FOLDER)/corpus $(FUZZ_FOLDER)/found
	@$(BIN)/python -m tests.v2gexi.c.seeds $(FUZZ_FOLDER)/seeds
	@$(BIN)/python -m tests.v2gexi.c.build fuzz $(FUZZ_FOLDER)/there-and-back
	@$(FUZZ_FOLDER)/there-and-back -max_len=1300 -timeout=10 -artifact_prefix=$(FUZZ_FOLDER)/found/ $(ARGS) \
		$(FUZZ_FOLDER)/corpus $(FUZZ_FOLDER)/seeds
