"""Charging sessions while they last: where one begins and ends, who is who in it, and what is kept of it.

A session may take a night. Of its charge loop only the beginning, the latest messages and those with which
something was wrong are kept, so that all checks can be made at its end."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from v2g.capture.checks import check
from v2g.capture.checks_messages import codes
from v2g.capture.events import Event, Layer, Side
from v2g.capture.places import Phase, Places
from v2g.capture.reading import Recording
from v2g.capture.splitting import ROLES, Session, sessions_of

NS: Final = 1_000_000_000
MOST_EVENTS: Final = 6_000
"""Above this the charge loop is thinned out."""
KEPT_FIRST: Final = 100
KEPT_LAST: Final = 500
MOST_REMARKABLE: Final = 1_000
"""Of the charge loop are kept: so many first and last messages, and so many with findings."""
LINGER_NS: Final = 1 * NS
HALF_OPEN_NS: Final = 6 * NS
"""After a connection's end its last packets may come: when both sides have ended it, and when one has."""
STOP_NS: Final = 6 * NS
"""After SessionStopRes the connection ends within five seconds (ISO 15118-2:2014, DIN SPEC 70121:2014)."""
QUIET_NS: Final = 70 * NS
"""A session in which nothing was said for so long is over: stations wait for 60 s
(V2G_SECC_Sequence_Timeout)."""
REPLUGGED_NS: Final = 3 * NS
"""A car that begins anew when nothing was said for so long has been plugged in again. What it does while the
session goes on belongs to it, as do the cars and stations around, which speak, too."""
_BEGINNINGS: Final = ("CM_SLAC_PARM.REQ", "SECCDiscoveryReq")
_CHARGING: Final = (Layer.SLAC, Layer.SDP, Layer.TLS, Layer.V2G)
_PRELUDE: Final = 16
"""So many frames before a session belong to it: a station sets its modem's key before the car comes."""


