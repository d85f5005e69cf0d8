"""Looks for anomalies in a session, each beside the event with which it shows."""

from __future__ import annotations

from v2g.capture import checks_link, checks_messages, checks_values
from v2g.capture.events import Event, Finding
from v2g.capture.splitting import Session


def check(session: Session) -> None:
    """Note on a session's events, and on itself, whatever is wrong."""
    checks_link.slac(session)
    checks_link.discovery(session)
    checks_link.connections(session)
    checks_messages.check(session)
    checks_values.check(session)


def findings_of(session: Session) -> list[tuple[Event | None, Finding]]:
    """All findings of a session in their order; those of no event last."""
    found: list[tuple[Event | None, Finding]] = [
        (event, finding) for event in session.events for finding in event.findings
    ]
    return found + [(None, finding) for finding in session.findings]
