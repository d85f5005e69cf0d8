"""The shipped files and the JSON Schema, both made from the declarations."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chargectl.config.document import Document
from chargectl.config.load import shape_of, shipped_content
from chargectl.config.schema import json_schema
from chargectl.config.shape import Shape
from chargectl.config.shipped import shipped_text
from chargectl.config.tree import plain
from chargectl.config.validate import defaults, validate
from chargectl.declarations.keys import keys_of
from chargectl.declarations.types import ConfigFile, JsonValue, KeyType
from tests.config.conftest import KEYS

FILES = list(ConfigFile)
COMMENTED_KEY = re.compile(r'^( *)// ("[^"]+": .*)$', re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_shipped_files_have_no_problem(file: ConfigFile) -> None:
    assert validate(Document(shipped_content(file), file.value), shape_of(file)).problems == []


@pytest.mark.parametrize("file", FILES)
def test_shipped_values_are_the_declared_ones(file: ConfigFile) -> None:
    configuration = validate(Document(shipped_content(file)), shape_of(file)).configuration
    for key in keys_of(file):
        if "[]" in key.path or "*" in key.path:
            continue
        shipped = key.default if key.shipped is None else key.shipped
        assert configuration[key.path] == shipped, key.path
        assert configuration.given(key.path) == (shipped is not None), key.path


@pytest.mark.parametrize("file", FILES)
def test_every_key_is_explained(file: ConfigFile) -> None:
    text = " ".join(re.sub(r"^ *//( //)?", "", line) for line in shipped_content(file).splitlines())
    for key in keys_of(file):
        if file is ConfigFile.ROTARY and not key.path.startswith("rotary_switch_1[0]"):
            continue  # one element explains the others
        assert " ".join(key.meaning.split()) in " ".join(text.split()), key.path
        assert f'"{key.path.rpartition("/")[2]}": ' in text.replace("leds[]", "leds"), key.path


@pytest.mark.parametrize("text", [shipped_content(ConfigFile.CUSTOMER), shipped_text(KEYS)])
def test_any_commented_key_can_be_uncommented(text: str) -> None:
    found = list(COMMENTED_KEY.finditer(text))
    assert found
    for match in found:
        document = Document(text[: match.start()] + match.expand(r"\1\2") + text[match.end() :])
        assert not document.broken, match.group()
    together = COMMENTED_KEY.sub(r"\1\2", text)
    assert Document(together).problems == []


def test_layout_of_a_small_file() -> None:
    keys = [key for key in KEYS if key.path.startswith(("ports", "remotes", "vendors"))]
    assert (
        shipped_text(keys).splitlines()[2:]
        == """\
{
  "ports": [
    {
      // Meaning of ports[0]/enable.
      // Boolean; default true.
      "enable": true,

      // Meaning of ports[0]/limit.
      // Integer (-1, 6 - 63); default 6.
      "limit": 6,

      // Meaning of ports[0]/mode.
      // String ("nc", "no", "none"); default "no".
      "mode": "no",

      // Meaning of ports[0]/address.
      // Integer (1 - 247); when missing: by protocol.
      // "address": 1,

      // Meaning of ports[0]/evse_id.
      // String (at most 5 characters); default "DE*1".
      "evse_id": "DE*1"
    }
  ],

  // Meaning of remotes.
  // Array of Objects.
  "remotes": [
    {
      // Meaning of remotes[]/uri.
      // String.
      // "uri": ""
    }
  ],

  // Meaning of vendors.
  // Object.
  "vendors": {
    "Tesla": {
      // Meaning of vendors/*/method.
      // Integer (1 - 4); default 1.
      "method": 2
    }
  }
}""".splitlines()
    )


def accepts(schema: dict[str, Any], value: JsonValue) -> bool:
    """Enough of JSON Schema to try the exported keywords."""
    if "anyOf" in schema and not any(accepts(part, value) for part in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "null": type(None),
    }
    if "type" in schema and (
        not isinstance(value, kinds[schema["type"]])
        or (schema["type"] == "integer" and isinstance(value, bool))
    ):
        return False
    if isinstance(value, dict):
        named = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        return all(
            accepts(named[name], item)
            if name in named
            else rest is not False and (rest is True or accepts(rest, item))
            for name, item in value.items()
        )
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        return all(accepts(part, item) for part, item in zip(first, value, strict=False)) and all(
            rest is not False and (rest is True or accepts(rest, item)) for item in value[len(first) :]
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return int(schema.get("minimum", value)) <= value <= int(schema.get("maximum", value))
    return not isinstance(value, str) or len(value) <= int(schema.get("maxLength", len(value)))


@pytest.mark.parametrize("file", FILES)
def test_the_schema_accepts_the_shipped_file(file: ConfigFile) -> None:
    schema = json_schema(shape_of(file), file.value)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    root = Document(shipped_content(file)).root
    assert root is not None
    assert accepts(schema, plain(root))


@pytest.mark.parametrize(
    ("content", "good"),
    [
        ({"ports": [{"limit": 6}]}, True),
        ({"ports": [{"limit": -1}]}, True),
        ({"ports": [{"limit": 5}]}, False),
        ({"ports": [{"limit": "6"}]}, False),
        ({"ports": [{"mode": "NC"}]}, False),
        ({"ports": [{"evse_id": "123456"}]}, False),
        ({"ports": [{}, {}]}, False),
        ({"port": []}, False),
        ({"dns": ["a"]}, True),
        ({"dns": 1}, False),
        ({"gpios": [84]}, True),
        ({"gpios": [1]}, False),
        ({"password": None}, True),
        ({"password": "123456789"}, False),
        ({"vendors": {"x": {"method": 1}}}, True),
        ({"vendors": {"x": {"method": 0}}}, False),
        ({"leds": [{"color": "red"}, {}]}, True),
        ({"leds": [{"color": "rot"}]}, False),
    ],
)
def test_the_schema_says_what_the_check_says(content: JsonValue, good: bool) -> None:
    shape = Shape.of(KEYS)
    assert accepts(json_schema(shape, "x"), content) is good
    import json

    assert (validate(Document(json.dumps(content)), shape).problems == []) is good


def test_every_key_stands_in_the_schema() -> None:
    for file in FILES:
        text = str(json_schema(shape_of(file), file.value))
        for key in keys_of(file):
            if key.type not in (KeyType.OBJECT, KeyType.OBJECTS):
                assert repr(f"{key.meaning} {key.applies}".strip()) in text, key.path


@pytest.mark.spec(6)
def test_what_ocpp_may_not_write() -> None:
    configuration = defaults(shape_of(ConfigFile.CUSTOMER))
    refused = {entry.path for entry in configuration.entries() if not entry.key.ocpp_writable}
    guide = {
        "enable",
        "uri",
        "verifyCert",
        "chargePointModel",
        "chargePointVendor",
        "chargePointSerialNumber",
    }
    assert {f"ocpp/{name}" for name in guide} <= refused
    assert not {path for path in refused if path.startswith(("ports[0]/", "io/", "network/"))}
