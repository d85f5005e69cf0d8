SUMMARY = "The charging controller's firmware"
DESCRIPTION = "One root file system: written into both slots of a new eMMC, and what an update bundle carries."

require chargectl-image.inc
