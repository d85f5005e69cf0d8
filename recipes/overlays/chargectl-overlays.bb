SUMMARY = "Units, rules and settings of the charging controller's root file system"
DESCRIPTION = "The files of overlays/, put in place by overlays/install as on the emulated board."
SECTION = "base"
PV = "${CHARGECTL_VERSION}"

require ../chargectl-licence.inc

FILESEXTRAPATHS:prepend := "${CHARGECTL_TOP}:"
SRC_URI = "file://overlays"

S = "${UNPACKDIR}/overlays"

COMPATIBLE_MACHINE = "${CHARGECTL_MACHINES}"
PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

# Two links are systemd's alone here: it makes /etc/resolv.conf, and the login on the serial console belongs to its
# package systemd-serialgetty.
do_install() {
    sh ${S}/install ${D} ${MACHINE}
    rm ${D}${sysconfdir}/resolv.conf \
        ${D}${sysconfdir}/systemd/system/getty.target.wants/serial-getty@ttymxc3.service
    rmdir ${D}${sysconfdir}/systemd/system/getty.target.wants
}

FILES:${PN} = "/"
CONFFILES:${PN} = ""

# The programs behind the units and scripts.
RDEPENDS:${PN} = "\
    busybox \
    chargectl-guard \
    e2fsprogs-e2fsck \
    e2fsprogs-mke2fs \
    iproute2 \
    mosquitto \
    nftables \
    openssh-keygen \
    openssh-sshd \
    openssl-bin \
    python3-chargectl \
    python3-core \
    rauc \
    systemd \
    util-linux-blockdev \
    util-linux-mount \
    util-linux-umount \
    util-linux-unshare \
"
