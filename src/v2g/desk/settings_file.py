"""Reads the settings file of the desk's charger and car: YAML, mapping names to texts and lists of texts.

The file is read event by event and not loaded: each value keeps its place in the file, a name that stands
twice is noticed, and no nesting, alias or tag makes anything of the file but what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WANTED = "a list of NAME: VALUE lines is wanted"
MOST_BYTES = 1_000_000
"""A settings file is a page or two; one that is much larger is another file."""


class FileError(ValueError):
    """The file cannot be read; the text begins with the place, "LINE:COLUMN: ", if there is one."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it stands in the file.

    Attributes:
        place: "LINE:COLUMN", both from 1 on.
        value: a text, or a list of texts with their places.
    """

    place: str
    value: str | tuple[Written, ...]


def read(path: Path) -> dict[str, Written]:
    """The names and values in a file.

    Raises:
        FileError: it cannot be read, or is no such file.
    """
    import yaml

    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise FileError(f"larger than {MOST_BYTES} bytes")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"byte {error.start}: this is no UTF-8 text") from None
    try:
        return _mapping(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        place = f"{_place(error.problem_mark)}: " if error.problem_mark else ""
        raise FileError(f"{place}{error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise FileError(
            f"{line}:{column}: the character #x{ord(text[error.position]):04x} is not allowed"
        ) from None
    except yaml.YAMLError as error:
        raise FileError(str(error).splitlines()[0]) from None


def _mapping(events: Iterator[Any]) -> dict[str, Written]:
    import yaml

    found: dict[str, Written] = {}
    event = _next(events, yaml.StreamStartEvent, yaml.DocumentStartEvent)
    if isinstance(event, yaml.StreamEndEvent) or _empty(event):
        return found
    if not isinstance(event, yaml.MappingStartEvent):
        raise FileError(f"{_place(event.start_mark)}: {_WANTED}")
    _plain(event)
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        name = _text(event)
        if name in found:
            here, before = _place(event.start_mark), found[name].place
            raise FileError(f"{here}: {name} is set twice, already in line {before.partition(':')[0]}")
        found[name] = _value(next(events), events)
    event = _next(events, yaml.DocumentEndEvent)
    if not isinstance(event, yaml.StreamEndEvent):
        raise FileError(f"{_place(event.start_mark)}: a second document; {_WANTED}")
    return found


def _value(event: Any, events: Iterator[Any]) -> Written:
    import yaml

    if not isinstance(event, yaml.SequenceStartEvent):
        return Written(_place(event.start_mark), _text(event))
    _plain(event)
    items = []
    while not isinstance(item := next(events), yaml.SequenceEndEvent):
        items.append(Written(_place(item.start_mark), _text(item)))
    return Written(_place(event.start_mark), tuple(items))


def _text(event: Any) -> str:
    import yaml

    if not isinstance(event, yaml.ScalarEvent):
        kind = "an alias" if isinstance(event, yaml.AliasEvent) else "a list or mapping"
        raise FileError(f"{_place(event.start_mark)}: {kind} is not allowed here, a text or number is wanted")
    _plain(event)
    return str(event.value)


def _plain(event: Any) -> None:
    if event.tag is not None and event.tag != "!":
        raise FileError(
            f"{_place(event.start_mark)}: a tag such as !!timestamp is not allowed; write only the value"
        )


def _empty(event: Any) -> bool:
    import yaml

    return isinstance(event, yaml.ScalarEvent) and event.tag is None and event.value in ("", "~", "null")


def _next(events: Iterator[Any], *passed_over: type) -> Any:
    event = next(events)
    while isinstance(event, passed_over):
        event = next(events)
    return event


def _place(mark: Any) -> str:
    return f"{mark.line + 1}:{mark.column + 1}"
