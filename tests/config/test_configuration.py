"""Typed read access."""

from __future__ import annotations

import pytest

from chargectl.config.load import shape_of
from chargectl.config.paths import format_path, parse_path
from chargectl.config.shape import Shape
from chargectl.config.validate import defaults
from chargectl.declarations.types import ConfigFile
from tests.config.conftest import check


def test_typed_values(shape: Shape) -> None:
    values = check('{"dns": "x", "gpios": [85], "remotes": [{"uri": "u"}]}').configuration
    assert values.boolean("ports[0]/enable") is True
    assert values.integer("ports[0]/limit") == 6
    assert values.string("ports[0]/mode") == "no"
    assert values.integers("gpios") == (85,)
    assert values.strings("dns") == ("x",)
    assert values.strings("measurands") == ("a",)
    assert values.optional_integer("ports[0]/address") is None
    assert values.optional_string("password") is None
    assert values.optional_string("remotes[0]/uri") == "u"
    assert values.length("remotes") == 1
    assert values.length("leds[1]/items") == 0
    assert values.names("vendors") == ()


@pytest.mark.parametrize(
    "path",
    ["ports[0]/limits", "ports[1]/limit", "ports[]/limit", "ports[0]", "", "a//b", "vendors/*/method", "x["],
)
def test_undeclared_paths_raise(shape: Shape, path: str) -> None:
    values = defaults(shape)
    assert not values.declares(path)
    with pytest.raises(KeyError):
        values[path]
    with pytest.raises(KeyError):
        values.integer(path)


def test_a_wrong_getter_raises(shape: Shape) -> None:
    values = defaults(shape)
    with pytest.raises(KeyError, match="declared as Integer"):
        values.boolean("ports[0]/limit")
    with pytest.raises(KeyError, match="declared as Boolean"):
        values.integer("ports[0]/enable")
    with pytest.raises(KeyError, match="not declared as an array"):
        values.length("vendors")
    with pytest.raises(KeyError, match="not declared as an object"):
        values.names("leds")


def test_an_unset_value_is_no_number(shape: Shape) -> None:
    with pytest.raises(ValueError, match=r"ports\[0\]/address is not set"):
        defaults(shape).integer("ports[0]/address")
    with pytest.raises(ValueError, match="password is not set"):
        defaults(shape).string("password")


def test_an_array_with_a_default_has_its_elements(shape: Shape) -> None:
    values = defaults(shape)
    assert values.length("leds") == 2
    assert values.string("leds[0]/color") == "red"
    assert values.string("leds[1]/color") == "white"
    assert values.integer("leds[0]/items[0]/n") == 1
    assert all(entry.is_default and not entry.given for entry in values.entries())
    own = check('{"leds": [{}]}').configuration
    assert own.length("leds") == 1
    assert own.string("leds[0]/color") == "white"
    assert own.length("leds[0]/items") == 0
    changed = [entry.path for entry in own.entries() if not entry.is_default]
    assert changed == ["leds", "leds[0]/color", "leds[0]/items"]


def test_entries_tell_all_values() -> None:
    values = check('{"ports": [{"limit": 6, "enable": 0}], "vendors": {"T": {"method": 2}}}').configuration
    found = {entry.path: entry for entry in values.entries()}
    assert found["ports[0]/limit"].given
    assert found["ports[0]/limit"].is_default
    assert not found["ports[0]/enable"].given
    assert found["vendors/T/method"].value == 2
    assert found["vendors/T/method"].default == 1
    assert "remotes[0]/uri" not in found


def test_every_declared_key_can_be_read() -> None:
    for file in ConfigFile:
        values = defaults(shape_of(file))
        for path in shape_of(file).key_paths():
            concrete = path.replace("[]", "[0]").replace("*", "any")
            assert values.declares(concrete), path
            assert values.key(concrete).path == path


@pytest.mark.parametrize("path", ["a", "a/b", "a[0]", "a[0]/b[12]/c d", "a[]/b", "a[1][2]"])
def test_paths_round_trip(path: str) -> None:
    assert format_path(parse_path(path)) == path


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "[0]", "a[x]", "a[-1]", "a[0]b"])
def test_malformed_paths(path: str) -> None:
    with pytest.raises(ValueError, match="no key path"):
        parse_path(path)


@pytest.mark.spec(9)
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("{}", 30),
        ('{"ports": [{"meter": {"publish_settings": {"timer": 5}}}]}', 5),
        ('{"ports": [{"meter": {"publish_settings": {"timer": "5"}}}]}', 30),
    ],
)
def test_the_metering_publish_interval_is_30_seconds_unless_given(text: str, seconds: int) -> None:
    values = check(text, shape_of(ConfigFile.CUSTOMER)).configuration
    assert values.integer("ports[0]/meter/publish_settings/timer") == seconds
