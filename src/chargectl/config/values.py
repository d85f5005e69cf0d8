"""Which values a key takes: checks one value against its declaration."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chargectl.declarations.types import JsonValue, Key, KeyType

_TYPE_NAMES = {
    bool: "Boolean",
    int: "Integer",
    float: "decimal number",
    str: "String",
    list: "Array",
    dict: "Object",
}

HIDDEN = "***"
"""Shown in place of a secret."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a value: ``value`` applies; ``message`` says what was wrong ("" when nothing was).

    ``replaced`` says that ``value`` is the default and not what stood in the file.
    """

    value: JsonValue
    message: str = ""
    suggestion: str = ""
    replaced: bool = False


def allowed_text(key: Key) -> str:
    """What may stand there, as the guide writes it: ``Integer (1 - 5000)``."""
    if key.allowed:
        inner = ", ".join(json.dumps(value, ensure_ascii=False) for value in key.allowed)
    else:
        parts = [str(number) for number in key.also_allowed]
        if key.minimum is not None and key.minimum == key.maximum:
            parts.append(str(key.minimum))
        elif key.minimum is not None or key.maximum is not None:
            parts.append(_range(key.minimum, key.maximum))
        if key.maximum_size is not None:
            parts = [f"at most {key.maximum_size} characters"]
        inner = ", ".join(parts)
    text = f"{key.type.value} ({inner})" if inner else key.type.value
    return f"{text} or null" if key.nullable else text


def _range(minimum: int | None, maximum: int | None) -> str:
    if maximum is None:
        return f"{minimum} or more"
    return f"{maximum} or less" if minimum is None else f"{minimum} - {maximum}"


def shown(key: Key, value: JsonValue) -> str:
    """A value for a message: short, and hidden when it is secret."""
    if key.secret and value is not None:
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def judge(key: Key, value: JsonValue) -> Verdict:
    """Check a value of a leaf key. What is wrong takes the documented default; too long text is cut."""
    if value is None and key.nullable:
        return Verdict(None)
    kind = key.type
    if kind is KeyType.BOOLEAN:
        return Verdict(value) if isinstance(value, bool) else _wrong_type(key, value)
    if kind is KeyType.INTEGER:
        return _integer(key, value)
    if kind is KeyType.STRING:
        return _string(key, value) if isinstance(value, str) else _wrong_type(key, value)
    if kind is KeyType.STRING_OR_STRINGS and isinstance(value, str):
        return _string(key, value)
    if kind is KeyType.OBJECT:
        return Verdict(value) if isinstance(value, dict) else _wrong_type(key, value)
    if not isinstance(value, list):
        return _wrong_type(key, value)
    if kind is KeyType.OBJECTS:
        wrong = any(not isinstance(item, dict) for item in value)
        return _wrong_type(key, value) if wrong else Verdict(value)
    return _elements(key, value)


def _elements(key: Key, value: list[JsonValue]) -> Verdict:
    kept: list[JsonValue] = []
    message = ""
    for index, item in enumerate(value):
        if key.type is KeyType.INTEGERS:
            verdict = _integer(key, item)
        else:
            verdict = _string(key, item) if isinstance(item, str) else _wrong_type(key, item)
        if verdict.message:
            message = f"element {index + 1}: {verdict.message}"
        if verdict.replaced:
            return Verdict(key.default, message, verdict.suggestion, replaced=True)
        kept.append(verdict.value)
    return Verdict(kept, message)


def _integer(key: Key, value: JsonValue) -> Verdict:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return _wrong_type(key, value)
    below = key.minimum is not None and value < key.minimum
    above = key.maximum is not None and value > key.maximum
    if (below or above) and value not in key.also_allowed:
        return Verdict(key.default, f"{shown(key, value)} is out of range{_instead(key)}", replaced=True)
    return Verdict(value)


def _string(key: Key, value: str) -> Verdict:
    if key.allowed and value not in key.allowed:
        message = f"{shown(key, value)} is not one of the values{_instead(key)}"
        return Verdict(key.default, message, closest(value, key.allowed), replaced=True)
    if key.maximum_size is not None and len(value) > key.maximum_size:
        message = f"{len(value)} characters are too many; only the first {key.maximum_size} are used"
        return Verdict(value[: key.maximum_size], message)
    return Verdict(value)


def _wrong_type(key: Key, value: JsonValue) -> Verdict:
    suggestion = ""
    if key.secret:
        pass
    elif key.type is KeyType.BOOLEAN and isinstance(value, str) and value.lower() in ("true", "false"):
        suggestion = value.lower()
    elif key.type is KeyType.INTEGER and isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        suggestion = value.strip()
    name = _TYPE_NAMES.get(type(value))
    what = f"the {name} {shown(key, value)}" if name else "null"
    message = f"{what} is of the wrong type{_instead(key)}"
    return Verdict(key.default, message, suggestion, replaced=True)


def _instead(key: Key) -> str:
    if key.default is None:
        return "; it counts as not set"
    return f"; the default {shown(key, key.default)} applies"


def closest(word: str, candidates: tuple[str, ...] | list[str]) -> str:
    """The candidate that was probably meant, in quotes; empty when none is near."""
    folded = {candidate.lower(): candidate for candidate in candidates}
    if word.lower() in folded:
        return f'"{folded[word.lower()]}"'
    import difflib  # only needed when something is wrong; a daemon's start should not pay for it

    near = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    return f'"{folded[near[0]]}"' if near else ""
