SUMMARY = "A small Python for small computers"
DESCRIPTION = "MicroPython for Unix, without the parts that need libraries of others: no TLS, no database, no Bluetooth. \
The guard of the charging port runs on it, so that the guard shares neither interpreter nor libraries with what it guards."
HOMEPAGE = "https://micropython.org/"
SECTION = "devel"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=71117adf86068ff8854efb5ed46c8ddd"

DEPENDS = "libffi python3-native"

SRC_URI = "git://github.com/micropython/micropython.git;protocol=https;nobranch=1;tag=v${PV}"
SRCREV = "f498a16c7db6d4b2de200b3e0856528dfe0613c3"

inherit pkgconfig

# No -Werror: a newer compiler may warn of what this release does not know yet.
# No frozen modules: the guard imports what is written in C, and files of its own.
EXTRA_OEMAKE = "\
    V=1 \
    VARIANT=standard \
    CROSS_COMPILE=${TARGET_PREFIX} \
    CC='${CC}' \
    CPP='${CPP}' \
    CWARN=-Wall \
    CFLAGS_EXTRA='${CFLAGS}' \
    LDFLAGS_EXTRA='${LDFLAGS}' \
    STRIP=true \
    FROZEN_MANIFEST= \
    MICROPY_PY_BTREE=0 \
    MICROPY_PY_FFI=1 \
    MICROPY_PY_SSL=0 \
    MICROPY_SSL_MBEDTLS=0 \
    MICROPY_STANDALONE=0 \
"

# The makefiles would take these for their own variables.
do_configure[noexec] = "1"

do_compile() {
    unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS
    oe_runmake -C ports/unix
}

do_install() {
    unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS
    oe_runmake -C ports/unix install DESTDIR=${D} PREFIX=${prefix}
}
