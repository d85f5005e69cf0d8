"""Anomalies of messages: codes, times, order, session ids, ends."""

from __future__ import annotations

from dataclasses import dataclass

from v2g.capture import limits
from v2g.capture.checks_link import between_ms
from v2g.capture.events import Event, Finding, Layer
from v2g.capture.places import wants_power
from v2g.capture.splitting import Session

_ALWAYS_ALLOWED = "SessionStop"


def check(session: Session) -> None:
    """Every anomaly of a session's messages."""
    for event in session.messages:
        codes(event)
    by_connection: dict[int, list[Event]] = {}
    for event in session.messages:
        by_connection.setdefault(event.connection, []).append(event)
    for messages in by_connection.values():
        _pairs(messages, session)
        _order(messages)
        _session_ids(messages)
    _ongoing(session)
    _end(session)


def codes(event: Event) -> None:
    """What a message itself says to be wrong."""
    code = event.text("ResponseCode")
    if code.upper().startswith("FAILED"):
        event.finds("failed", f"{event.name} says {code}")
    elif code.upper().startswith("WARNING"):
        event.finds("warning", f"{event.name} says {code}")
    error = event.text("EVErrorCode")
    if error not in ("", "NO_ERROR"):
        event.finds("ev-error", f"EVErrorCode {error}")
    status = event.text("EVSEStatusCode")
    if status in limits.FATAL_STATUS:
        event.finds("evse-status", f"EVSEStatusCode {status}")
    isolation = event.text("EVSEIsolationStatus")
    if isolation in limits.BAD_ISOLATION:
        event.finds("isolation", f"EVSEIsolationStatus {isolation}")
    notification = event.text("EVSENotification")
    if notification not in ("", "None"):
        event.finds("stop-asked", f"EVSENotification {notification}")


def _pairs(messages: list[Event], session: Session) -> None:
    """Each request has its response, in time."""
    asked: Event | None = None
    answered: Event | None = None
    for event in messages:
        if event.resumed:
            answered = None
        if event.is_request:
            if asked is not None:
                asked.finds("no-response", f"the car sends {event.name} without having got an answer")
            _silence(answered, event)
            asked = event
        else:
            answered = event
            if asked is None:
                continue
            if asked.base == event.base:
                _time(asked, event)
            else:
                event.finds("sequence", f"{event.name} is no answer to {asked.name}")
            asked = None
    if asked is not None and not _file_ends_with(session, asked):
        asked.finds("no-response", "no answer came")


def _file_ends_with(session: Session, event: Event) -> bool:
    """Whether the capture may just have been stopped: nothing comes after the event on its connection."""
    if not session.last:
        return False
    later = (each for each in session.events if each.packet > event.packet and each.layer is not Layer.LOG)
    return not any(each.layer in (Layer.TCP, Layer.V2G, Layer.TLS) for each in later)


def _time(request: Event, response: Event) -> None:
    times = limits.MESSAGE_TIMES.get(request.message_set, {}).get(request.name)
    took = between_ms(request, response)
    if times is None or took is None:
        return
    if took > times.timeout_ms:
        standard = limits.STANDARDS[request.message_set]
        response.finds(
            "late-response", f"{took} ms after {request.name}; cars wait {times.timeout_ms} ms ({standard})"
        )


def _silence(before: Event | None, request: Event) -> None:
    if before is None:
        return
    times = limits.SESSION_TIMES.get(request.message_set)
    took = between_ms(before, request)
    if times is not None and took is not None and took > times.secc_sequence_ms:
        limit = times.secc_sequence_ms
        request.finds(
            "silence", f"{took} ms after {before.name}; stations wait {limit} ms (V2G_SECC_Sequence_Timeout)"
        )


def _order(messages: list[Event]) -> None:
    before: str | None = None
    for event in messages:
        if not event.is_request:
            continue
        if event.message_set == "app":
            before = ""
            continue
        follows = limits.FOLLOWS.get(event.message_set)
        known = follows is not None and event.base in limits.FOLLOWS[event.message_set]
        if follows is not None and known and before is not None and event.base != _ALWAYS_ALLOWED:
            allowed = follows.get(before, ())
            if event.base not in allowed:
                after = f"after {before}" if before else "after the handshake"
                expected = " or ".join(allowed) or "nothing but SessionStop"
                event.finds("sequence", f"{event.base} {after}; {expected} would be in order")
        before = event.base
        if before == "PowerDelivery" and wants_power(event) is False:
            before = limits.STOPPED


def _session_ids(messages: list[Event]) -> None:
    given = b""
    for event in messages:
        if event.message_set == "app":
            given = b""
        elif event.base == "SessionSetup":
            if event.is_response:
                given = event.session_id
        elif given and event.session_id != given:
            event.finds(
                "session-id",
                f"session id {event.session_id.hex().upper()}; the station gave {given.hex().upper()}",
            )


@dataclass(frozen=True, slots=True)
class _Loop:
    """Messages that are repeated until the station is finished, and for how long."""

    limit: str
    timer: str


_LOOPS = {
    "ContractAuthentication": _Loop("evcc_ongoing_ms", "V2G_EVCC_Ongoing_Timeout"),
    "Authorization": _Loop("evcc_ongoing_ms", "V2G_EVCC_Ongoing_Timeout"),
    "ChargeParameterDiscovery": _Loop("evcc_ongoing_ms", "V2G_EVCC_Ongoing_Timeout"),
    "ScheduleExchange": _Loop("evcc_ongoing_ms", "V2G_EVCC_Ongoing_Timeout"),
    "CableCheck": _Loop("evcc_cable_check_ms", "V2G_EVCC_CableCheck_Timeout"),
    "DC_CableCheck": _Loop("evcc_cable_check_ms", "V2G_EVCC_CableCheck_Timeout"),
    "PreCharge": _Loop("evcc_pre_charge_ms", "V2G_EVCC_PreCharge_Timeout"),
    "DC_PreCharge": _Loop("evcc_pre_charge_ms", "V2G_EVCC_PreCharge_Timeout"),
}


def _ongoing(session: Session) -> None:
    begun: dict[tuple[int, str], Event] = {}
    said: set[tuple[int, str]] = set()
    for event in session.messages:
        loop, key = _LOOPS.get(event.base), (event.connection, event.base)
        if loop is None or key in said:
            continue
        if event.is_request:
            begun.setdefault(key, event)
            continue
        times = limits.SESSION_TIMES.get(event.message_set)
        first = begun.get(key)
        if times is None or first is None:
            continue
        limit: int = getattr(times, loop.limit)
        took = between_ms(first, event)
        if took is not None and took > limit:
            said.add(key)
            event.finds("ongoing", f"{took} ms after the first {event.base}Req; {loop.timer} is {limit} ms")


def _end(session: Session) -> None:
    messages = [event for event in session.messages if event.message_set != "app"]
    if not messages or any(event.base == "SessionStop" for event in messages):
        return
    connection = messages[-1].connection
    ends = [
        event
        for event in session.events
        if event.connection == connection and event.layer is Layer.TCP and event.name in ("FIN", "RST")
    ]
    last = messages[-1].name
    if ends:
        how = (
            f"{ends[0].side or 'somebody'} closes the connection" if ends[0].name == "FIN" else "it is reset"
        )
        session.findings.append(Finding("no-stop", f"no SessionStopReq: after {last} {how}"))
    elif not session.last:
        session.findings.append(Finding("no-stop", f"no SessionStopReq: nothing follows {last}"))
    else:
        session.findings.append(
            Finding("no-stop", f"no SessionStopReq: the capture ends after {last}, or the session did")
        )
