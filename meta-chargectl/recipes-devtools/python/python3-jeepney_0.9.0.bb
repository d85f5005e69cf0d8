SUMMARY = "Pure Python D-Bus interface"
DESCRIPTION = "Low-level, pure Python implementation of the D-Bus protocol; the update daemon speaks to RAUC with it."
HOMEPAGE = "https://gitlab.com/takluyver/jeepney"
SECTION = "devel/python"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=aad69c93f605003e3342b174d9b0708c"

SRC_URI[sha256sum] = "cf0e9e845622b81e4a28df94c40345400256ec608d0e55bb8a3feaa9163f5732"

inherit pypi python_flit_core

# The adapters to frameworks that are not on a board.
do_install:append() {
    rm -f ${D}${PYTHON_SITEPACKAGES_DIR}/jeepney/io/asyncio.py \
          ${D}${PYTHON_SITEPACKAGES_DIR}/jeepney/io/trio.py
    rm -rf ${D}${PYTHON_SITEPACKAGES_DIR}/jeepney/tests \
           ${D}${PYTHON_SITEPACKAGES_DIR}/jeepney/io/tests
}

RDEPENDS:${PN} += "python3-core python3-io"

BBCLASSEXTEND = "native nativesdk"
