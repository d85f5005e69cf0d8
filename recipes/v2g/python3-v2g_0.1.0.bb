SUMMARY = "Vehicle-to-grid communication, from the power line to the charge loop"
DESCRIPTION = "The distribution src/v2g: HomePlug, SLAC, SDP, DIN SPEC 70121, ISO 15118-2 and ISO 15118-20 for chargers and \
    cars, certificates, captures, and the command v2g."
SECTION = "base"

require ../chargectl-licence.inc

# The folder as it stands in the checkout this recipe lies in.
FILESEXTRAPATHS:prepend := "${CHARGECTL_TOP}/src:"
SRC_URI = "file://v2g"

S = "${UNPACKDIR}/v2g"

inherit python_setuptools_build_meta

# pyproject.toml pins the build backend and cryptography for the desk; here the LTS's own are used.
PEP517_BUILD_OPTS = "--skip-dependency-check"

# What Python has compiled in the checkout, and what was built there, is no source.
do_unpack[postfuncs] += "v2g_drop_builds"
v2g_drop_builds() {
    find ${S} -name __pycache__ -type d -prune -exec rm -rf {} +
    rm -rf ${S}/build ${S}/*.egg-info
}

# What writes the documents is for desks.
do_install:append() {
    rm -f ${D}${PYTHON_SITEPACKAGES_DIR}/v2g/reference.py
}

RDEPENDS:${PN} = "\
    python3-asyncio \
    python3-core \
    python3-crypt \
    python3-cryptography \
    python3-datetime \
    python3-difflib \
    python3-fcntl \
    python3-io \
    python3-json \
    python3-logging \
    python3-math \
    python3-netclient \
    python3-pyyaml \
    python3-threading \
    python3-v2gexi \
    python3-xml \
"
