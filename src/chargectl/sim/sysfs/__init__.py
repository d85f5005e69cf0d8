"""The simulated board's ``/sys``: a tree of attributes over a :class:`~chargectl.sim.world.World`.

``nodes`` are the kinds of entries, one module per kernel subsystem fills the tree, and ``fuse`` serves it.
"""
