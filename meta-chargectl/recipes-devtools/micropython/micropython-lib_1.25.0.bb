SUMMARY = "MicroPython's standard library in Python"
DESCRIPTION = "Modules of micropython-lib, one package each; those that are listed here and no others."
HOMEPAGE = "https://github.com/micropython/micropython-lib"
SECTION = "devel"
LICENSE = "MIT & PSF-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=9689e315ccc74c7994c76bdafbceb945"

SRC_URI = "git://github.com/micropython/micropython-lib.git;protocol=https;nobranch=1;tag=v${PV}"
SRCREV = "5b496e944ec045177afa1620920a168410b7f60b"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

# Folder in the sources, and the module or modules in it.
MICROPYTHON_MODULES = "\
    python-stdlib/argparse:argparse.py \
    python-stdlib/stat:stat.py \
    python-stdlib/logging:logging.py \
"

do_install() {
    install -d ${D}${nonarch_libdir}/micropython
    for module in ${MICROPYTHON_MODULES}; do
        install -m 0644 ${S}/${module%%:*}/${module##*:} ${D}${nonarch_libdir}/micropython/
    done
}

FILES:${PN} = "${nonarch_libdir}/micropython"
RDEPENDS:${PN} = "micropython"
