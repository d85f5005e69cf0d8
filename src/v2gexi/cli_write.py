"""What the command writes: records as XML, JSON, Python, hexadecimal text, bytes, or a line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from v2gexi import _classes, _places, codec, sessions, v2gtp
from v2gexi.cli_read import Record
from v2gexi.dicts import to_dict
from v2gexi.errors import EncodeError
from v2gexi.message import Message

FORMATS = ("brief", "xml", "json", "jsonl", "repr", "hex", "binary")


class Writer:
    """Writes records; ``bad`` tells whether there was one that is no message.

    Args:
        form: one of FORMATS.
        frame: put the V2GTP header before what is encoded.
        fragment: encode as fragments.
        literal: encode every text out, even what came as EXI.
        lenient: encode what the schema forbids.
        element: the root's name, where a message's type does not tell it.
    """

    def __init__(
        self,
        form: str,
        *,
        frame: bool = False,
        fragment: bool = False,
        literal: bool = False,
        lenient: bool = False,
        element: str | None = None,
    ) -> None:
        self._form = form
        self._frame = frame
        self._fragment = fragment
        self._literal = literal
        self._lenient = lenient
        self._element = element
        self.bad = False

    def write(self, records: Iterable[Record]) -> None:
        """Write them as they come; those of plain JSON together."""
        if self._form == "json":
            self._json(list(self._good(records)))
            return
        for record in self._good(records):
            if self._form in ("hex", "binary"):
                self._encoded(record)
            else:
                self._say("".join(f"{line}\n" for line in self._lines(record)))

    def _say(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def complain(self, where: str, what: str) -> None:
        """A line on standard error."""
        sys.stdout.flush()
        for line in what.splitlines():
            sys.stderr.write(f"v2gexi: {where}: {line}\n")

    def _good(self, records: Iterable[Record]) -> Iterator[Record]:
        """Records to write; what is wrong goes to standard error, in captures it stands among the
        messages."""
        for record in records:
            if record.error:
                self.bad = True
            if record.note:
                self.complain(record.where, record.note)
            shown = record.captured is not None and self._form not in ("hex", "binary")
            if record.error and not shown:
                self.complain(
                    record.where,
                    f"{record.message_set}: {record.error}" if record.message_set else record.error,
                )
            elif record.error or record.message is not None or record.sdp is not None:
                yield record

    def _lines(self, record: Record) -> Iterator[str]:
        if self._form == "jsonl":
            yield json.dumps(self._entry(record), ensure_ascii=False)
        elif self._form == "brief":
            yield f"{_head(record)}  {self._brief(record)}"
        elif self._form == "repr":
            if record.captured is not None:
                yield f"# {_head(record)}"
            yield (
                f"# {record.error}"
                if record.error
                else repr(record.sdp if record.message is None else record.message)
            )
        else:
            if record.captured is not None:
                yield f"<!-- {_in_comment(_head(record))} -->"
            yield self._xml(record)

    def _xml(self, record: Record) -> str:
        if record.message is None:
            return f"<!-- {_in_comment(record.error or json.dumps(record.sdp))} -->"
        from v2gexi.xml import to_xml

        try:
            return to_xml(record.message, self._name(record), indent=2)
        except ValueError as error:
            self.bad = True
            self.complain(record.where, str(error))
            return f"<!-- {_in_comment(str(error))} -->"

    def _brief(self, record: Record) -> str:
        if record.error:
            return f"! {record.error.splitlines()[0]}"
        if record.message is None:
            ((name, inside),) = (record.sdp or {"": {}}).items()
            return f"{name}  {json.dumps(inside)}"
        inside = getattr(getattr(record.message, "Body", None), "BodyElement", record.message)
        code = getattr(inside, "ResponseCode", None)
        return " ".join(filter(None, (sessions.name_of(record.message, self._name(record)), code)))

    def _name(self, record: Record) -> str | None:
        return self._element or record.element

    def _data(self, record: Record) -> dict[str, Any] | None:
        if record.message is None:
            return record.sdp
        if not _places.elements_of(type(record.message)._type, documents=True):
            return to_dict(record.message, _places.root_of(record.message, self._name(record)).name)
        return to_dict(record.message, self._name(record))

    def _entry(self, record: Record) -> dict[str, Any]:
        """A record in JSON lines: what is known of time and place, then the message or what is wrong."""
        entry: dict[str, Any] = {}
        frame = record.captured
        if frame is not None:
            entry = {
                "time": _time(frame.time),
                "packet": frame.packet,
                "source": str(frame.source),
                "destination": str(frame.destination),
                "direction": _direction(record),
                "offset": frame.offset,
                "payload_type": f"0x{frame.payload_type:04x}",
            }
        entry["set"] = record.message_set or (set_of(record.message) if record.message is not None else "")
        if record.error:
            return {**entry, "error": record.error, "payload": (record.payload or b"").hex()}
        return {**entry, "message": self._data(record)}

    def _json(self, records: list[Record]) -> None:
        """One message is its dictionary alone, several are a list of what JSON lines have."""
        data: Any = [self._entry(record) for record in records]
        if len(records) == 1 and records[0].captured is None:
            data = self._data(records[0])
        if records:
            self._say(json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def _encoded(self, record: Record) -> None:
        if record.message is None:
            return  # SDP is not EXI
        message_set = record.message_set or set_of(record.message)
        payload = record.payload if not self._literal else None
        try:
            if payload is None:
                payload = codec.encode(
                    record.message,
                    message_set,
                    element=self._name(record),
                    fragment=self._fragment,
                    literal=self._literal,
                    lenient=self._lenient,
                )
        except EncodeError as error:
            self.bad = True
            self.complain(record.where, str(error))
            return
        if self._frame:
            payload = v2gtp.pack(payload, v2gtp.PAYLOAD_TYPES.get(message_set, v2gtp.PayloadType.EXI))
        if self._form == "hex":
            self._say(payload.hex() + "\n")
        else:
            sys.stdout.buffer.write(payload)
            sys.stdout.buffer.flush()


def set_of(message: Message) -> str:
    """The message set whose classes a message is of."""
    return _classes.owner_of(type(message)._type)


def _time(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
    except (OverflowError, ValueError, OSError):
        return f"{seconds}.{rest // 1000:06d}"


def _direction(record: Record) -> str | None:
    """Who sends it: by who opened the connection, else by the message's name."""
    frame = record.captured
    from_car = frame.from_car if frame is not None else None
    if from_car is None and record.message is not None:
        name = sessions.name_of(record.message, record.element)
        from_car = True if name.endswith("Req") else False if name.endswith("Res") else None
    return None if from_car is None else "car" if from_car else "station"


_ARROWS = {"car": "car > station", "station": "station > car", None: "?"}


def _head(record: Record) -> str:
    """Time, packet, direction, place in the stream and message set; without a capture, where it stands."""
    frame = record.captured
    message_set = record.message_set or (set_of(record.message) if record.message is not None else "?")
    if frame is None:
        return f"{record.where}  {message_set}"
    time = _time(frame.time) or "no time"
    direction = _ARROWS[_direction(record)]
    return f"{time}  packet {frame.packet}  {direction:13}  offset {frame.offset}  {message_set}"


def _in_comment(text: str) -> str:
    """Two hyphens cannot stand in a comment of XML."""
    while "--" in text:
        text = text.replace("--", "- -")
    return text
