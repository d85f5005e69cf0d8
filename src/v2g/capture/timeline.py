"""A recording as text that people read: events in their order, phases, timing statistics, anomalies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from v2g.capture.checks import findings_of
from v2g.capture.events import Event, Finding, Layer, Value
from v2g.capture.limits import FINDINGS, STANDARDS
from v2g.capture.messages import QUIET, unit_of
from v2g.capture.phases import statistics_of
from v2g.capture.reading import Recording
from v2g.capture.splitting import Session
from v2g.common import redact

NS: Final = 1_000_000_000
"""Nanoseconds in a second."""
SHOWN_OF_RUN: Final = 2
"""So many of the same thing in a row are written out; the others are counted."""
SHOWN_FINDINGS: Final = 3
"""So many of the same kind of finding are listed at the end; the others are counted."""
LOG_WIDTH: Final = 110
"""Longer log lines are cut."""
_FOLDED_VALUES: Final = ("EVSEPresentVoltage", "EVSEPresentCurrent", "SoC")
_RULE: Final = "─"


class Timeline:
    """Writes a recording out.

    Args:
        recording: what was read.
        sessions: its sessions, checked.
        secrets: show tokens and keys, instead of what takes their place.
        everything: write every event out, and all values; else repetitions are folded.
    """

    def __init__(
        self,
        recording: Recording,
        sessions: list[Session],
        *,
        secrets: bool = False,
        everything: bool = False,
    ) -> None:
        self._recording = recording
        self._sessions = sessions
        self._secrets = secrets
        self._everything = everything

    def lines(self, origin: str) -> Iterator[str]:
        """All lines. ``origin``: the file's name."""
        yield self._summary(origin)
        for session in self._sessions:
            yield ""
            yield self.heading(session)
            yield from self._events(session.events)
            yield from self.conclusions(session)
        if not self._sessions:
            yield from self._events(self._recording.events)
        for note in self._recording.notes:
            yield f"note: {note}"

    def _summary(self, origin: str) -> str:
        recording = self._recording
        parts = [f"{recording.packets} packets"]
        if recording.first is not None and recording.last is not None:
            begin = _time_of_day(recording.first)
            parts.append(f"{(recording.last - recording.first) / NS:.3f} s from {begin} on")
        count = len(self._sessions)
        parts.append("no session" if not count else "1 session" if count == 1 else f"{count} sessions")
        return f"{origin}: {', '.join(parts)}"

    @staticmethod
    def heading(session: Session) -> str:
        """The rule above a session's events."""
        parts = [f"Session {session.number}"]
        if session.message_set:
            parts.append(STANDARDS.get(session.message_set, session.message_set))
        if session.session_id:
            parts.append(f"session id {session.session_id.hex().upper()}")
        text = " · ".join(parts)
        return f"{_RULE * 2} {text} {_RULE * max(2, 96 - len(text))}"

    def _since(self, time: int | None) -> str:
        if time is None or self._recording.first is None:
            return "        ?"
        return f"{(time - self._recording.first) / NS:9.3f}"

    def _events(self, events: list[Event]) -> Iterator[str]:
        if self._everything:
            for event in events:
                yield from self.event(event)
            return
        for run in _runs(events):
            content = [number for number, unit in enumerate(run) if not is_aside(unit[0])]
            if len(content) <= SHOWN_OF_RUN + 1:
                yield from self._squeezed(run)
                continue
            # The last one is written out, too: what comes behind it is no part of the repetition.
            yield from self._squeezed(run[: content[SHOWN_OF_RUN]])
            yield from self._folded(run[content[SHOWN_OF_RUN] : content[-1]])
            yield from self._squeezed(run[content[-1] :])

    def _folded(self, units: list[list[Event]]) -> Iterator[str]:
        """Repetitions in a line; those with a kind of finding that is new among them, in full."""
        pending: list[list[Event]] = []
        known: set[str] = set()
        for unit in units:
            kinds = {finding.kind for event in unit for finding in event.findings}
            if kinds - known:
                known |= kinds
                yield from self.count(pending)
                pending = []
                yield from self._squeezed([unit])
            else:
                pending.append(unit)
        yield from self.count(pending)

    def count(self, units: list[list[Event]]) -> Iterator[str]:
        """Repetitions in one line: how many, until when, and between what their values were."""
        content = [unit for unit in units if not is_aside(unit[0])]
        if len(content) < 2:
            yield from self._squeezed(units)
            return
        events = [event for unit in units for event in unit]
        asides = sum(is_aside(event) for event in events)
        names = printable(" and ".join(dict.fromkeys(each.name for each in events if not is_aside(each))))
        rest = "".join(f", {change}" for change in _changes(content))
        found = sum(len(event.findings) for event in events)
        rest += f", {found} findings" if found else ""
        rest += f", {asides} other events between them" if asides else ""
        last = self._since(content[-1][-1].time).strip()
        yield f"{self._since(content[0][0].time)}  … {len(content)} × {names} until {last} s{rest}"

    def _squeezed(self, units: list[list[Event]]) -> Iterator[str]:
        """Everything, but of many frames between a host and its modem only the first and their number."""
        modem: list[Event] = []
        for event in (event for unit in units for event in unit):
            if event.layer is Layer.MODEM and is_aside(event) and not event.findings:
                modem.append(event)
                continue
            yield from self._modem(modem)
            modem = []
            yield from self.event(event)
        yield from self._modem(modem)

    def _modem(self, events: list[Event]) -> Iterator[str]:
        shown = events if len(events) <= SHOWN_OF_RUN + 1 else events[:SHOWN_OF_RUN]
        for event in shown:
            yield from self.event(event)
        if len(shown) < len(events):
            rest = events[len(shown) :]
            last = self._since(rest[-1].time).strip()
            more = f"{len(rest)} more frames between host and modem"
            yield f"{self._since(rest[0].time)}  … {more} until {last} s"

    def event(self, event: Event) -> Iterator[str]:
        """An event's line, and one for each of its findings."""
        checkpoint = f"{event.checkpoint:3d}" if event.checkpoint is not None else "   "
        values = self._values(event)
        name = event.name
        if event.layer is Layer.LOG:
            name = " ".join(name.split())
            if len(name) > LOG_WIDTH and not self._everything:
                name = f"{name[:LOG_WIDTH]}…"
        line = f"{self._since(event.time)}  {event.layer:5} {event.side:7}  {checkpoint}  {name}"
        yield printable(f"{line}  {values}" if values else line)
        for finding in event.findings:
            yield printable(f"{'':11}! {finding.text}")

    def _values(self, event: Event) -> str:
        shown = []
        for name, value in event.values.items():
            if not self._everything and name in QUIET and QUIET[name] == value:
                continue
            shown.append(shown_value(name, value, self._secrets))
        return ", ".join(shown)

    def conclusions(self, session: Session) -> Iterator[str]:
        """What comes behind a session's events: phases, timing statistics, anomalies."""
        if session.phases:
            yield ""
            yield "Phases"
            for each in session.phases:
                start, end = self._since(each.start), self._since(each.end)
                yield f"{start} to {end} s  {each.duration_ms:8d} ms  {each.phase} ({each.events} events)"
        block = statistics_of(session.events).lines()
        if block:
            yield ""
            yield from block
        found = findings_of(session)
        yield ""
        if not found:
            yield "No anomalies"
            return
        yield "Anomalies"
        kinds: dict[str, list[tuple[Event | None, Finding]]] = {}
        for event, finding in found:
            kinds.setdefault(finding.kind, []).append((event, finding))
        for kind, each_found in kinds.items():
            count = f" ({len(each_found)} times)" if len(each_found) > 1 else ""
            yield f"  {kind}{count}: {FINDINGS[kind]}"
            for event, finding in each_found if self._everything else each_found[:SHOWN_FINDINGS]:
                time = self._since(event.time).strip() if event is not None else "-"
                packet = f" packet {event.packet}" if event is not None else ""
                yield printable(f"    {time:>9}{packet}: {finding.text}")
            if not self._everything and len(each_found) > SHOWN_FINDINGS:
                yield f"    {'…':>9} and {len(each_found) - SHOWN_FINDINGS} more"


