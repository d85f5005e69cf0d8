"""Requests over the socket, without the socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargectl.config.owner import Owner
from chargectl.config.protocol import MAXIMUM_LINE, answer

LIMIT = "ports[0]/evse_current_limit"


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    (tmp_path / "customer.json").write_text('{"uplink": {"apn_password": "hunter2"}}')
    owner = Owner(tmp_path, tmp_path / "backups")
    owner.start()
    return owner


def asked(owner: Owner, request: object) -> dict[str, Any]:
    line = request if isinstance(request, bytes) else json.dumps(request).encode()
    reply = answer(owner, line).line
    assert reply.endswith(b"\n")
    assert reply.count(b"\n") == 1
    found = json.loads(reply)
    assert isinstance(found, dict)
    return found


def test_set_get_remove(owner: Owner) -> None:
    assert asked(owner, {"set": {LIMIT: 20}}) == {"ok": True, "changed": [LIMIT], "problems": []}
    assert asked(owner, {"get": [LIMIT]}) == {"ok": True, "values": {LIMIT: 20}}
    assert asked(owner, {"remove": [LIMIT]})["changed"] == [LIMIT]
    assert asked(owner, {"get": [LIMIT]})["values"] == {LIMIT: 6}


def test_the_report_is_handed_on(owner: Owner) -> None:
    line = json.dumps({"set": {LIMIT: 20}}).encode()
    assert answer(owner, line).report.changed == (LIMIT,)


def test_other_files(owner: Owner) -> None:
    path = "rotary_switch_1[0]/current_limit"
    assert asked(owner, {"file": "rotaryencd.json", "set": {path: 12}})["ok"] is True
    assert asked(owner, {"file": "rotaryencd.json", "list": True})["values"][path] == 12


def test_list_and_problems(owner: Owner) -> None:
    assert asked(owner, {"list": True})["values"][LIMIT] == 6
    assert asked(owner, {"problems": True}) == {"ok": True, "problems": []}


def test_secrets_are_not_told(owner: Owner) -> None:
    path = "uplink/apn_password"
    for request in (
        {"get": [path]},
        {"list": True},
        {"set": {path: "hunter2hunter2"}},
        {"set": {path: ["hunter2"]}},
    ):
        assert b"hunter2" not in answer(owner, json.dumps(request).encode()).line
    assert asked(owner, {"get": [path]})["values"] == {path: "***"}


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (b"", "one JSON object"),
        (b"\xff\xfe\x00", "in UTF-8"),
        (b"{", "one JSON object"),
        (b"[[[{", "one JSON object"),
        (b'{"set": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nest at most 32 deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nest at most 32 deep"),
        (b'{"set": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}", "nest at most 32 deep"),
        (b'{"set": {"x": ' + b"9" * 5000 + b"}}", "one JSON object"),
        (b'{"set": {"x": NaN}}', "one JSON object"),
        (b"3", "is a JSON object"),
        (b"{}", "has the fields"),
        (b'{"sett": {}}', "has the fields"),
        (b'{"set": []}', '"set" is an object'),
        (b'{"remove": "x"}', '"remove" is an array'),
        (b'{"get": [1]}', '"get" is an array'),
        (b'{"get": ["x"]}', "there is no key x"),
        (b'{"list": true, "file": "passwd"}', '"file" is one of customer.json'),
        (b'{"list": true, "file": ["customer.json"]}', '"file" is one of'),
        (b'{"set": {"ports[0]/evse_current_limit": 1e999}}', "of the wrong type"),
        (b'{"set": {"fake_highlevel_dc_vendors": {"a": 1e999}}}', "infinite"),
        (b'{"set": {"ocpp/enable": true}, "writer": "ocpp"}', "cannot be changed over OCPP"),
    ],
)
def test_bad_requests(owner: Owner, request_: bytes, part: str) -> None:
    reply = asked(owner, request_)
    assert reply["ok"] is False
    assert part in " ".join(reply["errors"])
    assert all("\n" not in error for error in reply["errors"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["set", "get", "remove", "list", "file", "writer", LIMIT, "ocpp/uri", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_request_harms(owner: Owner, line: bytes) -> None:
    assert len(line) < MAXIMUM_LINE
    assert asked(owner, line)["ok"] in (True, False)
