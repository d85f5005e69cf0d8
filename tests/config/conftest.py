"""A few keys of every kind, so that the tests of the mechanics do not depend on the real declarations."""

from __future__ import annotations

from typing import Any

import pytest

from chargectl.config.document import Document
from chargectl.config.shape import Shape
from chargectl.config.validate import Checked, validate
from chargectl.declarations.types import ConfigFile, JsonValue, Key, KeyType


def key(path: str, kind: KeyType, default: JsonValue = None, **more: Any) -> Key:
    return Key(ConfigFile.CUSTOMER, path, kind, default, f"Meaning of {path}.", "test", **more)


KEYS = (
    key("ports[0]/enable", KeyType.BOOLEAN, True),
    key("ports[0]/limit", KeyType.INTEGER, 6, minimum=6, maximum=63, also_allowed=(-1,)),
    key("ports[0]/mode", KeyType.STRING, "no", allowed=("nc", "no", "none")),
    key("ports[0]/evse_id", KeyType.STRING, "DE*1", maximum_size=5),
    key("ports[0]/address", KeyType.INTEGER, None, minimum=1, maximum=247, default_meaning="by protocol"),
    key("gpios", KeyType.INTEGERS, [84], minimum=84, maximum=89),
    key("measurands", KeyType.STRINGS, ["a"], allowed=("a", "b")),
    key("names", KeyType.STRINGS, [], maximum_size=3),
    key("dns", KeyType.STRING_OR_STRINGS, None),
    key("password", KeyType.STRING, None, secret=True, nullable=True, maximum_size=8),
    key("remotes", KeyType.OBJECTS, [], shipped=[{}]),
    key("remotes[]/uri", KeyType.STRING, None),
    key("vendors", KeyType.OBJECT, {}, shipped={"Tesla": {"method": 2}}),
    key("vendors/*/method", KeyType.INTEGER, 1, minimum=1, maximum=4),
    key("leds", KeyType.OBJECTS, [{"color": "red", "items": [{"n": 1}]}, {}]),
    key("leds[]/color", KeyType.STRING, "white", allowed=("white", "red")),
    key("leds[]/items", KeyType.OBJECTS, []),
    key("leds[]/items[]/n", KeyType.INTEGER, 0),
)


def check(text: str, shape: Shape | None = None) -> Checked:
    return validate(Document(text, "customer.json"), shape or Shape.of(KEYS))


@pytest.fixture
def shape() -> Shape:
    return Shape.of(KEYS)
