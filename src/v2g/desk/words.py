"""Effects and values in words, for the live log.

What the other side sent may hold anything: terminal escapes, line ends. None of it reaches a terminal raw."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

_LINKS: Final = {
    "dlink_terminate": "is to end (D-LINK_TERMINATE)",
    "dlink_error": "is to be made anew (D-LINK_ERROR)",
    "dlink_pause": "is to be kept for later (D-LINK_PAUSE)",
}
_SAID: Final[dict[str, Callable[[Any], str]]] = {
    "AskLinkStatus": lambda _: "the modem is asked for its link",
    "CableCheck": lambda _: "cable check wanted",
    "CertificateRequest": lambda each: f"certificate {'update' if each.update else 'installation'} wanted",
    "Contactor": lambda each: f"contactor is to {'close' if each.closed else 'open'}",
    "Contactors": lambda each: f"contactors are to {'close' if each.closed else 'open'}",
    "AuthorizationWanted": lambda each: f"authorisation wanted, {each.payment.value}",
    "Link": lambda each: f"the data link {_LINKS.get(each.wish.value, each.wish.value)}",
    "LockConnector": lambda each: f"connector is to be {'locked' if each.locked else 'unlocked'}",
    "Matched": lambda each: f"SLAC MATCHED, nid {each.nid.hex()}",
    "ModemReady": lambda each: f"the modem has {'the key' if each.ready else 'no key'}",
    "PilotState": lambda each: f"control pilot is to show state {each.state}",
    "ProtocolSelected": lambda each: (
        f"protocol {each.namespace}" if each.namespace else "no protocol in common"
    ),
    "Reached": lambda each: f"reached: {each.milestone.value.replace('_', ' ')}",
    "RequestErrorRoutine": lambda _: "no car was heard: the control pilot is to pass through state E or F",
    "SavePower": lambda each: f"the modem may {'save power' if each.on else 'save no power any more'}",
    "SdpFailed": lambda each: f"SDP failed: {each.reason}",
    "SessionEnded": lambda each: (
        f"session {'paused' if each.paused else 'ended' if each.ok else 'failed'}: {each.reason}"
    ),
    "SetPilotLoad": lambda each: f"control pilot is to show state {each.state} (validation)",
}
"""By the name of the effect's class: the desk's charger and car have classes of the same name."""


def said(effect: Any) -> str:
    """An effect in words."""
    name = type(effect).__name__
    known = _SAID.get(name)
    if known is not None:
        return known(effect)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return f"{words} {plain(effect)}".strip() if is_dataclass(effect) else words


def plain(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex().upper()
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(name)} {plain(each)}" for name, each in value.items())
    if isinstance(value, tuple | list | set | frozenset):
        return ", ".join(plain(each) for each in value)
    slots = getattr(value, "_slots", None)
    names = [each.name for each in fields(value) if each.repr] if is_dataclass(value) else slots
    if names is None:
        return str(value)
    told = ((name, getattr(value, name, None)) for name in names)
    return ", ".join(f"{name} {plain(each)}" for name, each in told if each is not None)


def printable(text: str) -> str:
    """The text with all that is no printable character as an escape sequence of Python: a line stays one
    line, and a terminal is told nothing by it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
