"""Anomalies below the messages: SLAC, keys, discovery, connections."""

from __future__ import annotations

from v2g.capture.events import Event, Finding, Layer, Side
from v2g.capture.limits import SDP_REQUEST_INTERVAL_MS
from v2g.capture.phases import MS
from v2g.capture.splitting import Session
from v2g.slac import timing

_ANSWERS = {
    "CM_SLAC_PARM.REQ": ("CM_SLAC_PARM.CNF", timing.TT_MATCH_RESPONSE_MS, "TT_match_response"),
    "CM_ATTEN_CHAR.IND": ("CM_ATTEN_CHAR.RSP", timing.TT_MATCH_RESPONSE_MS, "TT_match_response"),
    "CM_VALIDATE.REQ": ("CM_VALIDATE.CNF", timing.TT_MATCH_RESPONSE_MS, "TT_match_response"),
    "CM_SLAC_MATCH.REQ": ("CM_SLAC_MATCH.CNF", timing.TT_MATCH_RESPONSE_MS, "TT_match_response"),
}
"""What answers what, and within which time."""


def between_ms(first: Event, second: Event) -> int | None:
    """Milliseconds from one event to another; None if the file does not say."""
    if first.time is None or second.time is None:
        return None
    return round((second.time - first.time) / MS)


def slac(session: Session) -> None:
    """Every anomaly of SLAC and of key setting."""
    frames = [event for event in session.events if event.layer is Layer.SLAC]
    _answers(frames)
    _runs(frames)
    _attenuation(frames)
    _keys(session)
    _outcome(session, frames)


def _answers(frames: list[Event]) -> None:
    """Unanswered requests, late answers."""
    waiting: dict[str, Event] = {}
    # Of some captures one side is hidden: only what the other one must have seen is missing.
    hears_car = any(event.side is Side.CAR for event in frames)
    for event in frames:
        for request, (answer, limit, name) in _ANSWERS.items():
            if event.name == request and (hears_car or event.side is Side.CAR):
                before = waiting.get(request)
                if before is not None:
                    before.finds("slac-unanswered", f"nobody answers with {answer}")
                waiting[request] = event
            elif event.name == answer and request in waiting:
                took = between_ms(waiting.pop(request), event)
                if took is not None and took > limit:
                    event.finds("slac-late", f"{took} ms after {request}; {name} is {limit} ms (ISO 15118-3)")
    for request, event in waiting.items():
        event.finds("slac-unanswered", f"nobody answers with {_ANSWERS[request][0]}")


def _runs(frames: list[Event]) -> None:
    """Repeated beginnings, frames of another run, too few start indications and sounds."""
    run: str | None = None
    count = starts = sounds = 0
    last_match: Event | None = None
    for event in frames:
        run_id = event.text("RunID")
        if event.name == "CM_SLAC_PARM.REQ":
            count += 1
            if count > 1:
                same = " with the same RunID" if run_id == run else ""
                event.finds("slac-repeated", f"the car begins SLAC again{same} ({count}. time)")
            run, starts, sounds = run_id, 0, 0
        elif run is not None and run_id and run_id != run:
            event.finds("stale-run-id", f"RunID {run_id}; the car's run is {run}")
        elif event.name == "CM_START_ATTEN_CHAR.IND":
            starts += 1
        elif event.name == "CM_MNBC_SOUND.IND":
            if not sounds and starts < timing.C_EV_START_ATTEN_CHAR_INDS:
                wanted = timing.C_EV_START_ATTEN_CHAR_INDS
                event.finds("slac-sounds", f"{starts} start indications before it; there should be {wanted}")
            sounds += 1
        elif event.name == "CM_ATTEN_CHAR.IND":
            if sounds and sounds < timing.C_EV_MATCH_MNBC:
                event.finds("slac-sounds", f"{sounds} of {timing.C_EV_MATCH_MNBC} sounds were captured")
        elif event.name == "CM_SLAC_MATCH.REQ":
            if last_match is not None:
                event.finds("slac-repeated", "the car asks for the match again")
            last_match = event


