"""The simulated board: a plant behind the same ``/sys`` files as the hardware, and a car to charge.

``plant/`` holds the physics, ``world`` wires it, ``sysfs/`` serves it as files, ``serve`` runs it around a
command, ``client`` talks to it. Production code never imports any of it and never knows.
"""
