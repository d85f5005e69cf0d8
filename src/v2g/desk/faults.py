"""Faults of the desk's charger and car, by name.

Faults of the hardware are acted out by the simulated hardware; faults of messages by :mod:`v2g.desk.meddler`,
between a core and its connection: the cores know of none."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

HANDSHAKE: Final = frozenset(("supportedAppProtocolReq", "supportedAppProtocolRes"))
"""Messages that come before there is a session: they have no header."""
MOST_SECONDS: Final = 86_400.0
_NEAR: Final = 0.5
"""How like a known name a misspelt one has to be: "isolatin" is near, too."""
_SETS: Final = ("app", "din", "iso2", "iso20-common", "iso20-dc", "iso20-ac")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault that can be ordered.

    Attributes:
        name: as people write it.
        value: what its ``=VALUE`` is; empty: it takes none.
        default: the value if none is given.
        at_message: it strikes at a message, ``NAME@MESSAGE``.
        may_at: it may strike at a request; by default it does when the charge loop begins.
        meaning: one line.
    """

    name: str
    meaning: str
    value: str = ""
    default: str = ""
    at_message: bool = False
    may_at: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was ordered: ``NAME[@MESSAGE[#COUNT]][=VALUE]``.

    ``count``: it strikes at the message's so manieth occurrence, and only then; 0: at every one."""

    kind: FaultKind
    message: str = ""
    count: int = 0
    value: str = ""


MESSAGE_FAULTS: Final = (
    FaultKind("drop", "the message is not sent", at_message=True),
    FaultKind("delay", "the message is sent late", "seconds", "5", at_message=True),
    FaultKind("twice", "the message is sent twice", at_message=True),
    FaultKind("cut", "the message's EXI ends in the middle", at_message=True),
    FaultKind("garbage", "random bytes in a proper frame stand for the message", at_message=True),
    FaultKind("header", "the frame has a wrong V2GTP header", at_message=True),
    FaultKind("session_id", "the message has a wrong session id", at_message=True),
    FaultKind("code", "the response has this code", "code", "FAILED", at_message=True),
    FaultKind("other", "a SessionStop stands for the message", at_message=True),
    FaultKind("close", "the connection is closed in place of the message", at_message=True),
    FaultKind("reset", "the connection is reset in place of the message", at_message=True),
)
CHARGER_FAULTS: Final = (
    FaultKind("reject", "the customer is rejected"),
    FaultKind("authorization_never", "the customer is never known"),
    FaultKind("parameters_never", "limits and schedules are never there"),
    FaultKind("isolation", "the cable check finds a fault"),
    FaultKind("cable_check_never", "the cable check does not end"),
    FaultKind("pre_charge_never", "the voltage never reaches the car's"),
    FaultKind("contactor_stays_open", "the contactor does not close"),
    FaultKind("contactor_welded", "the contactor does not open"),
    FaultKind("stays_in_b", "the control pilot stays in state B"),
    FaultKind("emergency", "emergency shutdown", "seconds", "1", may_at=True),
    FaultKind("malfunction", "malfunction", "seconds", "1", may_at=True),
    FaultKind("utility_interrupt", "the grid fails", "seconds", "1", may_at=True),
    FaultKind("rcd", "the residual current device trips", "seconds", "1", may_at=True),
    FaultKind("shutdown", "the station asks the car to stop", "seconds", "1", may_at=True),
    FaultKind("pilot_lost", "the control pilot is lost", "seconds", "1", may_at=True),
    FaultKind("back_to_b", "the control pilot falls back to state B", "seconds", "1", may_at=True),
    FaultKind("abort", "the station ends the session at once", "seconds", "1", may_at=True),
)
CAR_FAULTS: Final = (
    FaultKind("error", "the car reports an error in the charge loop", "seconds", "1"),
    FaultKind("lock_never", "the connector is never locked"),
    FaultKind("contactors_stay_open", "the car's contactors do not close"),
    FaultKind("contactors_welded", "the car's contactors do not open"),
    FaultKind("unplug", "the plug is drawn in the charge loop", "seconds", "1"),
)


def parse(texts: Iterable[str], kinds: Iterable[FaultKind], sends: str = "") -> list[Fault]:
    """Faults as ordered on the command line.

    Args:
        texts: one fault each.
        kinds: those that there are.
        sends: how the names of this side's own messages end, "Req" or "Res": it can spoil no others.

    Raises:
        ValueError: a fault does not exist or lacks something; all of them, a line each.
    """
    known = {kind.name: kind for kind in kinds}
    faults, problems = [], []
    for text in texts:
        try:
            fault = _one(text, known)
            if fault.kind.at_message and not fault.message.endswith(sends):
                raise ValueError(f"{text!r}: this side sends no {fault.message}, only messages in -{sends}")
            faults.append(fault)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return faults


def _one(text: str, known: dict[str, FaultKind]) -> Fault:
    head, _, value = text.partition("=")
    name, at, place = head.partition("@")
    kind = known.get(name)
    if kind is None:
        near = get_close_matches(name, known, 1, _NEAR)
        raise ValueError(f"there is no fault {name!r}{f': {near[0]}?' if near else ''}")
    message, hash_sign, count = place.partition("#")
    if kind.at_message and not message:
        raise ValueError(f"{name}: write {name}@MESSAGE, such as {name}@CableCheckRes")
    if at and not (kind.at_message or kind.may_at):
        raise ValueError(f"{name} strikes at no message")
    if at:
        _check_message(text, kind, message)
    if hash_sign and not (count.isascii() and count.isdecimal() and int(count[:9]) >= 1 and len(count) <= 9):
        raise ValueError(f"{text!r}: {count!r} is no count: a whole number from 1 on")
    if value and not kind.value:
        raise ValueError(f"{name} takes no value")
    value = value or ("0" if kind.may_at and message else kind.default)
    if kind.value == "seconds":
        _check_seconds(name, value)
    elif kind.value == "code":
        _check_code(message, value)
    return Fault(kind, message, int(count or 0), value)


def _check_message(text: str, kind: FaultKind, message: str) -> None:
    messages = message_names()
    if message not in messages:
        near = get_close_matches(message, messages, 1, _NEAR)
        hint = f": {near[0]}?" if near else ", such as CableCheckReq or CableCheckRes"
        raise ValueError(f"{text!r}: there is no message {message!r}{hint}")
    if kind.may_at and not message.endswith("Req"):
        raise ValueError(f"{text!r}: {kind.name} strikes at a request, such as {message[:-3]}Req")
    if kind.value == "code" and not message.endswith("Res"):
        raise ValueError(f"{text!r}: a request has no response code; {message[:-3]}Res has one")
    if kind.name in ("session_id", "other") and message in HANDSHAKE:
        raise ValueError(f"{text!r}: {message} belongs to no session yet")


def _check_seconds(name: str, value: str) -> None:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_SECONDS:  # not so for "nan" either
        raise ValueError(f"{name}: {value!r} is no number of seconds from 0 to {MOST_SECONDS:g}")


def _check_code(message: str, value: str) -> None:
    codes = response_codes(message)
    if value not in codes:
        near = get_close_matches(value, codes, 1, _NEAR)
        hint = f": {near[0]}?" if near else f"; it has {', '.join(sorted(codes))}"
        raise ValueError(f"code: {message} has no response code {value!r}{hint}")


@functools.cache
def message_names() -> frozenset[str]:
    """Names of the requests and responses of all message sets, as faults name them."""
    return frozenset(name for names in _codes_by_message() for name in names)


def response_codes(message: str) -> frozenset[str]:
    """The response codes of a message, in whichever message sets have it."""
    return frozenset(code for names in _codes_by_message() for code in names.get(message, frozenset()))


@functools.cache
def _codes_by_message() -> tuple[dict[str, frozenset[str]], ...]:
    """Of each message set the messages, with their response codes."""
    from v2gexi import schema

    found = []
    for name in _SETS:
        roots = [each for each in schema.set_named(name).roots if each.name.endswith(("Req", "Res"))]
        found.append({each.name: _codes_of(each.type) for each in roots})
    return tuple(found)


def _codes_of(type_number: int) -> frozenset[str]:
    from v2gexi import schema

    for slot in schema.type_of(type_number).slots:
        if slot.name == "ResponseCode" and (value := schema.type_of(slot.type).value) is not None:
            return frozenset(value.words)
    return frozenset()
