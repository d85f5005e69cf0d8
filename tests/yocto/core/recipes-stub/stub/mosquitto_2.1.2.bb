SUMMARY = "Stands in for the recipe that this layer appends to"
do_install() {
    install -d ${D}${sysconfdir}/mosquitto
    echo upstream > ${D}${sysconfdir}/mosquitto/mosquitto.conf
}
