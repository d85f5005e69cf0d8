"""The generator: from XSD files to the tables of the engine and the typed modules of Python.

`python -m v2gexi.generate` is its command line (:mod:`v2gexi.generate.__main__`). It needs nothing but the
standard library, not even the compiled engine: its modules import each other relatively, so that it also runs
as `python -m generate` from the folder above it.
"""
