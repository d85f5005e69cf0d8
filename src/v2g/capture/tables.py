"""A recording for programs: an object a line (JSON), or a row a message pair (CSV)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from v2g.capture.events import Event, Value
from v2g.capture.reading import Recording
from v2g.capture.series import COLUMNS, points_of
from v2g.capture.splitting import Session
from v2g.common import redact

_NS = 1_000_000_000


def json_lines(recording: Recording, sessions: list[Session], *, secrets: bool = False) -> Iterator[str]:
    """Every event, and behind each session's events one object with its phases and what concerns no event."""
    for session in sessions:
        for event in session.events:
            yield event_line(recording, session.number, event, secrets=secrets)
        yield session_line(recording, session)
    if not sessions:
        for event in recording.events:
            yield event_line(recording, 0, event, secrets=secrets)


def session_line(recording: Recording, session: Session) -> str:
    """A session's phases, and what concerns none of its events."""
    return _dumped(
        {
            "session": session.number,
            "message_set": session.message_set,
            "session_id": session.session_id.hex().upper(),
            "phases": [
                {
                    "phase": str(each.phase),
                    "start": _since(recording, each.start),
                    "duration_ms": each.duration_ms,
                    "events": each.events,
                }
                for each in session.phases
            ],
            "findings": [{"kind": each.kind, "text": each.text} for each in session.findings],
        }
    )


def event_line(recording: Recording, session: int, event: Event, *, secrets: bool = False) -> str:
    """An event of a session, by that session's number."""
    return _dumped(_event(recording, session, event, secrets))


def _event(recording: Recording, session: int, event: Event, secrets: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "session": session,
        "time": _since(recording, event.time),
        "unix_ns": event.time,
        "packet": event.packet,
        "layer": str(event.layer),
        "side": str(event.side),
        "checkpoint": event.checkpoint,
        "name": event.name,
        "source": event.source,
        "destination": event.destination,
    }
    if event.message_set:
        found["message_set"] = event.message_set
    if event.session_id:
        found["session_id"] = event.session_id.hex().upper()
    if event.phase:
        found["phase"] = event.phase
    if event.values:
        found["values"] = {name: _plain(name, value, secrets) for name, value in event.values.items()}
    if event.findings:
        found["findings"] = [{"kind": each.kind, "text": each.text} for each in event.findings]
    return found


def _plain(name: str, value: Value, secrets: bool) -> Any:
    shown = value if secrets else redact.shown(name, value)
    return shown.hex().upper() if isinstance(shown, bytes) else shown


def _since(recording: Recording, time: int | None) -> float | None:
    if time is None or recording.first is None:
        return None
    return (time - recording.first) / _NS


def _dumped(found: dict[str, Any]) -> str:
    return json.dumps(found)


def csv_lines(recording: Recording, sessions: list[Session]) -> Iterator[str]:
    """A heading, and a row for every response that tells the present voltage or current."""
    yield ",".join(("time", *COLUMNS, "session", "message"))
    for session in sessions:
        for point in points_of(session):
            time = (point.time - (recording.first or 0)) / _NS
            numbers = (_number(point.values.get(name)) for name in COLUMNS)
            yield ",".join((f"{time:.6f}", *numbers, str(point.session), point.message))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
