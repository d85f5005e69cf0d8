"""ISO 15118-20: AC, DC and MCS, in both control modes. :mod:`~v2g.evcc.iso20.protocol` has the steps."""
