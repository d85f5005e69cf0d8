"""Requests that real cars have sent, in every state of a session."""

from __future__ import annotations

from functools import cache

import pytest

import v2gexi
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import rig_at
from tests.v2gexi.vectors import load
from v2g.secc import effects
from v2g.secc.iso2.protocol import PROTOCOL
from v2g.secc.iso2.states import STATES
from v2gexi import v2gtp


@cache
def payloads():
    """All requests that can be read, as (name, payload)."""
    found: dict[str, tuple[str, bytes]] = {}
    for vector in load():
        if vector.message_set == "iso2" and vector.xml:
            body = v2gexi.decode(vector.payload, "iso2").Body.BodyElement
            exchange = PROTOCOL.exchanges.get(type(body))
            if exchange is not None:
                found.setdefault(repr(body), (exchange.name, vector.payload))
    return list(found.values())


def send(rig, payload):
    """A request with the session's id in place of its own."""
    message = v2gexi.decode(payload, "iso2")
    if rig.core.session.state != "WaitForSessionSetup":
        message.Header.SessionID = rig.core.session.session_id
    rig.data(v2gtp.pack(v2gexi.encode(message, lenient=True)))


def test_a_car_of_each_kind_is_there():
    names = {name for name, _ in payloads()}
    assert {"SessionSetupReq", "PowerDeliveryReq", "CurrentDemandReq", "AuthorizationReq"} <= names


@pytest.mark.parametrize(("dc", "state"), ev.EVERY)
def test_real_requests_in_order_are_answered_and_others_end_the_session(dc, state):
    accepted = 0
    for name, payload in payloads():
        rig = rig_at(state, dc=dc)
        send(rig, payload)
        answer = rig.answer()
        if name not in STATES[state].accepts:
            assert answer.ResponseCode == "FAILED_SequenceError"
        elif answer is None:
            rig.later(4_500)
            answer = rig.answer()
        assert answer.ResponseCode
        accepted += answer.ResponseCode.startswith("OK")
        assert rig.state == "" or STATES[rig.state].power or not rig.closed
    first = STATES[state].accepts[0]
    has_vectors = any(name == first for name, _ in payloads())
    # Power only flows when the car shows state C, which these do not.
    if has_vectors and state not in ("WaitForPowerDelivery", "WaitForCableCheck"):
        assert accepted > 0


def test_the_contactor_stays_open_before_its_time():
    for _, payload in payloads():
        rig = rig_at("WaitForAuthorization")
        send(rig, payload)
        assert rig.of(effects.Contactor) == []