def _attenuation(frames: list[Event]) -> None:
    for event in frames:
        if event.name not in ("CM_ATTEN_CHAR.IND", "CM_ATTEN_PROFILE.IND"):
            continue
        average, largest = event.number("average_attenuation"), event.number("largest_attenuation")
        if largest == 0:
            event.finds("attenuation", "all groups have 0 dB: the modem measured nothing, cars may refuse it")
        elif average is not None and average > timing.C_EV_MATCH_SIGNALATTN_INDIRECT_DB:
            limit = timing.C_EV_MATCH_SIGNALATTN_INDIRECT_DB
            event.finds(
                "attenuation",
                f"{average:g} dB on average; above {limit} dB a car takes it for another station's",
            )


def _keys(session: Session) -> None:
    asked: Event | None = None
    for event in session.events:
        if event.name == "CM_SET_KEY.REQ":
            asked = event
        elif event.name == "CM_SET_KEY.CNF" and asked is not None:
            if event.values.get("result") == 0:
                event.finds("key", "result 0: from Qualcomm's modems this means refused")
            asked = None
    if asked is not None and not _leaves(session, asked):
        asked.finds("key", "the modem does not answer")


def _leaves(session: Session, asked: Event) -> bool:
    """Whether a key is set to leave the network when all is said: recordings end with it."""
    later = (event for event in session.events if event.packet > asked.packet)
    said = session.messages
    return (
        session.last
        and bool(said)
        and asked.packet > said[-1].packet
        and all(event.layer is Layer.TCP for event in later)
    )


def _outcome(session: Session, frames: list[Event]) -> None:
    names = {event.name for event in frames}
    if "CM_SLAC_PARM.REQ" not in names or "CM_SLAC_MATCH.CNF" in names:
        return
    asked = sum(event.name == "CM_SLAC_PARM.REQ" for event in frames)
    answered = sum(event.name == "CM_SLAC_PARM.CNF" for event in frames)
    if not answered:
        reason = f"{asked} × CM_SLAC_PARM.REQ and no station answers"
    elif "CM_START_ATTEN_CHAR.IND" not in names and all(
        _is_stale(event) for event in frames if event.name == "CM_SLAC_PARM.CNF"
    ):
        reason = f"{asked} × CM_SLAC_PARM.REQ, {answered} answered, but with another RunID than the car's"
    elif "CM_START_ATTEN_CHAR.IND" not in names:
        reason = (
            f"{asked} × CM_SLAC_PARM.REQ, {answered} answered, and the car never goes on: "
            "it does not get the answers or refuses them"
        )
    elif "CM_ATTEN_CHAR.IND" not in names:
        reason = "the station never tells the attenuation"
    elif "CM_ATTEN_CHAR.RSP" not in names:
        reason = "the car does not acknowledge the attenuation: it may find it implausible"
    elif "CM_SLAC_MATCH.REQ" not in names:
        reason = "the car does not ask for the match: it may have chosen another station"
    else:
        reason = "the station does not answer the car's wish to match"
    session.findings.append(Finding("slac-failed", reason))


def _is_stale(event: Event) -> bool:
    return any(finding.kind == "stale-run-id" for finding in event.findings)


def discovery(session: Session) -> None:
    """Repeated, late and unanswered questions for the station."""
    asked: Event | None = None
    for event in session.events:
        if event.name == "SECCDiscoveryReq":
            if asked is not None:
                took = between_ms(asked, event)
                after = "" if took is None else f" after {took} ms"
                event.finds("sdp-repeated", f"the car asks again{after}: it got no answer")
            asked = event
        elif event.name == "SECCDiscoveryRes" and asked is not None:
            took = between_ms(asked, event)
            if took is not None and took > SDP_REQUEST_INTERVAL_MS:
                event.finds(
                    "sdp-late",
                    f"{took} ms after the question; cars ask again after {SDP_REQUEST_INTERVAL_MS} ms",
                )
            asked = None
    if asked is not None and session.first("SECCDiscoveryRes") is None:
        asked.finds("sdp-unanswered", "no station answers")


def connections(session: Session) -> None:
    """Connections that never came about."""
    opening: dict[int, Event] = {}
    for event in session.events:
        if event.layer is not Layer.TCP:
            continue
        if event.name == "SYN":
            opening.setdefault(event.connection, event)
        elif event.name == "SYN ACK":
            opening.pop(event.connection, None)
        elif event.name == "RST" and event.connection in opening:
            asked = opening.pop(event.connection)
            asked.finds("no-connection", f"refused at port {asked.number('port'):g}")
    for event in opening.values():
        event.finds("no-connection", f"nobody answers at port {event.number('port'):g}")
