"""DIN SPEC 70121: DC charging, paid externally. :mod:`~v2g.evcc.din.protocol` has the table of steps."""
