"""Writes the reference in docs/reference from the declarations.

``python -m chargectl.declarations.reference docs/reference`` writes the files; with ``--check`` it writes
nothing, lists the files that differ from the declarations, and exits with 1 if there are any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from chargectl.declarations import topics
from chargectl.declarations.errors import ERRORS
from chargectl.declarations.keys import keys_of
from chargectl.declarations.leds import (
    COLORS,
    CONDITIONS,
    DEFAULT_GPIOS,
    DURATION_UNIT_MS,
    MODES,
    SHIPPED_LEDS,
)
from chargectl.declarations.locks import DEFAULT_LOCK, LOCKS
from chargectl.declarations.rotary import ROTARY_TABLE
from chargectl.declarations.types import (
    ConfigFile,
    Direction,
    ErrorRow,
    Key,
    KeyType,
    Payload,
    Reaction,
    Topic,
)

_NOTICE: Final = (
    "<!-- Generated from src/chargectl/declarations by `python -m chargectl.declarations.reference"
    " docs/reference`. Changes made here are lost. -->"
)
_GUIDE: Final = (
    'Section numbers are those of the Charge Control C User Guide; "chargectl" marks our own additions.'
)
_TOPIC_GROUPS: Final = (
    ("Session and pilot", topics.charge),
    ("Charging port", topics.port),
    ("Current limits and phases", topics.limits),
    ("Station", topics.station),
    ("Parameters from the station's owner (high-level charging)", topics.evse),
    ("Parameters from the EV (high-level charging)", topics.ev),
)
_KEY_GROUPS: Final = (
    ("ports[0]", "Port"),
    ("io", "Inputs and outputs"),
    ("fake_highlevel_dc_vendors", "Vendors of faked DC sessions"),
    ("ocpp", "OCPP"),
    ("network", "Network"),
    ("uplink", "Mobile uplink"),
)
_DIRECTIONS: Final = {
    Direction.PUBLISHED: "published",
    Direction.ACCEPTED: "accepted",
    Direction.BOTH: "either",
}


def render() -> dict[str, str]:
    """The reference: file name to text, the same for the same declarations."""
    return {
        "topics.md": _topics(),
        "configuration.md": _configuration(),
        "errors.md": _errors(),
        "locks.md": _locks(),
        "leds.md": _leds(),
    }


def stale(folder: Path) -> list[str]:
    """Names of the files that are missing in the folder or differ from the declarations."""
    return [name for name, text in render().items() if _read(folder / name) != text]


def write(folder: Path) -> list[str]:
    """Write what is stale and return the names. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    names = stale(folder)
    for name, text in render().items():
        if name in names:
            (folder / name).write_text(text, encoding="utf-8")
    return names


def main(arguments: Sequence[str]) -> int:
    """The command line; returns the exit code: 0 done or nothing stale, 1 stale files, 2 wrong use."""
    folders = [argument for argument in arguments if argument != "--check"]
    if len(folders) != 1 or folders[0].startswith("-"):
        sys.stderr.write("usage: python -m chargectl.declarations.reference [--check] FOLDER\n")
        return 2
    folder = Path(folders[0])
    if "--check" not in arguments:
        for name in write(folder):
            sys.stdout.write(f"wrote {folder / name}\n")
        return 0
    names = stale(folder)
    for name in names:
        sys.stdout.write(f"{folder / name} differs from the declarations\n")
    return 1 if names else 0


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", _NOTICE, *parts)) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _topics() -> str:
    head = ("Topic", "Direction", "Payload", "Retained", "Daemon", "Meaning", "Section")
    parts = [
        "QoS is 0. *Published* topics come from the station, *accepted* ones from you; *either* depends"
        " on the configuration, as their meaning says. `+` stands for a name that is free to choose. "
        + _GUIDE,
    ]
    for title, module in _TOPIC_GROUPS:
        rows = [_topic_row(topic) for topic in vars(module).values() if isinstance(topic, Topic)]
        parts += [f"## {title}", _table(head, rows)]
    return _page("MQTT topics", *parts)


