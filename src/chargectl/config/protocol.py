"""What configd's clients ask and what they hear: one JSON object per line in both directions.

Requests, each with an optional ``"file"`` (default customer.json)::

    {"set": {"ports[0]/meter/enable": true}, "remove": ["ports[0]/meter/address"], "writer": "ocpp"}
    {"get": ["ports[0]/meter/enable"]}
    {"list": true}
    {"problems": true}

Replies are ``{"ok": true, ...}`` with ``changed``, ``values`` or ``problems``, or ``{"ok": false, "errors":
["..."]}``. Secrets are never told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from chargectl.config.owner import Owner, RefusedError, Report
from chargectl.config.parser import MAXIMUM_DEPTH
from chargectl.config.problem import Problem
from chargectl.config.values import HIDDEN
from chargectl.declarations.types import ConfigFile, JsonValue, Key

MAXIMUM_LINE = 64 * 1024
"""The longest request: a new fake_highlevel_dc_vendors with some hundred vendors fits."""

_VERBS = ("set", "remove", "get", "list", "problems")
_FIELDS = (*_VERBS, "file", "writer")
_TOO_DEEP = f"objects and arrays may nest at most {MAXIMUM_DEPTH} deep"


@dataclass(frozen=True, slots=True)
class Answer:
    """The line to send back, and what to announce and to log."""

    line: bytes
    report: Report


class _RequestError(ValueError):
    pass


def answer(owner: Owner, line: bytes) -> Answer:
    """Carry out one request. Never raises for what the line holds."""
    try:
        reply, report = _carry_out(owner, _parsed(line))
    except RefusedError as error:
        reply, report = {"ok": False, "errors": list(error.reasons)}, Report()
    except _RequestError as error:
        reply, report = {"ok": False, "errors": [str(error)]}, Report()
    return Answer(encode(reply), report)


def encode(message: dict[str, JsonValue]) -> bytes:
    """One line."""
    return json.dumps(message).encode() + b"\n"


def refusal(reason: str) -> bytes:
    """The line that tells a client that it was not understood."""
    return encode({"ok": False, "errors": [reason]})


def _parsed(line: bytes) -> dict[str, JsonValue]:
    try:
        request = json.loads(line.decode(), parse_constant=_no_constant)
    except ValueError:
        raise _RequestError("a request is one line with one JSON object in UTF-8") from None
    except RecursionError:  # far beyond what is allowed; how far differs between Python versions
        raise _RequestError(_TOO_DEEP) from None
    if not isinstance(request, dict):
        raise _RequestError("a request is a JSON object")
    if _deeper(request, MAXIMUM_DEPTH):
        raise _RequestError(_TOO_DEEP)
    unknown = [name for name in request if name not in _FIELDS]
    if unknown or not any(verb in request for verb in _VERBS):
        raise _RequestError(f"a request has the fields {', '.join(_FIELDS)}")
    return request


def _deeper(value: JsonValue, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and (levels == 0 or any(_deeper(item, levels - 1) for item in value))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _carry_out(owner: Owner, request: dict[str, JsonValue]) -> tuple[dict[str, JsonValue], Report]:
    file = _file(request.get("file", ConfigFile.CUSTOMER.value))
    if "set" in request or "remove" in request:
        values, remove = request.get("set", {}), request.get("remove", [])
        if not isinstance(values, dict):
            raise _RequestError('"set" is an object of key paths and values')
        report = owner.change(file, values, _paths("remove", remove), str(request.get("writer", "")))
        changed: list[JsonValue] = list(report.changed)
        return {"ok": True, "changed": changed, "problems": _lines(report.problems)}, report
    if "problems" in request:
        return {"ok": True, "problems": _lines(owner.problems(file))}, Report()
    configuration = owner.configuration(file)
    if "list" in request:
        found = {entry.path: _open(entry.key, entry.value) for entry in configuration.entries()}
        return {"ok": True, "values": found}, Report()
    paths = _paths("get", request["get"])
    unknown = [path for path in paths if not configuration.declares(path)]
    if unknown:
        raise _RequestError(f"there is no key {unknown[0]} in {file.value}")
    return {"ok": True, "values": {p: _open(configuration.key(p), configuration[p]) for p in paths}}, Report()


def _open(key: Key, value: JsonValue) -> JsonValue:
    return HIDDEN if key.secret and value is not None else value


def _file(name: JsonValue) -> ConfigFile:
    for file in ConfigFile:
        if file.value == name:
            return file
    raise _RequestError(f'"file" is one of {", ".join(file.value for file in ConfigFile)}')


def _paths(field: str, value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _RequestError(f'"{field}" is an array of key paths')
    paths = tuple(path for path in value if isinstance(path, str))
    if len(paths) != len(value):
        raise _RequestError(f'"{field}" is an array of key paths')
    return paths


def _lines(problems: tuple[Problem, ...]) -> list[JsonValue]:
    return [str(problem) for problem in problems]
