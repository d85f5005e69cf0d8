"""What all rooms share: values with units, names, timers, checkpoints, redaction. Pure."""
