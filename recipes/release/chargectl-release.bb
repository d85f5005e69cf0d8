SUMMARY = "What the image says of itself"
DESCRIPTION = "/etc/chargectl-release: version, time, machine, and whether bundles signed with public development keys are accepted."
SECTION = "base"
PV = "${CHARGECTL_VERSION}"

require ../chargectl-licence.inc

S = "${UNPACKDIR}"

PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${sysconfdir}
    build=$(date --utc --date=@${CHARGECTL_EPOCH} +%Y-%m-%dT%H:%M:%SZ)
    development=${@'yes' if d.getVar('CHARGECTL_PKI') == 'development' else 'no'}
    {
        echo "VERSION=${CHARGECTL_VERSION}"
        echo "BUILD=$build"
        echo "MACHINE=${MACHINE}"
        echo "DEVELOPMENT_KEYS=$development"
    } > ${D}${sysconfdir}/chargectl-release
    chmod 0644 ${D}${sysconfdir}/chargectl-release
}
