"""The EV's side of a V2G session, pure: bytes and facts in, effects and a deadline out.

* :mod:`~v2g.evcc.vehicle`: what a session asks its EV (battery, measurements, confirmations, wishes);
* :mod:`~v2g.evcc.effects`: what it wants from the EV (pilot, lock, contactors) and tells about the charger;
* :mod:`~v2g.evcc.engine`: the rules that all message sets share;
* :mod:`~v2g.evcc.shutdown`: the order in which the power path is opened, whatever ended the session;
* ``din``, ``iso2``, ``iso20``: a table of steps and one small file for each message.
"""
