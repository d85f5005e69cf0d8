"""Parses JSON with comments, goes on after an error and so reports all errors of a text at once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from chargectl.config.scanner import END, Token, tokens
from chargectl.config.tree import Array, Member, Node, Object, Scalar, ScalarValue

MAXIMUM_DEPTH = 32
"""How deep objects and arrays may nest. The deepest declared key is at 6; the parser recurses."""
MAXIMUM_DIGITS = 20
"""Longest integer that is read, sign included: more than 64 bits are of no use to any key."""
MAXIMUM_NUMBER = 40
"""Longest decimal number that is read, in characters."""

_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Parser:
    """Recursive descent with one token of lookahead.

    ``error(offset, message)`` hears of what breaks the syntax, ``doubled(offset, name, first_offset)`` of a
    key that stands twice, ``warning(offset, message)`` of what other readers of JSON may refuse.
    ``place(offset)`` names a position in a message.
    """

    def __init__(
        self,
        text: str,
        error: Callable[[int, str], None],
        doubled: Callable[[int, str, int], None],
        warning: Callable[[int, str], None],
        place: Callable[[int], str],
    ) -> None:
        """Prepare to parse ``text``."""
        self._text = text
        self._error = error
        self._doubled = doubled
        self._warning = warning
        self._place = place
        self._open: list[Token] = []
        self._swallowed = -1
        """Where the last string without closing quote ends: it has swallowed the comma or colon behind."""

    def parse(self, start: int) -> Node | None:
        """The value that the text holds from ``start`` on; None when there is none."""
        self._tokens = tokens(self._text, start, self._error)
        self._next = next(self._tokens)
        if self._next.kind == END:
            self._error(start, "there is no configuration; the file must hold one object: { ... }")
            return None
        root = self._value("")
        if self._next.kind != END:
            self._error(self._next.start, f"{self._shown()} stands behind the end of the configuration")
        elif root is not None and not isinstance(root, Object):
            self._error(root.start, "the file must hold one object: { ... }")
        return root

    def _advance(self) -> Token:
        token = self._next
        if token.kind != END:
            self._next = next(self._tokens)
        return token

    def _shown(self) -> str:
        token = self._next
        return "the end of the file" if token.kind == END else f"'{self._text[token.start : token.end][:20]}'"

    def _value(self, after: str) -> Node | None:
        kind = self._next.kind
        if kind in ("{", "["):
            if len(self._open) >= MAXIMUM_DEPTH:
                self._skip_nested()
                return None
            self._open.append(self._next)
            found = self._object() if kind == "{" else self._array()
            self._open.pop()
            return found
        if kind in ("string", "number", "word"):
            token = self._advance()
            return Scalar(token.start, token.end, self._scalar(token))
        self._error(self._next.start, f"a value is missing{after} before {self._shown()}")
        return None

    def _skip_nested(self) -> None:
        self._error(self._next.start, f"objects and arrays are nested more than {MAXIMUM_DEPTH} deep")
        depth = 0
        while self._next.kind != END:
            kind = self._advance().kind
            depth += (kind in ("{", "[")) - (kind in ("}", "]"))
            if depth <= 0:
                return

    def _scalar(self, token: Token) -> ScalarValue:
        text = self._text[token.start : token.end]
        if token.kind == "string":
            return self._string(token, text)
        if token.kind == "word":
            if text in _LITERALS:
                return _LITERALS[text]
            self._error(token.start, f"'{text[:20]}' is no JSON value; {_word_hint(text)}")
        elif text.lstrip("-").isdigit():
            if len(text) <= MAXIMUM_DIGITS:
                return int(text)
            self._error(token.start, "the number is too large")
        else:
            if len(text) <= MAXIMUM_NUMBER and math.isfinite(number := float(text)):
                return number
            self._error(token.start, "the number is too large or too long")
        return None

    def _string(self, token: Token, text: str) -> str:
        if token.broken:
            self._swallowed = token.end
            return ""
        try:
            value = str(json.loads(text))
            value.encode()
        except json.JSONDecodeError as error:
            if text[error.pos] < " ":
                reason = f"a control character must be written as \\u{ord(text[error.pos]):04x}"
            else:
                reason = "invalid escape; a backslash is written as \\\\"
            self._error(token.start + error.pos, f"{reason} in a string")
            return ""
        except UnicodeEncodeError:
            self._error(token.start, "the string holds one half of a surrogate pair")
            return ""
        return value

    def _object(self) -> Object:
        opened = self._advance()
        found = Object(opened.start, opened.end)
        while not self._closed(opened, "}", found):
            if self._next.kind in ("string", "word", "number"):
                self._member(found)
                continue
            self._error(self._next.start, f"a key in double quotes is missing before {self._shown()}")
            if self._next.kind == ":":
                self._advance()
            if self._next.kind in ("{", "[", "string", "word", "number"):
                self._value("")
            if self._next.kind == ",":
                self._advance()
        return found

    def _member(self, found: Object) -> None:
        key = self._advance()
        name = self._scalar(key) if key.kind == "string" else self._text[key.start : key.end].strip("'")
        if key.kind != "string":
            self._error(key.start, f'a key stands in double quotes: "{str(name)[:40]}"')
        value: Node | None = None
        if self._next.kind == ":":
            self._advance()
            value = self._value(" behind the key")
        elif not key.broken:
            self._error(key.end, "':' and a value are missing behind the key")
            if self._next.kind in ("string", "number", "word", "{", "["):
                value = self._value("")
        if value is None:
            value = Scalar(key.end, key.end, None)
            self._swallowed = key.end
        elif isinstance(name, str) and not key.broken:
            first = found.members.pop(name, None)
            if first is not None:
                self._doubled(key.start, name, first.key_start)
            found.members[name] = Member(key.start, value)
        self._separator(found, "}", value)

    def _array(self) -> Array:
        opened = self._advance()
        found = Array(opened.start, opened.end)
        while not self._closed(opened, "]", found):
            value = self._value("")
            if value is not None:
                found.items.append(value)
                self._separator(found, "]", value)
            elif self._next.kind in (",", ":"):
                self._advance()
        return found

    def _closed(self, opened: Token, closer: str, found: Object | Array) -> bool:
        token = self._next
        found.end = token.end
        if token.kind == closer:
            self._advance()
            return True
        if token.kind == END:
            self._error(opened.start, f"'{opened.kind}' is never closed; '{closer}' is missing")
            return True
        if token.kind in ("}", "]"):
            opener = f"'{opened.kind}' is at {self._place(opened.start)}"
            self._error(token.start, f"'{closer}' is missing before '{token.kind}'; {opener}")
            wanted = "{" if token.kind == "}" else "["
            if not any(other.kind == wanted for other in self._open):
                self._advance()
            return True
        return False

    def _separator(self, found: Object | Array, closer: str, value: Node) -> None:
        token = self._next
        if token.kind == ",":
            found.commas.append(self._advance().start)
            if self._next.kind == closer:
                self._warning(token.start, f"',' before '{closer}' is not standard JSON")
        elif token.kind not in ("}", "]", END) and value.end != self._swallowed:
            self._error(value.end, "',' is missing behind the value")


def _word_hint(text: str) -> str:
    lower = text.lower()
    if lower in _LITERALS:
        return f"write {lower}"
    if lower in ("yes", "on", "no", "off"):
        return f"write {'true' if lower in ('yes', 'on') else 'false'}"
    if text[0].isdigit() or text[0] in "+-.":
        return "a number has no leading zero or plus sign, and digits on both sides of the point"
    return "strings stand in double quotes"
