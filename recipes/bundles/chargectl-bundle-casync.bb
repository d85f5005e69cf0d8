SUMMARY = "Update of the charging controller in pieces"
DESCRIPTION = "The signed bundle with a casync index: a small .raucb, and beside it the folder .castr with the pieces, for a web server."

require chargectl-bundle.inc

RAUC_CASYNC_BUNDLE = "1"
CASYNC_BUNDLE_BASENAME = "${BUNDLE_BASENAME}-casync"
CASYNC_BUNDLE_NAME = "${CASYNC_BUNDLE_BASENAME}-${MACHINE}-${CHARGECTL_VERSION}"

# Only what was cut into pieces: the whole bundle is chargectl-bundle's.
do_deploy() {
    install -d ${DEPLOYDIR}
    install -m 0644 ${B}/casync-bundle.raucb ${DEPLOYDIR}/${CASYNC_BUNDLE_NAME}.raucb
    cp -r ${B}/casync-bundle.castr ${DEPLOYDIR}/${CASYNC_BUNDLE_NAME}.castr
    ln -sf ${CASYNC_BUNDLE_NAME}.raucb ${DEPLOYDIR}/${CASYNC_BUNDLE_LINK_NAME}.raucb
    ln -sf ${CASYNC_BUNDLE_NAME}.castr ${DEPLOYDIR}/${CASYNC_BUNDLE_LINK_NAME}.castr
}
