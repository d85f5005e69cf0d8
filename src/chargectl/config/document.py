"""A configuration file's text, its tree and what is wrong with its syntax.

A document keeps its text; edits (see `chargectl.config.edit`) change the text, so no layout is lost.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from chargectl.config.parser import Parser
from chargectl.config.paths import Segment, parse_path
from chargectl.config.problem import Problem, Severity
from chargectl.config.tree import Node, child

MAXIMUM_BYTES = 256 * 1024
"""The largest file that is read. The shipped customer.json has some 30 KiB; a board has little memory."""
MAXIMUM_PROBLEMS = 100
"""After so many syntax errors the file is no configuration; the rest is not reported."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class Document:
    """A parsed text.

    ``name`` stands in the problems. ``root`` is None when there is no value at all. A document is
    ``broken`` when its syntax has errors: its tree then is a guess and must not be used as configuration.
    A key that stands twice is an error too, but does not break the document; the later one counts.
    ``problems`` are those of the syntax.
    """

    def __init__(self, text: str, name: str = "<text>") -> None:
        """Parse ``text``; never raises for what it holds."""
        self.text = text
        self.name = name
        self.problems: list[Problem] = []
        self.broken = False
        self.root: Node | None = None
        self._line_starts: list[int] = []
        self._start = 1 if text.startswith("\ufeff") else 0
        parser = Parser(text, self._error, self._doubled, self._warning, self._place)
        try:
            self.root = parser.parse(self._start)
        except _TooManyProblemsError:
            self._report(0, "too many errors; the rest of the file was not read")

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Document:
        """The document in ``data``, which should be UTF-8 of at most `MAXIMUM_BYTES`."""
        if len(data) > MAXIMUM_BYTES:
            return _unreadable(name, "", f"the file is larger than {MAXIMUM_BYTES // 1024} KiB")
        try:
            return cls(data.decode(), name)
        except UnicodeDecodeError as error:
            before = data[: error.start].decode()
            return _unreadable(name, before, f"byte 0x{data[error.start]:02X} is not valid UTF-8")

    @classmethod
    def read(cls, path: Path, name: str = "") -> Document:
        """Read a file; raises OSError when that is not possible."""
        with path.open("rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
        return cls.from_bytes(data, name or str(path))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of a character; a byte order mark counts as none."""
        if not self._line_starts:
            ends = (match.end() for match in _LINE_END.finditer(self.text))
            self._line_starts = [self._start, *ends]
        offset = max(offset, self._start)
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def problem(
        self,
        offset: int,
        message: str,
        severity: Severity = Severity.ERROR,
        path: str = "",
        allowed: str = "",
        suggestion: str = "",
    ) -> Problem:
        """A problem at a character of this text; it is not added to ``problems``."""
        line, column = self.position(offset)
        return Problem(self.name, line, column, message, severity, path, allowed, suggestion)

    def _report(self, offset: int, message: str, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(self.problem(offset, message, severity))

    def find(self, path: str | tuple[Segment, ...]) -> Node | None:
        """The node at a concrete path (``ports[0]/evse_id``); None when it is not there."""
        node = self.root
        for segment in parse_path(path) if isinstance(path, str) else path:
            node = child(node, segment)
        return node

    def _error(self, offset: int, message: str) -> None:
        self.broken = True
        if len(self.problems) >= MAXIMUM_PROBLEMS:
            raise _TooManyProblemsError
        self._report(offset, message)

    def _doubled(self, offset: int, name: str, first: int) -> None:
        self._report(offset, f'the key "{name}" stands here again; it already stands at {self._place(first)}')

    def _warning(self, offset: int, message: str) -> None:
        self._report(offset, message, Severity.WARNING)

    def _place(self, offset: int) -> str:
        line, column = self.position(offset)
        return f"line {line}, column {column}"


class _TooManyProblemsError(Exception):
    pass


def _unreadable(name: str, before: str, message: str) -> Document:
    """A broken document whose only problem is behind the text ``before``."""
    document = Document(before, name)
    document.problems.clear()
    document.problems.append(document.problem(len(before), message))
    document.root, document.broken = None, True
    return document
