SUMMARY = "Stands in for the recipe that this layer appends to"
do_install() {
    install -d ${D}${sysconfdir}
    echo upstream > ${D}${sysconfdir}/fstab
}
