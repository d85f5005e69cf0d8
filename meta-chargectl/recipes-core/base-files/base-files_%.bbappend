# Only for the distribution chargectl: its /etc/fstab is one of the overlays' files.
do_install:append:chargectl() {
    rm -f ${D}${sysconfdir}/fstab
}
