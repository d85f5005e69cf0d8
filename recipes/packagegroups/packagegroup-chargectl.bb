SUMMARY = "What an image of the charging controller consists of"
DESCRIPTION = "The charging stack, its broker, updates, access, and what an owner needs for recovery."
SECTION = "base"
PV = "${CHARGECTL_VERSION}"

COMPATIBLE_MACHINE = "${CHARGECTL_MACHINES}"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup

# The charging stack; the broker, and its clients for whoever stands at the console; updates; access; file systems of USB
# sticks; network time and names.
# shadow: BusyBox has no passwd here, and login's demand for a new root password ends in one.
RDEPENDS:${PN} = "\
    ca-certificates \
    casync \
    chargectl-guard \
    chargectl-overlays \
    chargectl-release \
    curl \
    e2fsprogs-e2fsck \
    e2fsprogs-mke2fs \
    e2fsprogs-resize2fs \
    iproute2 \
    libubootenv-bin \
    mosquitto \
    mosquitto-clients \
    openssh-keygen \
    openssh-scp \
    openssh-sftp-server \
    openssh-sshd \
    openssl-bin \
    python3-chargectl \
    rauc \
    rauc-conf \
    rauc-service \
    shadow \
    tzdata \
    u-boot-env \
    util-linux-blkid \
    util-linux-findmnt \
    util-linux-lsblk \
    util-linux-mount \
    util-linux-umount \
"
