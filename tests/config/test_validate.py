"""What a file may hold: problems with place and help, and the values that apply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.document import Document
from chargectl.config.load import shape_of
from chargectl.config.problem import Severity
from chargectl.config.validate import validate
from chargectl.declarations.types import ConfigFile, JsonValue
from tests.config.conftest import KEYS, check

KEPT = [
    ('{"ports": [{"enable": false}]}', "ports[0]/enable", False),
    ('{"ports": [{"limit": 6}]}', "ports[0]/limit", 6),
    ('{"ports": [{"limit": 63}]}', "ports[0]/limit", 63),
    ('{"ports": [{"limit": -1}]}', "ports[0]/limit", -1),
    ('{"ports": [{"limit": 16.0}]}', "ports[0]/limit", 16),
    ('{"ports": [{"mode": "nc"}]}', "ports[0]/mode", "nc"),
    ('{"ports": [{"evse_id": "12345"}]}', "ports[0]/evse_id", "12345"),
    ('{"gpios": []}', "gpios", []),
    ('{"gpios": [84, 89]}', "gpios", [84, 89]),
    ('{"measurands": ["b", "a"]}', "measurands", ["b", "a"]),
    ('{"dns": "x"}', "dns", "x"),
    ('{"dns": ["x", "y"]}', "dns", ["x", "y"]),
    ('{"password": null}', "password", None),
    ('{"remotes": [{}, {"uri": "u"}]}', "remotes[1]/uri", "u"),
    ('{"vendors": {"Any name": {"method": 4}}}', "vendors/Any name/method", 4),
]


@pytest.mark.parametrize(("text", "path", "value"), KEPT)
def test_a_good_value_applies(text: str, path: str, value: JsonValue) -> None:
    checked = check(text)
    assert checked.problems == []
    assert checked.configuration[path] == value
    assert type(checked.configuration[path]) is type(value)
    assert checked.configuration.given(path)


REPLACED = [
    # text, path, value that applies, column, parts of the problem's line
    ('{"ports": [{"enable": 1}]}', "ports[0]/enable", True, 23, "the Integer 1 is of the wrong type"),
    ('{"ports": [{"enable": "False"}]}', "ports[0]/enable", True, 23, "did you mean false?"),
    ('{"ports": [{"enable": null}]}', "ports[0]/enable", True, 23, "null is of the wrong type"),
    ('{"ports": [{"enable": {}}]}', "ports[0]/enable", True, 23, "allowed: Boolean"),
    ('{"ports": [{"limit": true}]}', "ports[0]/limit", 6, 22, "the Boolean true is of the wrong type"),
    ('{"ports": [{"limit": "16"}]}', "ports[0]/limit", 6, 22, "did you mean 16?"),
    ('{"ports": [{"limit": 6.5}]}', "ports[0]/limit", 6, 22, "the decimal number 6.5"),
    ('{"ports": [{"limit": 5}]}', "ports[0]/limit", 6, 22, "5 is out of range; the default 6 applies"),
    ('{"ports": [{"limit": 64}]}', "ports[0]/limit", 6, 22, "allowed: Integer (-1, 6 - 63)"),
    ('{"ports": [{"limit": -2}]}', "ports[0]/limit", 6, 22, "out of range"),
    ('{"ports": [{"mode": "NC"}]}', "ports[0]/mode", "no", 21, 'did you mean "nc"?'),
    ('{"ports": [{"mode": "nonne"}]}', "ports[0]/mode", "no", 21, 'did you mean "none"?'),
    ('{"ports": [{"mode": "xyz"}]}', "ports[0]/mode", "no", 21, 'allowed: String ("nc", "no", "none")'),
    ('{"ports": [{"address": 0}]}', "ports[0]/address", None, 24, "it counts as not set"),
    ('{"gpios": [84, 7]}', "gpios", [84], 11, "element 2: 7 is out of range"),
    ('{"gpios": ["84"]}', "gpios", [84], 11, "element 1: the String"),
    ('{"gpios": 84}', "gpios", [84], 11, "the Integer 84 is of the wrong type"),
    ('{"measurands": ["b", "c"]}', "measurands", ["a"], 16, 'element 2: "c" is not one of the values'),
    ('{"dns": [1]}', "dns", None, 9, "element 1"),
    ('{"vendors": {"T": {"method": 9}}}', "vendors/T/method", 1, 30, "vendors/T/method: 9 is out of range"),
    ('{"remotes": [1]}', "remotes", [], 13, "of the wrong type"),
]


@pytest.mark.spec(4)
@pytest.mark.parametrize(("text", "path", "value", "column", "part"), REPLACED)
def test_a_bad_value_takes_the_default(
    text: str, path: str, value: JsonValue, column: int, part: str
) -> None:
    checked = check(text)
    assert checked.configuration[path] == value
    assert not checked.configuration.given(path)
    assert [(p.line, p.column, p.severity) for p in checked.problems] == [(1, column, Severity.WARNING)]
    assert part in str(checked.problems[0])
    assert str(checked.problems[0]).startswith(f"customer.json:1:{column}: warning: {path}: ")


@pytest.mark.spec(4)
def test_network_booleans_of_a_wrong_type() -> None:
    text = '{"network": {"skip_configuration": "true", "ipv4": {"dhcp": 0}}}'
    values = check(text, shape_of(ConfigFile.CUSTOMER)).configuration
    assert values.boolean("network/ipv4/dhcp") is True
    assert values.boolean("network/skip_configuration") is False


@pytest.mark.spec(5)
def test_missing_and_commented_keys_take_the_default() -> None:
    text = """{"ports": [{"rcd_monitor": {
        "enable": true
        // "test_trigger_time": 1000,
        /* "test_check_normal_time": 1000 */
    }}]}"""
    checked = check(text, shape_of(ConfigFile.CUSTOMER))
    assert checked.problems == []
    assert checked.configuration.integer("ports[0]/rcd_monitor/test_trigger_time") == 815
    assert checked.configuration.integer("ports[0]/rcd_monitor/test_check_tripped_time") == 810
    assert checked.configuration.integer("ports[0]/rcd_monitor/test_check_normal_time") == 410
    assert checked.configuration.boolean("ports[0]/rcd_monitor/enable") is True


@pytest.mark.spec(3)
@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("ocpp/chargePointVendor", 20),
        ("ocpp/chargePointModel", 20),
        ("ocpp/chargePointSerialNumber", 25),
        ("ports[0]/evse_id", 37),
    ],
)
def test_too_long_text_is_cut(path: str, size: int) -> None:
    long = "0123456789" * 4
    shape = shape_of(ConfigFile.CUSTOMER)
    parent, _, name = path.partition("/")
    holder = '{"ports": [{"NAME": "TEXT"}]}' if parent == "ports[0]" else '{"ocpp": {"NAME": "TEXT"}}'
    holder = holder.replace("NAME", name)
    for text in (long, long[: size + 1]):
        checked = check(holder.replace("TEXT", text), shape)
        assert checked.configuration.string(path) == long[:size]
        assert [problem.path for problem in checked.problems] == [path]
        assert f"only the first {size} are used" in checked.problems[0].message
        assert checked.problems[0].severity is Severity.WARNING
    assert check(holder.replace("TEXT", long[:size]), shape).problems == []


def test_too_long_elements_are_cut() -> None:
    checked = check('{"names": ["abcd", "ab"]}')
    assert checked.configuration["names"] == ["abc", "ab"]
    assert "element 1: 4 characters" in checked.problems[0].message


@pytest.mark.parametrize(
    ("text", "path", "suggestion"),
    [
        ('{"ports": [{"enabel": true}]}', "ports[0]/enabel", '"enable"'),
        ('{"ports": [{"Limit": 16}]}', "ports[0]/Limit", '"limit"'),
        ('{"limit": 16}', "limit", "ports[0]/limit"),
        ('{"port": []}', "port", '"ports"'),
        ('{"xyzzy": {"deep": {"er": 1}}}', "xyzzy", ""),
        ('{"leds": [{"colour": "red"}]}', "leds[0]/colour", '"color"'),
        ('{"vendors": {"T": {"methode": 1}}}', "vendors/T/methode", '"method"'),
    ],
)
def test_unknown_keys_warn(text: str, path: str, suggestion: str) -> None:
    checked = check(text)
    assert [(p.path, p.suggestion, p.severity) for p in checked.problems] == [
        (path, suggestion, Severity.WARNING)
    ]
    assert checked.problems[0].column == text.index(f'"{path.rpartition("/")[2]}"') + 1


def test_a_key_that_is_there_is_not_suggested_again() -> None:
    (problem,) = check('{"ports": [{"limit": 16, "limits": 3}]}').problems
    assert problem.suggestion == ""


def test_only_port_0_is_configured() -> None:
    checked = check('{"ports": [{"limit": 16}, {"limit": 32}]}')
    assert checked.configuration["ports[0]/limit"] == 16
    assert [(p.path, p.column) for p in checked.problems] == [("ports[1]", 27)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"ports": {"limit": 16}}', "ports"),
        ('{"ports": [[16]]}', "ports[0]"),
        ('{"vendors": {"T": 5}}', "vendors/T"),
    ],
)
def test_something_else_where_keys_should_be(text: str, path: str) -> None:
    checked = check(text)
    assert [problem.path for problem in checked.problems] == [path]
    assert "expected here" in checked.problems[0].message
    assert checked.configuration["ports[0]/limit"] == 6


def test_names_that_no_path_can_hold_have_no_effect() -> None:
    checked = check('{"vendors": {"a/b": {"method": 3}, "": {}, "c[0]": {}, "ok": {"method": 2}}}')
    assert checked.configuration.names("vendors") == ("ok",)
    assert len(checked.problems) == 3


def test_secrets_stand_in_no_problem() -> None:
    for value in ('"hunter2hunter2"', '["hunter2"]', '{"x": "hunter2"}', "12345678"):
        checked = check(f'{{"password": {value}}}')
        assert len(checked.problems) == 1
        assert "hunter2" not in str(checked.problems[0])
        assert "12345678" not in str(checked.problems[0])


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    text = """{
  "ports": [{
    "mode": "on",
    "limit": 1000,
    "enable": "yes",
    "limit": 16,
    "what": 1,
  }]
}"""
    found = [(p.line, p.column, p.severity is Severity.ERROR) for p in check(text).problems]
    assert found == [(3, 13, False), (5, 15, False), (6, 5, True), (7, 5, False), (7, 14, False)]


def test_a_broken_file_configures_nothing() -> None:
    checked = check('{"ports": [{"limit": 16 "mode": "nc"}]}')
    assert checked.configuration["ports[0]/limit"] == 6
    assert [problem.severity for problem in checked.problems] == [Severity.ERROR]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ports", "limit", "mode", "gpios", "dns", "vendors", "leds", "items", "n", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_ANYTHING)
def test_every_key_has_a_value_whatever_the_file_holds(content: JsonValue) -> None:
    import json

    checked = check(json.dumps(content))
    for declared in KEYS:
        if "[]" in declared.path or "*" in declared.path:
            continue
        value = checked.configuration[declared.path]
        assert value == declared.default or checked.configuration.given(declared.path)
    for entry in checked.configuration.entries():
        assert checked.configuration[entry.path] == entry.value


def test_the_defaults_themselves_are_allowed() -> None:
    for file in ConfigFile:
        shape = shape_of(file)
        assert validate(Document("{}", file.value), shape).problems == []
