"""Topic paths: port 0 only, and the free names."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.paths import MAXIMUM_NAME_CHARACTERS, PathError, TopicTable, check_path, full_path, is_name
from chargectl.declarations import topics

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
STATUS = topics.TOPIC_CHARGE_CP_STATUS


def at(path):
    return replace(STATUS, path=path)


def test_every_declared_topic_is_usable():
    table = TopicTable(topics.TOPICS)
    assert len(table.filters()) == len(topics.TOPICS)
    for declared in topics.TOPICS:
        assert table.find(declared.path.replace("+", "x")) == (declared, "x" if "+" in declared.path else "")


@pytest.mark.spec(8)
@pytest.mark.parametrize(
    "path", ["port1/rcd/test/perform", "port00/x", "port/x", "port10/x", "+/rcd/test/perform"]
)
def test_other_ports_cannot_be_subscribed(path):
    with pytest.raises(PathError, match="the only charge port is port0/"):
        TopicTable([at(path)])


@pytest.mark.parametrize("path", ["port0/#", "port0/+/x/+", "port0/a+/x", "ci/#/x"])
def test_other_wildcards_are_refused(path):
    with pytest.raises(PathError, match="one '\\+'"):
        check_path(at(path))


def test_names():
    table = TopicTable([LIMIT, at("ocpp/+/request"), STATUS])
    assert table.find("ci/global/dyn_current_limit/ems") == (LIMIT, "ems")
    assert table.find("ci/global/dyn_current_limit/") == (LIMIT, "")
    assert table.find("ci/global/dyn_current_limit") is None
    assert table.find("ci/global/dyn_current_limit/a/b") is None
    assert table.find("ocpp/x/request") == (at("ocpp/+/request"), "x")
    assert table.find("ocpp/request") is None
    assert table.find("ocpp//request") == (at("ocpp/+/request"), "")
    assert table.find("port1/ci/charge/cp/status") is None
    assert full_path(LIMIT, "ems") == "ci/global/dyn_current_limit/ems"
    assert full_path(STATUS) == STATUS.path


@pytest.mark.parametrize(
    "name", ["", "a/b", "+", "#", "a#", "a\n", "\ud800", "x" * (MAXIMUM_NAME_CHARACTERS + 1)]
)
def test_unusable_names(name):
    assert not is_name(name)
    with pytest.raises(PathError) as caught:
        full_path(LIMIT, name)
    assert str(caught.value).isascii()


def test_a_topic_without_a_free_name_takes_none():
    with pytest.raises(PathError, match="takes no name; got 'ems'"):
        full_path(STATUS, "ems")


@given(st.text(max_size=80))
def test_a_usable_name_comes_back(name):
    if is_name(name):
        assert TopicTable([LIMIT]).find(full_path(LIMIT, name)) == (LIMIT, name)
    else:
        with pytest.raises(PathError):
            full_path(LIMIT, name)
