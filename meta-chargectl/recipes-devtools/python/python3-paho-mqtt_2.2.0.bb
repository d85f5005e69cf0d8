SUMMARY = "MQTT version 5.0/3.1.1 client class"
DESCRIPTION = "The daemons' MQTT client. The LTS has 2.1.0, whose network thread ends when a publisher sends properties \
that it cannot read: a retained message of that kind would lock every daemon out of the broker."
HOMEPAGE = "https://eclipse.dev/paho/"
SECTION = "devel/python"
LICENSE = "EPL-2.0 | BSD-3-Clause"
LIC_FILES_CHKSUM = "file://LICENSE.txt;md5=8e5f264c6988aec56808a3a11e77b913"

SRC_URI[sha256sum] = "bcf706f03f1f49e0fc3ae166dc7b67ee35463496f8bdfd7c9c36181f6ba635c9"

PYPI_PACKAGE = "paho_mqtt"
inherit pypi python_hatchling

RDEPENDS:${PN} += "\
    python3-asyncio \
    python3-core \
    python3-crypt \
    python3-io \
    python3-logging \
    python3-math \
    python3-netclient \
    python3-threading \
"

BBCLASSEXTEND = "native nativesdk"
