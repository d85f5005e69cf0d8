"""Faults of messages: what a core sends is changed on its way to the connection.

The core behind it is the real one and knows nothing of it."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import v2gexi
from v2g.common.effects import Log
from v2g.common.session_effects import MessageSeen, Send
from v2g.desk.faults import Fault
from v2gexi import din, iso2, iso20_common, v2gtp
from v2gexi.errors import EncodeError

_NAMES: Final = {"din": din, "iso2": iso2}


@dataclass(frozen=True, slots=True)
class Delayed:
    """These bytes are to be sent so much later."""

    data: bytes = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Closing:
    """The connection is to end here, in order or by a reset."""

    reset: bool


class Meddler:
    """Changes the effects of a core.

    Args:
        faults: those of messages.
        requests: whether this side is the one that sends requests: a car.
        random_bytes: for garbage.
    """

    def __init__(
        self,
        faults: Iterable[Fault],
        requests: bool,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._faults = [fault for fault in faults if fault.kind.at_message]
        self._requests = requests
        self._random_bytes = random_bytes
        self._counts: Counter[str] = Counter()

    def changed(self, effects: list[Any]) -> list[Any]:
        """The effects with the faults in them."""
        told = iter(
            [each for each in effects if isinstance(each, MessageSeen) and each.request is self._requests]
        )
        result = []
        for effect in effects:
            message = next(told, None) if isinstance(effect, Send) else None
            result += [effect] if message is None else self._meddle(effect, message)
        return result

    def _meddle(self, effect: Send, seen: MessageSeen) -> list[Any]:
        self._counts[seen.name] += 1
        count = self._counts[seen.name]
        result = [effect]
        for fault in self._faults:
            if fault.message == seen.name and fault.count in (0, count):
                result = self._struck(fault, effect, seen)
        return result

    def _struck(self, fault: Fault, effect: Send, seen: MessageSeen) -> list[Any]:
        name, data = fault.kind.name, effect.data
        if name == "drop":
            return []
        if name == "delay":
            return [Delayed(data, float(fault.value))]
        if name in ("close", "reset"):
            return [Closing(reset=name == "reset")]
        try:
            return [Send(self._other(name, fault.value, data, seen))]
        except EncodeError as error:
            # A response code of another message set than the session's, for one.
            return [effect, Log(f"fault {name}@{seen.name} cannot strike: {error}")]

    def _other(self, name: str, value: str, data: bytes, seen: MessageSeen) -> bytes:
        if name == "twice":
            return data + data
        if name == "header":
            return bytes((data[0] ^ 0xFF,)) + data[1:]
        if name == "cut":
            return v2gtp.pack(seen.payload[: len(seen.payload) // 2], seen.payload_type)
        if name == "garbage":
            return v2gtp.pack(self._random_bytes(len(seen.payload)), seen.payload_type)
        message = copy.deepcopy(seen.message)
        body = getattr(message, "Body", None)
        if name == "session_id":
            message.Header.SessionID = bytes(byte ^ 0xFF for byte in message.Header.SessionID)
        elif name == "code":
            (message if body is None else body.BodyElement).ResponseCode = value
        elif name == "other":
            message = _session_stop(message, seen.name.endswith("Req"))
        payload = v2gexi.encode(message, literal=True, lenient=True)
        return v2gtp.pack(payload, seen.payload_type if name != "other" else _type_of(message))


def _session_stop(message: Any, request: bool) -> Any:
    """A SessionStop of the same message set and session."""
    module: Any = _NAMES.get(type(message).__module__.rpartition(".")[2])
    if module is None:
        if request:
            return iso20_common.SessionStopReq(Header=message.Header, ChargingSession="Terminate")
        return iso20_common.SessionStopRes(Header=message.Header, ResponseCode="OK")
    if not request:
        body = module.SessionStopResType(ResponseCode="OK")
    elif module is din:
        body = din.SessionStopType()
    else:
        body = iso2.SessionStopReqType(ChargingSession="Terminate")
    message.Body.BodyElement = body
    return message


def _type_of(message: Any) -> int:
    common = type(message).__module__.startswith("v2gexi.iso20")
    return v2gtp.PayloadType.COMMON if common else v2gtp.PayloadType.EXI


class Meddled:
    """A core whose effects go through a meddler; everything else is the core's own."""

    _WRAPPED: Final = frozenset(
        ("connected", "received", "changed", "tick", "disconnected", "link_ready", "link_lost", "start")
    )

    def __init__(self, core: Any, meddler: Meddler) -> None:
        self._core = core
        self._meddler = meddler

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._core, name)
        if name not in self._WRAPPED:
            return value

        def through(*args: Any, **kwargs: Any) -> list[Any]:
            return self._meddler.changed(value(*args, **kwargs))

        return through
