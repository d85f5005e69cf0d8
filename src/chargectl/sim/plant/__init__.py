"""The physics around the board: pilot line, cable, contactors, lock, RCD, panel and car.

Every part is a plain object with inputs to set, outputs to read, ``advance(to_us)`` to move its time forward
and ``next_us`` for the moment at which it will change by itself. No part knows a clock, a file or another
part; :mod:`chargectl.sim.world` wires them.
"""
