"""A YAML file for each session: every message with its values, and what happened between them.

An entry of the file's list is a line, written when it happens; behind its dash it is JSON. Tokens are not in
it, as in recordings (:mod:`v2g.common.redact`)."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from v2g.capture import messages
from v2g.common import redact
from v2g.common.checkpoints import CHECKPOINTS
from v2g.common.effects import Checkpoint, Log
from v2g.common.session_effects import MessageSeen, PhaseChanged
from v2g.desk import words

KEPT: Final = 200
"""Entries from before a session that its file begins with: SLAC belongs to it, days of waiting do not."""
_DISCOVERED: Final = frozenset((202, 203))
"""Checkpoints of the SDP request (charger) and response (car)."""
_CONNECTED: Final = 303
_HANDSHAKE: Final = "supportedAppProtocol"
_NOT_YAML: Final = re.compile("[\x7f-\x84\x86-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that JSON may have in a text and YAML may not."""
_TOLD_BY_MESSAGES: Final = frozenset(
    ("EvTold", "ChargerTold", "StateChanged", "DcTarget", "DrawCurrent", "ProtocolsOffered")
)
"""Effects whose content is that of a message."""


class SessionLog:
    """Writes the files.

    Args:
        folder: where to; it is made.
        side: "EVSE" or "CAR".
        clock_ns: nanoseconds since 1970.

    Raises:
        OSError: the folder cannot be made, or not be written.
    """

    def __init__(self, folder: Path, side: str, clock_ns: Callable[[], int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
        self._folder = folder
        self._side = side
        self._clock = clock_ns
        self._file: TextIO | None = None
        self._before: deque[str] = deque(maxlen=KEPT)
        self._offered: dict[int, str] = {}
        self._is_connected = False
        self._failed = False
        self.path: Path | None = None
        """The file of the session that runs."""
        self.line: Callable[[str], None] = lambda text: None
        """Called with a line for people when a file is begun, or cannot be written."""

    def take(self, effect: Any) -> None:
        """Write an effect of a core."""
        if isinstance(effect, Checkpoint):
            text = effect.text or CHECKPOINTS.get(effect.number, "")
            self._entry({"checkpoint": effect.number, "text": text})
            if effect.number == _CONNECTED and self._is_connected:
                self.finish(False, ())  # the connection before it ended without a session
            self._is_connected = self._is_connected or effect.number == _CONNECTED
            if effect.number in _DISCOVERED or effect.number == _CONNECTED:
                self._begin()
        elif isinstance(effect, Log):
            self._entry({"log": effect.text})
        elif isinstance(effect, MessageSeen):
            self._message(effect)
        elif isinstance(effect, PhaseChanged):
            self._entry({"phase": effect.phase.value, "started": effect.started})
        elif type(effect).__name__ not in _TOLD_BY_MESSAGES:
            self._entry({"event": words.said(effect)})

    def finish(self, ok: bool, statistics: tuple[str, ...]) -> None:
        """The session is over: its file ends with the outcome and the statistics' lines."""
        self._before.clear()
        self._offered.clear()
        self._is_connected = False
        if self._file is None:
            return
        self._entry({"ended": "well" if ok else "failed", "statistics": list(statistics)})
        self._close()

    def _message(self, seen: MessageSeen) -> None:
        if seen.name.startswith(_HANDSHAKE):
            values = messages.handshake_values(seen.message, self._offered)
        else:
            values = messages.values_of(seen.message)
        self._entry(
            {
                "message": seen.name,
                "from": "car" if seen.request else "charger",
                "values": {name: _plain(redact.shown(name, value)) for name, value in values.items()},
                "exi": redact.payload(seen.message, seen.payload).hex(),
            }
        )

    def _entry(self, content: Mapping[str, Any]) -> None:
        at = datetime.fromtimestamp(self._clock() / 1e9, UTC).isoformat(timespec="milliseconds")
        line = f"- {_flow({'at': at, **content})}\n"
        if self._file is None:
            self._before.append(line)
        else:
            self._write(line)

    def _begin(self) -> None:
        if self._file is not None or self._failed:
            return
        name = f"{datetime.fromtimestamp(self._clock() / 1e9, UTC):%y%m%d_%H-%M-%S}"
        try:
            self._file, self.path = _new_file(self._folder, name)
        except OSError as error:
            self._gone(error)
            return
        self.line(f"session log: {self.path}")
        before = "".join(self._before)
        self._before.clear()
        self._write(f"# Session of a {'car' if self._side == 'CAR' else 'charger'}; times are UTC.\n{before}")

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            self._gone(error)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return  # the last entry could not be written
        try:
            file.close()
        except OSError as error:
            self._gone(error)
        self.path = None

    def _gone(self, error: OSError) -> None:
        file, self._file, self._failed = self._file, None, True
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
        self.line(f"{self.path or self._folder}: {error.strerror}; no session is logged any more")


def _new_file(folder: Path, name: str) -> tuple[TextIO, Path]:
    """A file that nobody has written to; two sessions may begin in one second."""
    number = 1
    while True:
        path = folder / (f"{name}.yaml" if number == 1 else f"{name}_{number}.yaml")
        try:
            return path.open("x", encoding="utf-8"), path
        except FileExistsError:
            number += 1


def _flow(content: Mapping[str, Any]) -> str:
    """JSON that is YAML as well."""
    text = json.dumps(content, ensure_ascii=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    """As JSON knows it; bytes are hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, float):
        # YAML takes 1e-05 for a text.
        return int(value) if value.is_integer() else round(value, 4)
    return [_plain(each) for each in value] if isinstance(value, list) else value
