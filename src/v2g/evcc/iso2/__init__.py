"""ISO 15118-2: AC and DC, external payment and Plug & Charge. :mod:`~v2g.evcc.iso2.protocol` has the table of
steps."""
