SUMMARY = "Daemons and command line of the charging controller"
DESCRIPTION = "The distribution src/chargectl: the daemons and the command line, without the simulated board."
SECTION = "base"

require ../chargectl-licence.inc

# The folder as it stands in the checkout this recipe lies in; and what an update carries over from the old system.
FILESEXTRAPATHS:prepend := "${CHARGECTL_TOP}/src:${CHARGECTL_TOP}/bundle:"
SRC_URI = "\
    file://chargectl \
    file://migration.toml \
"

S = "${UNPACKDIR}/chargectl"

inherit python_hatchling

# pyproject.toml pins the build backend for the desk; here the LTS's own is used, and both make the same wheel.
PEP517_BUILD_OPTS = "--skip-dependency-check"

# What Python has compiled in the checkout is no source.
do_unpack[postfuncs] += "chargectl_drop_caches"
chargectl_drop_caches() {
    find ${S} -name __pycache__ -type d -prune -exec rm -rf {} +
}

# The simulated board is for desks; the guard runs on another Python, from a folder of its own (chargectl-guard).
do_install:append() {
    rm -rf ${D}${PYTHON_SITEPACKAGES_DIR}/chargectl/sim ${D}${PYTHON_SITEPACKAGES_DIR}/chargectl/guard
    install -D -m 0644 ${UNPACKDIR}/migration.toml ${D}${datadir}/chargectl/migration.toml
}

FILES:${PN} += "${datadir}/chargectl"

RDEPENDS:${PN} = "\
    python3-asyncio \
    python3-core \
    python3-crypt \
    python3-ctypes \
    python3-datetime \
    python3-difflib \
    python3-fcntl \
    python3-io \
    python3-jeepney \
    python3-json \
    python3-logging \
    python3-math \
    python3-netclient \
    python3-paho-mqtt \
    python3-periphery \
    python3-shell \
    python3-threading \
    python3-tomllib \
    python3-v2g \
"
