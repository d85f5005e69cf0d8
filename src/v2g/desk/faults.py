"""Faults of the desk's charger and car, by name.

Faults of the hardware are acted out by the simulated hardware; faults of messages by :mod:`v2g.desk.meddler`,
between a core and its connection: the cores know of none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final


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


def parse(texts: Iterable[str], kinds: Iterable[FaultKind]) -> list[Fault]:
    """Faults as ordered on the command line.

    Raises:
        ValueError: a fault does not exist or lacks something; all of them, a line each.
    """
    known = {kind.name: kind for kind in kinds}
    faults, problems = [], []
    for text in texts:
        try:
            faults.append(_one(text, known))
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
        near = get_close_matches(name, known, 1)
        raise ValueError(f"there is no fault {name!r}{f': {near[0]}?' if near else ''}")
    message, _, count = place.partition("#")
    if kind.at_message and not message:
        raise ValueError(f"{name}: write {name}@MESSAGE, such as {name}@CableCheckRes")
    if at and not (kind.at_message or kind.may_at):
        raise ValueError(f"{name} strikes at no message")
    if count and not count.isdecimal():
        raise ValueError(f"{text!r}: {count!r} is no count")
    if value and not kind.value:
        raise ValueError(f"{name} takes no value")
    value = value or ("0" if kind.may_at and message else kind.default)
    if kind.value == "seconds":
        try:
            if not float(value) >= 0:
                raise ValueError
        except ValueError:
            raise ValueError(f"{name}: {value!r} is no number of seconds") from None
    return Fault(kind, message, int(count or 0), value)
