"""Updates: what may be installed, when to reboot, what is carried over. Pure policy."""
