"""Which message set a payload is of: by the handshake of its connection, its payload type, or trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from v2gexi import _places, schema
from v2gexi.codec import decode, encode
from v2gexi.errors import DecodeError, EncodeError
from v2gexi.message import Message
from v2gexi.v2gtp import MESSAGE_SETS, PayloadType

NAMESPACES = {
    "urn:din:70121:2012:MsgDef": "din",
    "urn:iso:15118:2:2013:MsgDef": "iso2",
    "urn:iso:std:iso:15118:-20:CommonMessages": "iso20-common",
    "urn:iso:std:iso:15118:-20:AC": "iso20-ac",
    "urn:iso:std:iso:15118:-20:DC": "iso20-dc",
    "urn:iso:std:iso:15118:-20:WPT": "iso20-wpt",
    "urn:iso:std:iso:15118:-20:ACDP": "iso20-acdp",
}
"""Protocols that a handshake may agree on, and their message sets."""
_TRIED = tuple(NAMESPACES.values())
_AGREED = ("OK_SuccessfulNegotiation", "OK_SuccessfulNegotiationWithMinorDeviation")


@dataclass(slots=True)
class Decoded:
    """What became of a payload.

    Attributes:
        message_set: its name; empty if none is known.
        message: None if it could not be decoded.
        element: the root's name, where the message's type alone does not tell it.
        error: why it could not be decoded.
        note: how the message set was found, where that is a guess.
    """

    message_set: str = ""
    message: Any = None
    element: str | None = None
    error: str = ""
    note: str = ""


@dataclass(slots=True)
class _Handshake:
    offered: dict[int, str] = field(default_factory=dict)
    """Protocol namespaces by SchemaID."""
    agreed: str = ""
    """Namespace of the protocol that both sides took."""
    guessed: str = ""
    """Message set, where the handshake was not seen."""


class Sessions:
    """Decodes payloads in the order in which they were sent, on any number of connections.

    Args:
        message_set: take this one for everything but handshakes.
        check: refuse also what the schema forbids and EXI can say.
    """

    def __init__(self, message_set: str | None = None, check: bool = False) -> None:
        if message_set is not None:
            schema.set_named(message_set)
        self._forced = message_set
        self._check = check
        self._handshakes: dict[int, _Handshake] = {}

    def decode(self, payload: bytes, payload_type: int | None = None, connection: int = 0) -> Decoded:
        """Decode a payload; never raises for what the payload is.

        Args:
            payload: without V2GTP header.
            payload_type: that header's; None if there was none.
            connection: number of the connection whose handshake counts.
        """
        handshake = self._handshakes.setdefault(connection, _Handshake())
        if payload_type not in (None, PayloadType.EXI, *MESSAGE_SETS):
            return Decoded(error=f"payload type 0x{payload_type:04x} is none of EXI")
        if payload_type in MESSAGE_SETS:
            return self._as(payload, self._forced or MESSAGE_SETS[PayloadType(payload_type)])
        if self._forced != "app" and (payload_type is not None or not self._forced) and fit(payload, "app"):
            result = self._as(payload, "app")
            self._note_handshake(handshake, result.message)
            return result
        if self._forced:
            return self._as(payload, self._forced)
        if handshake.agreed:
            return self._as_agreed(payload, handshake.agreed)
        return self._guess(payload, handshake)

    def _as(self, payload: bytes, message_set: str) -> Decoded:
        try:
            message = decode(payload, message_set, check=self._check)
        except DecodeError as error:
            return Decoded(message_set, error=str(error))
        if not isinstance(message, Message):
            return Decoded(message_set, error=f"it is a value, no message: {message!r}")
        return Decoded(message_set, message, message._element)

    def _note_handshake(self, handshake: _Handshake, message: Any) -> None:
        if message is None:
            return
        protocols = getattr(message, "AppProtocol", None)
        if protocols is not None:
            handshake.offered = {each.SchemaID: each.ProtocolNamespace for each in protocols}
            handshake.agreed = ""
        elif message.ResponseCode in _AGREED:
            only = next(iter(handshake.offered.values()), "") if len(handshake.offered) == 1 else ""
            handshake.agreed = handshake.offered.get(message.SchemaID, only)

    def _as_agreed(self, payload: bytes, namespace: str) -> Decoded:
        message_set = NAMESPACES.get(namespace)
        if message_set is None:
            guess = self._guess(payload, None)
            guess.note = f"{namespace!r} is no message set: {guess.note}"
            return guess
        result = self._as(payload, message_set)
        if result.message is None and message_set.startswith("iso20-"):
            # Some send messages of ISO 15118-20 in frames that do not say of which set.
            guess = self._guess(payload, None)
            if guess.message is not None:
                return guess
        return result

    def _guess(self, payload: bytes, handshake: _Handshake | None) -> Decoded:
        """By trial: the message set that fits best."""
        scores = {name: score for name in _TRIED if (score := fit(payload, name))}
        fitting = [name for name, score in scores.items() if score == max(scores.values())]
        known = handshake.guessed if handshake is not None else ""
        if not fitting:
            if known:
                return self._as(payload, known)
            return Decoded(error=f"no message set decodes it; {_furthest(payload)}")
        taken = known if known in fitting else fitting[0]
        if handshake is not None:
            handshake.guessed = taken
        result = self._as(payload, taken)
        others = [name for name in fitting if name != taken]
        also = f"; {', '.join(others)} would fit as well" if others else ""
        result.note = f"no handshake: taken for {taken}{also}"
        return result


def _furthest(payload: bytes) -> str:
    """Which message set gets furthest with a payload that none decodes, and what it says."""
    found = ("", -1, "it is none")
    for name in ("app", *_TRIED):
        try:
            decode(payload, name)
        except DecodeError as error:
            if error.offset > found[1]:
                found = (name, error.offset, str(error))
    return f"as {found[0]}: {found[2]}" if found[0] else found[2]


def fit(payload: bytes, message_set: str) -> int:
    """How well a payload fits a message set; 0: not at all.

    It has to decode to a message, not to a part of one, and that has to encode to the same bytes. It fits
    better with no byte left over, and best if the schema allows all its values."""
    try:
        message = decode(payload, message_set)
        if not (hasattr(message, "Header") or message_set == "app"):
            return 0
        encoded = encode(message, message_set, lenient=True)
        if not payload.startswith(encoded):
            return 0
    except (DecodeError, EncodeError):
        return 0
    try:
        decode(payload, message_set, check=True)
    except DecodeError:
        return 2 if len(encoded) == len(payload) else 1
    return 3 if len(encoded) == len(payload) else 1


def name_of(message: Message, element: str | None = None) -> str:
    """What people call a message: its root, or what stands in the body."""
    number = _places.type_number_of(getattr(message, "Body", None))
    if number is not None:
        body = getattr(message.Body, "BodyElement", None)  # type: ignore[attr-defined]
        member = _places.member_of(number, 0, _places.type_number_of(body))
        if member is not None:
            return member.name
    return _places.root_of(message, element).name
