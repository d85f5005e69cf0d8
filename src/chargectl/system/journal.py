"""Logging of the daemons: one stream, priorities for the journal, no secrets."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

from chargectl.declarations.types import Key

Redact = Callable[[str], str]

MASK = "***"
SHORTEST_SECRET = 4
"""Shorter values are not searched for: masking each "1" would hide the log, not the secret."""

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7
# Up to the last @ before the path: a password may contain one.
_USERINFO = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#'\"<>]+@")


class Redactor:
    """Masks what must not be read in a log.

    These are the user part of URLs (``ftp://name:password@host``), whatever is written as the value of a
    secret configuration key (``key=value``, ``"key": "value"``), and every value made known with ``add``.
    """

    def __init__(self, secret_names: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        names = "|".join(re.escape(name) for name in sorted(set(secret_names), key=len, reverse=True))
        self._named = (
            re.compile(
                rf"""(?<![A-Za-z0-9])((?:{names})["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;}}\]]+)""",
                re.IGNORECASE,
            )
            if names
            else None
        )

    def add(self, value: str) -> None:
        """Mask this value from now on, wherever it stands."""
        if len(value) >= SHORTEST_SECRET and value not in self._values:
            # A copy, replaced at once: loggers of other threads may be reading the old one. Longest first, so
            # that a secret which contains another one does not leave its rest behind.
            self._values = sorted([*self._values, value], key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with every secret in it masked."""
        for value in self._values:
            text = text.replace(value, MASK)
        if self._named is not None:
            text = self._named.sub(rf"\1{MASK}", text)
        return _USERINFO.sub(rf"\1{MASK}@", text)


def secret_names(keys: Iterable[Key]) -> list[str]:
    """The names of the keys that are declared secret, as they appear in a file: the last part of the path."""
    return [key.path.rpartition("/")[2] for key in keys if key.secret]


class _Format(logging.Formatter):
    def __init__(self, pattern: str, redact: Redact, *, priorities: bool) -> None:
        super().__init__(pattern)
        self._redact = redact
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        text = self._redact(super().format(record))
        if not self._priorities:
            return text
        # The journal reads the priority of each line by itself.
        prefix = f"<{_priority(record.levelno)}>"
        return "\n".join(prefix + line for line in text.splitlines() or [""])


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), _DEBUG_PRIORITY)


def setup(
    level: int | str = logging.INFO,
    *,
    redact: Redact | None = None,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Redact:
    """Send all logging to ``stream`` (standard error), replacing what was set up before.

    Where the stream is the journal (JOURNAL_STREAM, systemd.exec(5)) the lines begin with ``<3>`` and the
    like; elsewhere with time and level. Every line passes ``redact``, by default one that masks URL user
    parts. Returns the ``redact`` in use. Raises ValueError for an unknown level.
    """
    output = sys.stderr if stream is None else stream
    used = Redactor() if redact is None else redact
    if _is_journal(output, environ):
        formatter = _Format("%(name)s: %(message)s", used, priorities=True)
    else:
        formatter = _Format("%(asctime)s %(levelname)-7s %(name)s: %(message)s", used, priorities=False)
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [handler]
    return used


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream itself is the one systemd connected: a redirected one must stay plain text."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
