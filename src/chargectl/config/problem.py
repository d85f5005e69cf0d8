"""What is wrong with a configuration file, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Severity(Enum):
    """How much a problem weighs."""

    ERROR = "error"
    """The file cannot be trusted as it stands: broken syntax, a key given twice, not UTF-8."""
    WARNING = "warning"
    """The file is used; the value in question is replaced, cut or has no effect."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of one file. ``line`` and ``column`` count from 1; columns count characters.

    ``path`` is the key it concerns (empty for pure syntax), ``allowed`` what may stand there and
    ``suggestion`` what was probably meant.
    """

    file: str
    line: int
    column: int
    message: str
    severity: Severity = Severity.ERROR
    path: str = ""
    allowed: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        """One line for a terminal or the journal; editors jump to its ``file:line:column``."""
        where = f"{self.file}:{self.line}:{self.column}: {self.severity.value}: "
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.suggestion:
            text += f"; did you mean {self.suggestion}?"
        return where + text


def has_errors(problems: list[Problem]) -> bool:
    """Whether a problem is among them that makes the file untrustworthy."""
    return any(problem.severity is Severity.ERROR for problem in problems)
