# Only for the distribution chargectl.
FILESEXTRAPATHS:prepend:chargectl := "${THISDIR}/files:"
SRC_URI:append:chargectl = " file://chargectl-scripts.cfg"
