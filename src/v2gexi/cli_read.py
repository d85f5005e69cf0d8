"""What the command reads: hexadecimal text, EXI, V2GTP frames, captures, XML and JSON become records."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from v2gexi import capture, codec, dicts, pcap, sessions, v2gtp
from v2gexi._places import shown
from v2gexi.errors import DecodeError
from v2gexi.message import Message

FORMATS = ("hex", "binary", "frames", "capture", "xml", "json")
_MAY_STAND_IN_HEX = str.maketrans("", "", " \t:,;-_")


class UsageError(Exception):
    """The command cannot do what it is asked to; a line for people."""


@dataclass(slots=True)
class Options:
    """How to read.

    Attributes:
        form: one of FORMATS, or None: by the content.
        message_set: None: by the content.
        fragment: payloads are fragments.
        check: refuse what the schema forbids and EXI can say.
    """

    form: str | None = None
    message_set: str | None = None
    fragment: bool = False
    check: bool = False


@dataclass(slots=True)
class Record:
    """A message, or what stands where one should be.

    Attributes:
        origin: the file, or what else it is from.
        place: where in it.
        message_set: empty if it is not known.
        message: None: see ``error`` or ``sdp``.
        element: the root's name, where the message's type alone does not tell it.
        sdp: the content of an SDP message.
        payload: the EXI, if it came as such.
        captured: time and ends, if it was captured.
        error: why it is no message.
        note: what should be known about how it was read.
    """

    origin: str
    place: str = ""
    message_set: str = ""
    message: Message | None = None
    element: str | None = None
    sdp: dict[str, Any] | None = None
    payload: bytes | None = None
    captured: capture.Captured | None = None
    error: str = ""
    note: str = ""

    @property
    def where(self) -> str:
        """Origin and place, as lines about it begin."""
        return f"{self.origin}:{self.place}" if self.place else self.origin


def records(inputs: list[str], options: Options) -> Iterator[Record]:
    """The records of every input: files, ``-`` for standard input, or the text itself.

    Raises:
        UsageError: an input cannot be read, or is nothing of what can be.
    """
    for given in inputs or ["-"]:
        origin, data = _content(given)
        yield from _read(origin, data, options)


def _content(given: str) -> tuple[str, bytes]:
    if given == "-":
        return "standard input", sys.stdin.buffer.read()
    try:
        path = Path(given)
        if given and path.exists():
            return given, path.read_bytes()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise UsageError(f"{given}: {error.strerror}") from None
    except ValueError:
        pass  # a text with a NUL is no file's name
    if _looks_like_hex(given) or given.lstrip()[:1] in ("<", "{", "["):
        return "argument", given.encode("utf-8", "surrogateescape")
    raise UsageError(f"{given[:80]}: no such file, and neither hexadecimal digits nor XML nor JSON")


def _looks_like_hex(text: str) -> bool:
    digits = text.translate(_MAY_STAND_IN_HEX).replace("0x", "").replace("\n", "").replace("\r", "")
    return bool(digits) and all(digit in "0123456789abcdefABCDEF" for digit in digits)


def form_of(data: bytes) -> str:
    """What some bytes are, one of FORMATS."""
    if pcap.is_capture(data):
        return "capture"
    if data[:2] == v2gtp.MARK:
        return "frames"
    if data[:1] == b"\x80":
        return "binary"
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"<": "xml", b"{": "json", b"[": "json"}.get(first, "hex")


def _read(origin: str, data: bytes, options: Options) -> Iterator[Record]:
    form = options.form or form_of(data)
    if not data.strip() and form != "capture":
        yield Record(origin, error="it is empty")
    elif form == "capture":
        yield from _capture(origin, data, options)
    elif form == "xml":
        yield from _xml(origin, data, options)
    elif form == "json":
        yield from _json(origin, data, options)
    else:
        reader = _PayloadReader(origin, options)
        if form == "hex":
            yield from reader.hex(data)
        elif form == "frames":
            yield from reader.frames(data, "")
        else:
            yield reader.payload(data, "")


class _PayloadReader:
    """Payloads of one input, in the order of one connection."""

    def __init__(self, origin: str, options: Options) -> None:
        self._origin = origin
        self._options = options
        self._sessions = sessions.Sessions(options.message_set, options.check)

    def hex(self, data: bytes) -> Iterator[Record]:
        """Each line is a payload, or frames; ``#`` begins a comment."""
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            text = line.partition("#")[0].translate(_MAY_STAND_IN_HEX).replace("0x", "")
            if not text:
                continue
            place = str(number)
            try:
                content = bytes.fromhex(text)
            except ValueError:
                column = next(
                    (at for at, c in enumerate(line, 1) if not _looks_like_hex(c) and not c.isspace()), 0
                )
                what = (
                    f"{line[column - 1]!r} is no hexadecimal digit" if column else "an odd number of digits"
                )
                yield Record(self._origin, f"{number}:{column}" if column else place, error=what)
                continue
            if content[:2] == v2gtp.MARK:
                yield from self.frames(content, place)
            else:
                yield self.payload(content, place)

    def frames(self, data: bytes, place: str) -> Iterator[Record]:
        """V2GTP frames that follow each other."""
        try:
            for frame in v2gtp.split(data):
                at = f"{place}:{frame.offset}" if place else str(frame.offset)
                yield self._frame(frame, at)
        except v2gtp.FrameError as error:
            yield Record(
                self._origin, f"{place}:{error.offset}" if place else str(error.offset), error=str(error)
            )

    def _frame(self, frame: v2gtp.Frame, place: str) -> Record:
        if frame.payload_type in (v2gtp.PayloadType.SDP_REQUEST, v2gtp.PayloadType.SDP_RESPONSE):
            return sdp_record(Record(self._origin, place), frame)
        return decoded(Record(self._origin, place), frame.payload, frame.payload_type, 0, self._sessions)

    def payload(self, data: bytes, place: str) -> Record:
        """A payload without header."""
        record = Record(self._origin, place)
        if not self._options.fragment:
            return decoded(record, data, None, 0, self._sessions)
        record.payload = data
        record.message_set = self._options.message_set or ""
        if not self._options.message_set:
            raise UsageError("a fragment does not tell its message set: --set is needed")
        try:
            message = codec.decode(data, record.message_set, fragment=True, check=self._options.check)
        except DecodeError as error:
            record.error = str(error)
            return record
        if isinstance(message, Message):
            record.message = message
        else:
            record.error = f"the fragment is no object of a message class: {shown(message)}"
        return record