def printable(text: str) -> str:
    """A line without what steers terminals: peers may send anything."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in text)


def _time_of_day(nanoseconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(nanoseconds // NS, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # a damaged time stamp, in the year 500 000
        return f"{nanoseconds // NS} s after 1970-01-01"


def shown_value(name: str, value: Value, secrets: bool) -> str:
    """A value with its name and unit, as text."""
    plain = value if secrets else redact.shown(name, value)
    if isinstance(plain, bool):
        return name if plain else f"{name} false"
    if isinstance(plain, bytes):
        # DIN SPEC 70121 has the EVSEID as bytes, which stations fill with letters and digits.
        text = f" ({plain.decode()})" if len(plain) > 2 and plain.isalnum() else ""
        return f"{name} {plain.hex().upper()}{text}"
    if isinstance(plain, list):
        return f"{name} {'; '.join(plain)}"
    unit = unit_of(name) if isinstance(plain, int | float) else ""
    text = f"{plain:g}" if isinstance(plain, float) else str(plain)
    return f"{name.removesuffix('_ms')} {text}{' ' + unit if unit else ''}"


def _changes(units: list[list[Event]]) -> Iterator[str]:
    """Between what the values of folded messages were."""
    for name in _FOLDED_VALUES:
        numbers = [number for unit in units for event in unit if (number := event.number(name)) is not None]
        if numbers:
            low, high, unit_text = min(numbers), max(numbers), unit_of(name)
            yield f"{name} {low:g} {unit_text}" if low == high else f"{name} {low:g} to {high:g} {unit_text}"


def is_aside(event: Event) -> bool:
    """Whether an event may stand between a request and its response: log lines, a host's questions to its
    modem, and segments that were sent again."""
    if event.layer is Layer.MODEM:
        return event.checkpoint is None and event.name != "CM_SET_KEY.CNF"
    return event.layer is Layer.LOG or (event.layer is Layer.TCP and event.name in _SEGMENTS)


_SEGMENTS: Final = ("retransmission", "late segment", "gap")


def _runs(events: list[Event]) -> Iterator[list[list[Event]]]:
    """Units of the same kind one after the other; what stands aside between them belongs to them."""
    run: list[list[Event]] = []
    kind: tuple[str, ...] = ()
    for unit in units_of(events):
        own = _kind(unit)
        if run and own and kind and own != kind:
            yield run
            run, kind = [], ()
        run.append(unit)
        kind = own or kind
    if run:
        yield run


def units_of(events: list[Event]) -> Iterator[list[Event]]:
    """Events alone, and requests with their responses and what stands aside between them."""
    unit: list[Event] = []
    for event in events:
        if unit and is_aside(event):
            unit.append(event)
            continue
        if unit and event.is_response and event.base == unit[0].base:
            yield [*unit, event]
            unit = []
            continue
        for each in unit:
            yield [each]
        unit = []
        if event.is_request:
            unit = [event]
        else:
            yield [event]
    for each in unit:
        yield [each]


SOUNDS: Final = ("CM_MNBC_SOUND.IND", "CM_ATTEN_PROFILE.IND")


def _kind(unit: list[Event]) -> tuple[str, ...]:
    """What makes units alike; nothing for what stands aside."""
    if unit[0].name in SOUNDS:
        return SOUNDS
    return tuple(event.name for event in unit if not is_aside(event))