class LiveSessions:
    """Takes events as they come; tells which sessions have ended."""

    def __init__(self) -> None:
        self._ended = 0
        self._former = 0
        """Connection of the session before."""
        self._prelude: deque[Event] = deque(maxlen=_PRELUDE)
        self._clear()

    def _clear(self) -> None:
        self._events: list[Event] = []
        self._places = Places()
        self._known: dict[bytes, Side] = {}
        self._connection = 0
        self._last = self._said = 0
        self._fins: set[Side] = set()
        self._over: int | None = None
        self._discovered = self._matched = False
        self._begun = False
        self._limit = MOST_EVENTS
        self._dropped = 0

    @property
    def number(self) -> int:
        """Number of the session that lasts, from 1 on; 0: none does."""
        return self._ended + 1 if self._begun else 0

    @property
    def kept(self) -> int:
        """How many events are kept."""
        return len(self._events) + len(self._prelude)

    def deadline(self) -> int | None:
        """When :meth:`tick` has to be called (nanoseconds since 1970); None: not before the next event."""
        if not self._begun:
            return None
        return self._last + QUIET_NS if self._over is None else self._over

    def tick(self, now_ns: int) -> list[Session]:
        """The session that has ended by now, checked."""
        deadline = self.deadline()
        return self.close() if deadline is not None and now_ns >= deadline else []

    def take(self, event: Event) -> list[Session]:
        """Fill in an event's side, checkpoint, phase, and what it says itself to be wrong.

        Returns:
            the session that had ended before it, checked."""
        now = event.time or 0
        ended = self.close() if self._begins(event, now) else self.tick(now)
        late = bool(event.connection) and event.connection == self._former
        if not (self._begun or late) and (event.layer in _CHARGING or event.name == "SYN"):
            self._begin()
        self._describe(event)
        if late:
            return ended
        if not self._begun:
            self._prelude.append(event)
            return ended
        self._events.append(event)
        self._note(event, now)
        if len(self._events) > self._limit:
            self._thin()
        return ended

    def close(self) -> list[Session]:
        """End the session that lasts, and check it. Two, if it turns out that there were two."""
        if not self._begun:
            return []
        sessions = sessions_of(Recording(self._events))
        for session in sessions:
            check(session)
            self._ended += 1
            session.number = self._ended
            session.phases = [
                replace(each, events=each.events + self._dropped) if each.phase is Phase.CHARGING else each
                for each in session.phases
            ]
        self._former = self._connection
        self._clear()
        return sessions

    def _begin(self) -> None:
        self._begun = True
        for event in self._prelude:
            self._describe(event)
            self._events.append(event)
        self._prelude.clear()

    def _begins(self, event: Event, now: int) -> bool:
        """Whether an event begins another session than the one that lasts."""
        if not self._begun:
            return False
        beginning = event.name in _BEGINNINGS
        other = event.layer in (Layer.V2G, Layer.TLS) and event.connection != self._connection
        if not self._connection:
            return event.name == _BEGINNINGS[0] and (self._matched or self._discovered)
        if not (beginning or (other and event.connection)):
            return False
        return self._over is not None or now - self._said > REPLUGGED_NS

    def _describe(self, event: Event) -> None:
        if event.side is Side.UNKNOWN:
            event.side = ROLES.get(event.name) or self._known.get(event.hardware) or Side.UNKNOWN
        if event.side is not Side.UNKNOWN and event.hardware and event.name != "CM_ATTEN_PROFILE.IND":
            self._known.setdefault(event.hardware, event.side)
        self._places.put(event)
        codes(event)

    def _note(self, event: Event, now: int) -> None:
        if event.layer in _CHARGING or event.layer is Layer.TCP:
            self._last = max(self._last, now)
        elif not self._last:
            self._last = now
        self._matched |= event.name == "CM_SLAC_MATCH.CNF"
        self._discovered |= event.layer is Layer.SDP
        if event.layer in (Layer.V2G, Layer.TLS) and event.connection and not self._connection:
            self._connection = event.connection
        if event.connection != self._connection or not self._connection:
            return
        if event.layer is not Layer.TCP:
            self._said = now
        if event.layer is Layer.TCP and event.name in ("FIN", "RST"):
            self._fins.add(event.side)
            both = event.name == "RST" or len(self._fins) > 1
            self._over = now + (LINGER_NS if both else HALF_OPEN_NS)
        elif event.name == "SessionStopRes" and self._over is None:
            self._over = now + STOP_NS

    def _thin(self) -> None:
        """Leave out of the charge loop what nobody needs any more."""
        events = self._events
        copies = [replace(event, findings=list(event.findings)) for event in events]
        session = Session(0, copies, last=True)
        check(session)
        charging = [
            number
            for number, event in enumerate(events)
            if event.phase == Phase.CHARGING and (event.is_request or event.is_response)
        ]
        middle = set(charging[KEPT_FIRST:-KEPT_LAST])
        kept: list[Event] = []
        remarkable = 0
        gap = False
        number = 0
        while number < len(events):
            size = 2 if _is_pair(events, number, middle) else 1
            pair = range(number, number + size)
            found = any(copies[each].findings for each in pair)
            number += size
            if size == 2 and not (found and remarkable < MOST_REMARKABLE):
                self._dropped += 2
                gap = True
                continue
            for each in pair:
                event = events[each]
                if each in middle:
                    event.findings = copies[each].findings
                    remarkable += found
                if gap and (event.is_request or event.is_response):
                    event.resumed, gap = True, False
                kept.append(event)
        if len(kept) > MOST_EVENTS // 2 + KEPT_LAST:
            # No charge loop has filled it: somebody repeats something without end.
            kept = kept[: MOST_EVENTS // 4] + kept[-MOST_EVENTS // 4 :]
        self._events = kept
        self._limit = len(kept) + MOST_EVENTS // 2


def _is_pair(events: list[Event], number: int, middle: set[int]) -> bool:
    """Whether a request and its response stand there, both in the part that may be left out."""
    if number + 1 >= len(events) or number not in middle or number + 1 not in middle:
        return False
    first, second = events[number], events[number + 1]
    return (
        first.is_request
        and second.is_response
        and first.base == second.base
        and first.connection == second.connection
    )
