"""What DIN SPEC 70121 and ISO 15118-2 have in common: the same DC exchanges over either's message classes.

Functions take the message set's module, :mod:`v2gexi.din` or :mod:`v2gexi.iso2`."""