def _topic_row(topic: Topic) -> tuple[str, ...]:
    return (
        f"`{topic.path}`<br>{topic.name}",
        _DIRECTIONS[topic.direction],
        _payload(topic),
        "yes" if topic.retain else "no",
        topic.daemon,
        topic.meaning,
        topic.section,
    )


def _payload(topic: Topic) -> str:
    words = "`1` or `0`" if topic.payload is Payload.BOOL else topic.payload.value
    if topic.values:
        words += " " + ", ".join(_code(value) or "empty" for value in topic.values)
    if topic.minimum is not None and topic.maximum is not None:
        words += f", {_number(topic.minimum)} to {_number(topic.maximum)}"
    elif topic.minimum is not None:
        words += f", at least {_number(topic.minimum)}"
    if topic.unit:
        words += f", in {topic.unit}"
    return f"{words}: {_code(topic.shape)}" if topic.shape else words


def _configuration() -> str:
    customer = keys_of(ConfigFile.CUSTOMER)
    parts = [
        "All three files lie in `/etc/secc` and hold JSON with comments. A key that is missing,"
        " commented out or of the wrong type has its default. `[]` stands for any element of an array,"
        " `*` for any name. *OCPP* tells whether the central system may write the key. " + _GUIDE,
        f"## {ConfigFile.CUSTOMER.value}",
    ]
    for prefix, title in _KEY_GROUPS:
        keys = [key for key in customer if key.path.split("/")[0] == prefix]
        parts += [f"### {title}", _key_table(keys)]
    parts += [f"## {ConfigFile.LEDS.value}", _key_table(keys_of(ConfigFile.LEDS))]
    parts += [f"## {ConfigFile.ROTARY.value}", *_rotary()]
    return _page("Configuration", *parts)


def _key_table(keys: Iterable[Key]) -> str:
    head = ("Key", "Type", "Default", "OCPP", "Meaning", "Applies", "Section")
    return _table(
        head,
        [
            (
                _code(key.path),
                _allowed(key),
                _default(key),
                "yes" if key.ocpp_writable else "no",
                key.meaning + (" Never shown." if key.secret else ""),
                key.applies or "always",
                key.section,
            )
            for key in keys
        ],
    )


def _allowed(key: Key) -> str:
    words = key.type.value
    if key.allowed:
        words += ": " + ", ".join(map(_code, key.allowed))
    if key.minimum is not None and key.maximum is not None and key.minimum != key.maximum:
        numbers = [*map(str, key.also_allowed), f"{key.minimum} to {key.maximum}"]
        words += ": " + " or ".join(numbers)
    elif key.minimum is not None and key.maximum is not None:
        words += ": " + " or ".join(map(str, (*key.also_allowed, key.minimum)))
    elif key.minimum is not None:
        words += ": " + " or ".join((*map(str, key.also_allowed), f"at least {key.minimum}"))
    if key.maximum_size is not None:
        words += f" of up to {key.maximum_size} characters"
    return words + (" or null" if key.nullable else "")


def _default(key: Key) -> str:
    if key.type is KeyType.OBJECTS and key.default:
        words = "as shipped"
    elif key.default is None:
        words = "unset" if not key.default_meaning else f"unset: {key.default_meaning}"
    else:
        words = _code(json.dumps(key.default, ensure_ascii=False))
        words += f": {key.default_meaning}" if key.default_meaning else ""
    if key.shipped is not None and key.path != "leds":
        words += f"; shipped as {_code(json.dumps(key.shipped, ensure_ascii=False))}"
    return words


