"""Splits JSON with comments into tokens, and names what is no token.

Numbers, strings and literals are those of RFC 8259; comments are ``// ...`` and ``/* ... */``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<line>//[^\r\n]*)
    | (?P<block>/\*[\s\S]*?\*/)
    | (?P<open_block>/\*)
    | (?P<punctuation>[{}\[\]:,])
    | (?P<string>"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+")
    | (?P<open_string>"[^\r\n]*)
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+\-]))
    | (?P<word>'[^'\r\n]*'|[\w.+\-$']+)
    | (?P<hash>\#[^\r\n]*)
    | (?P<other>[^ \t\r\n{}\[\]:,"\w.+\-$'/\#]+|/)
    """,
    re.VERBOSE,
)
_TRIVIA = ("space", "line", "block")

END = ""
"""Kind of the token after the last one. The kind of punctuation is the character itself."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. ``broken`` says that it lacks its closing quote, which was reported."""

    kind: str
    start: int
    end: int
    broken: bool = False


def tokens(text: str, start: int, report: Callable[[int, str], None]) -> Iterator[Token]:
    """The tokens of ``text`` from ``start`` without comments and white space, closed by one of kind `END`.

    ``report(offset, message)`` hears of what is no token; it is left out.
    """
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or END
        if kind in _TRIVIA:
            continue
        begin, end = match.span()
        if kind == "open_block":
            report(begin, "the comment is never closed; '*/' is missing")
            break
        if kind == "hash":
            report(begin, "'#' begins no comment here; comments begin with '//' or stand in '/* */'")
        elif kind == "other":
            report(begin, _stray(match.group()))
        elif kind == "open_string":
            report(begin, "the string is not closed; '\"' is missing before the end of the line")
            yield Token("string", begin, end, broken=True)
        elif kind == "punctuation":
            yield Token(match.group(), begin, end)
        else:
            yield Token(kind, begin, end)
    yield Token(END, len(text), len(text))


def _stray(text: str) -> str:
    shown = f"'{text[:20]}'" if text.isprintable() else " ".join(f"U+{ord(char):04X}" for char in text[:4])
    return f"unexpected {shown}"


@dataclass(frozen=True, slots=True)
class Gap:
    """The white space and comments between two tokens.

    ``comment_end`` is the offset behind the last comment on the line the gap begins on (the gap's start
    without one), ``breaks_line`` whether that line ends in the gap, ``last_comment_end`` the offset behind
    the last comment of the whole gap (its start without one) and ``end`` where the next token begins.
    """

    comment_end: int
    breaks_line: bool
    last_comment_end: int
    end: int


def gap(text: str, start: int) -> Gap:
    """The gap that begins at ``start``, which is the end of a token."""
    position = comment_end = last_comment_end = start
    breaks_line = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup not in _TRIVIA:
            break
        position = match.end()
        if match.lastgroup == "space":
            breaks_line = breaks_line or "\n" in match.group() or "\r" in match.group()
        else:
            last_comment_end = position
            if not breaks_line:
                comment_end = position
    return Gap(comment_end, breaks_line, last_comment_end, position)
