"""Several charging sessions in one file are told apart, and who in them is the car."""

from __future__ import annotations

from dataclasses import dataclass, field

from v2g.capture.events import Event, Finding, Layer, Side
from v2g.capture.phases import PhaseTime, phase_times
from v2g.capture.places import Places
from v2g.capture.reading import Recording


@dataclass(slots=True)
class Session:
    """One attempt to charge: from SLAC, or what was captured first, to the end.

    Attributes:
        number: from 1 on.
        events: in their order.
        last: whether the file ends with it.
        phases: those it had, with their times.
        findings: what concerns no single event.
    """

    number: int
    events: list[Event] = field(default_factory=list)
    last: bool = False
    phases: list[PhaseTime] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def messages(self) -> list[Event]:
        """The V2G messages that could be read."""
        return [event for event in self.events if event.is_request or event.is_response]

    @property
    def message_set(self) -> str:
        """The message set that was used; empty if no handshake was finished."""
        return next((event.message_set for event in self.messages if event.message_set != "app"), "")

    @property
    def session_id(self) -> bytes:
        """The session id that the station gave; empty if it gave none."""
        return next(
            (
                event.session_id
                for event in self.messages
                if event.base == "SessionSetup" and event.is_response
            ),
            b"",
        )

    def first(self, name: str) -> Event | None:
        """The first event of a name."""
        return next((event for event in self.events if event.name == name), None)


def sessions_of(recording: Recording) -> list[Session]:
    """The sessions of a file. Events between two of them belong to the one before."""
    found = [Session(0)]
    state = _State(recording.events)
    owners: dict[int, Session] = {}
    for event in recording.events:
        if state.begins(event):
            found.append(Session(0))
        # A connection's end may come when the next session has begun.
        owner = owners.setdefault(event.connection, found[-1]) if event.connection else found[-1]
        owner.events.append(event)
    sessions = [session for session in found if _is_session(session)]
    for number, session in enumerate(sessions, 1):
        session.number = number
        _sides(session)
        places = Places()
        for event in session.events:
            places.put(event)
        session.phases = phase_times(session.events)
    if sessions:
        sessions[-1].last = True
    return sessions


def _is_session(session: Session) -> bool:
    return any(
        event.layer in (Layer.SLAC, Layer.SDP, Layer.TCP, Layer.TLS, Layer.V2G) for event in session.events
    )


class _State:
    """What of a session has been seen."""

    def __init__(self, events: list[Event]) -> None:
        self._last_content = {
            event.connection: event.packet
            for event in events
            if event.connection and event.layer in (Layer.V2G, Layer.TLS)
        }
        """Of the connections over which something was said: the packet with the last of it."""
        self._seen: set[int] = set()
        self._clear()

    def _clear(self) -> None:
        self._matched = False
        self._discovered = False
        self._connection = 0

    def begins(self, event: Event) -> bool:
        """Whether another session begins with an event."""
        opens = event.connection in self._last_content and event.connection not in self._seen
        new = False
        if event.packet <= self._last_content.get(self._connection, 0):
            # The cars and stations around speak, too.
            new = opens
        elif event.name == "CM_SLAC_PARM.REQ":
            new = self._matched or self._discovered or bool(self._connection)
        elif event.name == "SECCDiscoveryReq" or opens:
            new = bool(self._connection)
        if new:
            self._clear()
        self._matched |= event.name == "CM_SLAC_MATCH.CNF"
        self._discovered |= event.layer is Layer.SDP
        if opens:
            self._seen.add(event.connection)
            self._connection = event.connection
        return new


ROLES = {
    "CM_SLAC_PARM.REQ": Side.CAR,
    "CM_START_ATTEN_CHAR.IND": Side.CAR,
    "CM_MNBC_SOUND.IND": Side.CAR,
    "CM_ATTEN_CHAR.RSP": Side.CAR,
    "CM_VALIDATE.REQ": Side.CAR,
    "CM_SLAC_MATCH.REQ": Side.CAR,
    "CM_SLAC_PARM.CNF": Side.STATION,
    "CM_ATTEN_CHAR.IND": Side.STATION,
    "CM_VALIDATE.CNF": Side.STATION,
    "CM_SLAC_MATCH.CNF": Side.STATION,
    "CM_ATTEN_PROFILE.IND": Side.STATION,
}
"""Who sends what in SLAC; the profile comes from the station's own modem."""


def _sides(session: Session) -> None:
    """Who sent it, of frames and datagrams: by what else came from the same Ethernet address."""
    known: dict[bytes, Side] = {}
    for event in session.events:
        if event.side is Side.UNKNOWN:
            event.side = ROLES.get(event.name, Side.UNKNOWN)
        if event.side is not Side.UNKNOWN and event.hardware and event.name != "CM_ATTEN_PROFILE.IND":
            known.setdefault(event.hardware, event.side)
    modems = _modems(session, known)
    for event in session.events:
        if event.side is Side.UNKNOWN:
            event.side = known.get(event.hardware) or modems.get(event.hardware) or Side.UNKNOWN


def _modems(session: Session, known: dict[bytes, Side]) -> dict[bytes, Side]:
    """Who takes a host's key is its modem."""
    found: dict[bytes, Side] = {}
    asked: Side | None = None
    for event in session.events:
        if event.name == "CM_SET_KEY.REQ":
            asked = known.get(event.hardware)
        elif event.name == "CM_SET_KEY.CNF" and asked is not None:
            found.setdefault(event.hardware, asked)
            asked = None
    return found
