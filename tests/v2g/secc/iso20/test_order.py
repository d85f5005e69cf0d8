"""Wrong order and wrong session id, in every state, by every request."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso20 import requests as ev
from v2g.common.effects import Log
from v2g.common.terms import LinkWish
from v2g.secc import effects
from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2gexi import v2gtp

PROTOCOLS = {"AC": AC_PROTOCOL, "DC": DC_PROTOCOL}
ORDERS = {"AC": ev.AC_ORDER, "DC": ev.DC_ORDER}
WRONG = [
    (kind, state, name)
    for kind, order in ORDERS.items()
    for state in order
    for name in ev.all_of(kind)
    if name not in PROTOCOLS[kind].states[state].accepts
]
EVERYWHERE = [(kind, state) for kind, order in ORDERS.items() for state in order]


@pytest.mark.parametrize(("kind", "state", "name"), WRONG)
def test_wrong_order(kind: str, state: str, name: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    answer = rig.ask(ev.all_of(kind)[name])
    assert type(answer).__name__ == name.removesuffix("Req") + "ResType"
    assert answer.ResponseCode == "FAILED_SequenceError"
    assert not rig.closed
    assert (rig.last[0] == effects.Contactor(False)) is power
    rig.later(5_000)
    assert any(isinstance(each, effects.Disconnect) for each in rig.last)
    assert rig.of(effects.Link)[-1] == effects.Link(LinkWish.ERROR)


@pytest.mark.parametrize(("kind", "state"), [each for each in EVERYWHERE if each[1] != "WaitForSessionSetup"])
def test_wrong_session_id(kind: str, state: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    name = PROTOCOLS[kind].states[state].accepts[0]
    answer = rig.ask(ev.all_of(kind)[name], session_id=b"\x77" * 8)
    assert answer.ResponseCode == "FAILED_UnknownSession"
    assert not rig.closed
    assert (rig.last[0] == effects.Contactor(False)) is power


@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_an_ev_may_stop_in_every_state(kind: str, state: str) -> None:
    """In the charge loop and before it power goes off by PowerDeliveryReq; elsewhere the session ends."""
    if state == "WaitForSessionSetup":
        return  # there is no session yet
    rig = ev.walk(ev.rig(kind), state)
    if "PowerDeliveryReq" in PROTOCOLS[kind].states[state].accepts:
        rig.changed(contactor_closed=None)
        assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
        assert not rig.closed
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    rig.later(5_000)
    assert rig.of(effects.Link) == [effects.Link(LinkWish.TERMINATE)]


@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_nonsense_ends_the_session(kind: str, state: str) -> None:
    for data in (
        v2gtp.pack(b"\x00\x01\x02", v2gtp.PayloadType.COMMON),
        v2gtp.pack(b"", v2gtp.PayloadType.DC),
        b"\x02" * 8,
    ):
        rig = ev.walk(ev.rig(kind), state)
        power = rig.closed
        news = rig.data(data)
        assert (news[0] == effects.Contactor(False)) is power
        assert any(isinstance(each, effects.Disconnect) for each in news)


def test_responses_of_a_peer_are_no_requests() -> None:
    rig = ev.walk(ev.rig(), "WaitForServiceDiscovery")
    response = next(each for each in rig.of(effects.MessageSeen) if each.name == "SessionSetupRes")
    news = rig.data(v2gtp.pack(response.payload, v2gtp.PayloadType.COMMON))
    assert any(isinstance(each, effects.Disconnect) for each in news)


def test_unknown_payload_types_are_ignored() -> None:
    rig = ev.walk(ev.rig(), "WaitForServiceDiscovery")
    for kind in (0x8001, 0x8005, 0x9000, 0xFFFF):
        assert [type(each) for each in rig.data(v2gtp.pack(b"abc", kind))] == [Log]
    assert rig.ask(ev.discovery).ResponseCode == "OK"


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_the_tables_fit_together(kind: str) -> None:
    protocol = PROTOCOLS[kind]
    names = {exchange.name for exchange in protocol.exchanges.values()}
    reached = {protocol.first}
    for state in protocol.states.values():
        assert set(state.accepts) <= names
    for exchange in protocol.exchanges.values():
        assert exchange.name in protocol.messages
        assert set(exchange.leads_to) <= {"", *protocol.states}
        if any(exchange.name in state.accepts for state in protocol.states.values()):
            reached |= set(exchange.leads_to)
    assert reached - {""} == set(protocol.states)
