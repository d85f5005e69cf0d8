SUMMARY = "Update of the charging controller"
DESCRIPTION = "The signed bundle that boards install from a file, a stick or an address."

require chargectl-bundle.inc

# A board that has most of the blocks already fetches only the others.
RAUC_SLOT_rootfs[adaptive] = "block-hash-index"

# *.image is what a board looks for on a stick, and downloads before it installs it. An address that ends in .raucb is
# handed to RAUC, which then fetches no more of the bundle than it needs; it is the same file.
BUNDLE_EXTENSION = ".image"

do_deploy:append() {
    ln -sf ${BUNDLE_NAME}${BUNDLE_EXTENSION} ${DEPLOYDIR}/${BUNDLE_LINK_NAME}.raucb
}
