# Only for the distribution chargectl: its /etc/mosquitto/mosquitto.conf is one of the overlays' files.
do_install:append:chargectl() {
    rm -f ${D}${sysconfdir}/mosquitto/mosquitto.conf
}
