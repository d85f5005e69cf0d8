SUMMARY = "EXI codec for vehicle-to-grid messages"
DESCRIPTION = "The distribution src/v2gexi: the engine and its tables, typed messages, and the command v2gexi. \
    DIN SPEC 70121, ISO 15118-2 and ISO 15118-20."
SECTION = "base"

require ../chargectl-licence.inc

# The folder as it stands in the checkout this recipe lies in.
FILESEXTRAPATHS:prepend := "${CHARGECTL_TOP}/src:"
SRC_URI = "file://v2gexi"

S = "${UNPACKDIR}/v2gexi"

inherit python_setuptools_build_meta

# pyproject.toml pins the build backend for the desk; here the LTS's own is used.
PEP517_BUILD_OPTS = "--skip-dependency-check"

# What was compiled in the checkout is no source.
do_unpack[postfuncs] += "v2gexi_drop_builds"
v2gexi_drop_builds() {
    find ${S} -name __pycache__ -type d -prune -exec rm -rf {} +
    rm -rf ${S}/build ${S}/*.egg-info ${S}/*.so ${S}/c/build
}

# What writes the tables is for desks.
do_install:append() {
    rm -rf ${D}${PYTHON_SITEPACKAGES_DIR}/v2gexi/generate
}

RDEPENDS:${PN} = "\
    python3-core \
    python3-datetime \
    python3-io \
    python3-json \
    python3-math \
    python3-netclient \
    python3-numbers \
    python3-threading \
    python3-xml \
"
