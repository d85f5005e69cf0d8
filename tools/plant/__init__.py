"""The car, the cable and the station around an emulated board: the desk's simulation on QEMU's pins."""
