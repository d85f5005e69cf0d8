"""The charging station's side of a V2G session, pure: bytes and facts in, effects and a deadline out.

* :mod:`~v2g.secc.station`: what a session asks its station (limits, authorisation, measurements, requests);
* :mod:`~v2g.secc.effects`: what it wants from the station and tells about the EV;
* :mod:`~v2g.secc.engine`: the rules that all message sets share;
* :mod:`~v2g.secc.direct`: rules of direct current that all message sets share;
* ``shared``: exchanges that DIN SPEC 70121 and ISO 15118-2 share;
* ``din``, ``iso2``, ``iso20``: a table of states and one small file for each message.
"""
