"""Benchmarks: `make bench` runs every module here whose name starts with ``bench_``.

Such a module has a docstring, whose first line is its title, and a function ``figures()`` that measures and
returns or yields `Figure` values. Nothing is asserted: a figure is there to be read beside another one.
"""

from __future__ import annotations

from benchmarks.figure import Figure

__all__ = ["Figure"]