def decoded(
    record: Record, payload: bytes, payload_type: int | None, connection: int, reader: sessions.Sessions
) -> Record:
    """Fill a record with what a payload is."""
    result = reader.decode(payload, payload_type, connection)
    record.payload, record.message_set, record.message = payload, result.message_set, result.message
    record.element, record.error, record.note = result.element, result.error, result.note
    return record


def sdp_record(record: Record, frame: v2gtp.Frame) -> Record:
    """Fill a record with what an SDP frame is."""
    record.message_set = "sdp"
    try:
        record.sdp = v2gtp.sdp(frame)
    except v2gtp.FrameError as error:
        record.error = str(error)
    return record


def _capture(origin: str, data: bytes, options: Options) -> Iterator[Record]:
    reader = sessions.Sessions(options.message_set, options.check)
    try:
        found = capture.read(data)
    except pcap.CaptureError as error:
        raise UsageError(f"{origin}:{error.offset}: {error}") from None
    for frame in found.frames:
        record = Record(origin, f"{frame.file_offset}: packet {frame.packet}", captured=frame)
        if frame.problem:
            record.error = frame.problem
            yield record
        elif frame.payload_type >= v2gtp.PayloadType.SDP_REQUEST:
            yield sdp_record(record, v2gtp.Frame(frame.payload_type, frame.payload, frame.offset))
        else:
            yield decoded(record, frame.payload, frame.payload_type, frame.connection, reader)
    for note in found.notes:
        yield Record(origin, note=note)
    if found.problem:
        yield Record(origin, str(found.problem_offset), error=found.problem)
    elif not found.frames:
        yield Record(origin, note="there is no V2GTP frame in it")


def _xml(origin: str, data: bytes, options: Options) -> Iterator[Record]:
    from v2gexi.xml import XmlError, from_xml, root_name

    try:
        message = from_xml(data, options.message_set)
        yield Record(origin, "", options.message_set or "", message, root_name(data))
    except XmlError as error:
        for problem in error.problems:
            place, _, reason = problem.partition(": ")
            yield Record(origin, place, error=reason)


def _json(origin: str, data: bytes, options: Options) -> Iterator[Record]:
    text = data.decode("utf-8-sig", "replace")
    try:
        found = [("", json.loads(text))]
    except json.JSONDecodeError as error:
        try:  # JSON lines
            found = [
                (str(at), json.loads(line)) for at, line in enumerate(text.splitlines(), 1) if line.strip()
            ]
        except json.JSONDecodeError:
            yield Record(origin, f"{error.lineno}:{error.colno}", error=error.msg)
            return
    except RecursionError:
        yield Record(origin, error="it is nested too deep")
        return
    if len(found) == 1 and isinstance(found[0][1], list):
        found = [(f"[{at}]", each) for at, each in enumerate(found[0][1])]
    for place, data_of in found:
        yield from _json_message(Record(origin, place), data_of, options)


def _json_message(record: Record, data: Any, options: Options) -> Iterator[Record]:
    """``{element: {...}}``, or what the command writes of several messages: ``{"set": ..., "message":
    {...}}``."""
    if isinstance(data, dict) and "set" in data:
        record.message_set = str(data["set"])
        if "error" in data or record.message_set == "sdp":
            return
        data = data.get("message")
    message_set = options.message_set or record.message_set
    names = [message_set] if message_set else list(_sets_with(data))
    failed: list[str] = []
    fitting: dict[str, Message] = {}
    for name in names:
        try:
            fitting[name] = dicts.from_dict(name, data)
        except dicts.DictError as error:
            failed = failed or error.problems
        except ValueError as error:
            raise UsageError(f"{record.where}: {error}") from None
    if len({type(message) for message in fitting.values()}) > 1:
        record.error = f"it can be of {', '.join(fitting)}: --set says which"
    elif fitting:
        record.message_set, record.message = next(iter(fitting.items()))
        record.element = next(iter(data))
    else:
        record.error = "\n".join(failed) or "no message set has such an element: it is one, {name: {...}}"
    yield record


def _sets_with(data: Any) -> Iterator[str]:
    from v2gexi import schema

    name = next(iter(data)) if isinstance(data, dict) and data else None
    for of_set in map(schema.set_of, schema.set_names().values()):
        if any(root.name == name for root in of_set.roots):
            yield of_set.name