def _rotary() -> tuple[str, ...]:
    phase_count, current_limit = keys_of(ConfigFile.ROTARY)[:2]
    words = (
        "`rotary_switch_1[N]/phase_count` and `rotary_switch_1[N]/current_limit` tell what position N"
        " (0 to 15) of rotary switch SW2 means: the phase count"
        f" ({_allowed(phase_count)}) and the grid current limit in A per phase ({_allowed(current_limit)})."
        " OCPP cannot write them. The defaults (4.2.2, Table 16):"
    )
    return (
        words,
        _table(
            ("Position", "phase_count", "current_limit"),
            [
                (f"{position:X}", str(phases), str(limit))
                for position, (phases, limit) in enumerate(ROTARY_TABLE)
            ],
        ),
    )


def _errors() -> str:
    head = (
        "Priority",
        "Error",
        "OCPP error code",
        "OCPP vendor code",
        "Meaning",
        "With an EV",
        "Without an EV",
        "Ends",
        "Topic",
        "Section",
    )
    return _page(
        "Errors",
        "Priority 1 is the highest; of several active errors the highest is reported, equal ones in the"
        " order of this table. The reactions name what the error changes: the pilot's duty cycle, the"
        " plug lock, the contactor. " + _GUIDE,
        _table(head, map(_error_row, ERRORS)),
    )


def _error_row(row: ErrorRow) -> tuple[str, ...]:
    topic = topics.BY_NAME.get(row.topic)
    return (
        str(row.priority),
        row.code,
        row.ocpp_error_code,
        row.vendor_error_code,
        row.meaning + (" (reported for the whole station too)" if row.whole_station else ""),
        _reaction(row.connected),
        _reaction(row.disconnected),
        row.recovery.value,
        f"`{topic.path}` = `{row.topic_payload}`" if topic else "",
        row.section,
    )


def _reaction(reaction: Reaction) -> str:
    unchanged = Reaction()
    words = []
    if reaction.duty is not unchanged.duty:
        words.append(f"duty {reaction.duty.value}")
    if reaction.lock is not unchanged.lock:
        words.append(f"lock {reaction.lock.value}")
    if reaction.contactor is not unchanged.contactor:
        words.append(f"contactor: {reaction.contactor.value}")
    return "; ".join(words) or "none"


def _locks() -> str:
    rows = [
        (
            ", ".join(map(_code, (lock.name, *lock.aliases))),
            str(lock.drive_ms),
            "{} to {}".format(*lock.unlocked_mv),
            "{} to {}".format(*lock.locked_mv),
            lock.feedback.value,
        )
        for lock in LOCKS
    ]
    return _page(
        "Plug locks",
        f"The values of `ports[0]/plug_lock/type`; `{DEFAULT_LOCK}` is the default. The motor is driven"
        " for the given time; the sense voltage then tells the position. A lock without a feedback"
        " switch is driven without being checked, and its state is reported as `unknown`.",
        _table(("Types", "Drive time, ms", "Unlocked, mV", "Locked, mV", "Feedback"), rows),
    )


def _leds() -> str:
    channels = ("red", "green", "blue")
    return _page(
        "Status LED",
        "`/etc/secc/leds.json` says what the status LEDs show. Several conditions hold at once; of those"
        " that have a behaviour, the highest shows. A behaviour with a duration ends after it, and the"
        " next lower one shows.",
        "## Conditions, highest first",
        _table(
            ("Priority", "Condition", "Holds when"),
            [(str(one.priority), _code(one.name), one.meaning) for one in CONDITIONS],
        ),
        "## Modes",
        _table(("Mode", "Meaning"), [(_code(mode.name), mode.meaning) for mode in MODES.values()]),
        "## Colours",
        _table(
            ("Colour", "Channels lit"),
            [
                (
                    _code(name),
                    ", ".join(channel for channel, lit in zip(channels, rgb, strict=True) if lit) or "none",
                )
                for name, rgb in COLORS.items()
            ],
        ),
        f"The channels are `gpios` in the order red, green, blue; the default is {list(DEFAULT_GPIOS)},"
        f" one LED at digital output 1. The unit of `duration` is {DURATION_UNIT_MS} ms; 0 is as long as"
        " the condition holds.",
        "## As shipped",
        "```json\n" + json.dumps({"leds": SHIPPED_LEDS}, indent=4) + "\n```",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
