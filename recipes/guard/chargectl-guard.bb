SUMMARY = "The guard of the charging port, a program in MicroPython"
DESCRIPTION = "Feeds the hardware watchdog only while the port daemon lives, and opens the contactor itself when it does not."
SECTION = "base"
PV = "${CHARGECTL_VERSION}"

require ../chargectl-licence.inc

FILESEXTRAPATHS:prepend := "${CHARGECTL_TOP}/src/chargectl:"
SRC_URI = "file://guard"

S = "${UNPACKDIR}/guard"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${nonarch_libdir}/chargectl/guard
    install -m 0644 ${S}/*.py ${D}${nonarch_libdir}/chargectl/guard/
}

FILES:${PN} = "${nonarch_libdir}/chargectl/guard"
RDEPENDS:${PN} = "micropython"
