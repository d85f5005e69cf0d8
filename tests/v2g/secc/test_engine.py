"""What all message sets share: frames, the handshake, timers, and nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import v2gexi
from tests.v2g.secc.din import requests as ev
from tests.v2g.secc.rig import Rig
from v2g.common.frames import MOST_PAYLOAD
from v2g.common.terms import ISO_2, LinkWish
from v2g.secc import effects
from v2g.secc.din.protocol import PROTOCOL as DIN
from v2g.secc.engine import Secc
from v2g.secc.station import Authorization, Setup, Station
from v2gexi import app, v2gtp

NAME = DIN.namespace


def ended(rig: Rig) -> bool:
    return any(isinstance(each, effects.Disconnect) for each in rig.last)


@pytest.mark.spec(350)
@pytest.mark.parametrize(
    ("offers", "code", "schema"),
    [
        ([(NAME, 2, 0)], "OK_SuccessfulNegotiation", 1),
        ([(NAME, 2, 7)], "OK_SuccessfulNegotiationWithMinorDeviation", 1),
        ([("urn:x", 1, 0), (NAME, 2, 0)], "OK_SuccessfulNegotiation", 2),
        ([(NAME, 3, 0)], "Failed_NoNegotiation", None),
        ([("urn:x", 1, 0)], "Failed_NoNegotiation", None),
    ],
)
def test_the_handshake_picks_by_namespace_and_major_version(offers, code, schema):
    rig = Rig(DIN)
    answer = rig.handshake(*offers).message
    assert (answer.ResponseCode, answer.SchemaID) == (code, schema)
    assert rig.sent(effects.ProtocolSelected).namespace == (NAME if schema else "")
    assert [each[0] for each in rig.sent(effects.ProtocolsOffered).protocols] == [each[0] for each in offers]


@pytest.mark.spec(147)
def test_only_protocols_of_the_set_up_are_on_offer():
    rig = Rig(DIN, station=Station(setup=Setup(protocols=(ISO_2,))))
    assert rig.handshake((NAME, 2, 0)).message.ResponseCode == "Failed_NoNegotiation"


def test_the_cars_priority_counts_not_the_order():
    request = app.supportedAppProtocolReq(
        AppProtocol=[
            app.AppProtocolType(
                ProtocolNamespace=NAME,
                VersionNumberMajor=2,
                VersionNumberMinor=0,
                SchemaID=7,
                Priority=priority,
            )
            for priority in (3, 1, 2)
        ]
    )
    request.AppProtocol[1].SchemaID = 9
    rig = Rig(DIN)
    rig.data(v2gtp.pack(v2gexi.encode(request, "app")))
    assert rig.sent(effects.MessageSeen).message.SchemaID == 9


def test_no_protocol_in_common_closes_after_a_while():
    rig = Rig(DIN)
    rig.handshake(("urn:x", 1, 0))
    assert not ended(rig)
    rig.later(5_000)
    assert ended(rig)


def test_bytes_may_come_one_by_one_and_two_frames_at_once():
    rig = Rig(DIN)
    rig.handshake()
    message = DIN.wrap(rig.session, ev.setup())
    frame = v2gtp.pack(v2gexi.encode(message, "din"))
    for at in range(len(frame) - 1):
        assert rig.data(frame[at : at + 1]) == []
    rig.data(frame[-1:])
    assert rig.state == "WaitForServiceDiscovery"
    two = [v2gexi.encode(DIN.wrap(rig.session, each), "din") for each in (ev.discovery(), ev.payment())]
    rig.data(b"".join(v2gtp.pack(each) for each in two))
    assert len([each for each in rig.last if isinstance(each, effects.Send)]) == 2
    assert rig.state == "WaitForContractAuthentication"


@pytest.mark.parametrize(
    "data",
    [
        b"\x02\xfd" + bytes(6),
        b"GET / HTTP/1.1\r\n\r\n",
        v2gtp.MARK + b"\x80\x01" + (MOST_PAYLOAD + 1).to_bytes(4, "big"),
        v2gtp.pack(b"\xff\xff\xff"),
        v2gtp.pack(b""),
    ],
)
def test_what_is_no_message_ends_the_connection_with_a_reason(data):
    for begun in (False, True):
        rig = Rig(DIN)
        if begun:
            rig.handshake()
        rig.data(data)
        assert ended(rig)
        assert len(rig.sent(effects.Disconnect).reason) > 10
        assert rig.data(b"more") == []


def test_unknown_payload_types_are_ignored():
    rig = Rig(DIN)
    rig.data(v2gtp.pack(b"abc", 0xA001))
    assert not ended(rig)
    rig.handshake()
    rig.data(v2gtp.pack(b"abc", 0x8002))
    assert not ended(rig)
    assert rig.ask(ev.setup()).ResponseCode == "OK_NewSessionEstablished"


def test_a_response_from_the_car_ends_the_session():
    rig = Rig(DIN)
    rig.handshake()
    from v2gexi import din

    rig.ask(din.SessionStopResType(ResponseCode="OK"))
    assert ended(rig)


def test_the_car_has_18_s_from_the_link_to_its_session():
    core = Secc(Station(), [DIN], bytes, lambda: 0)
    core.link_ready(0)
    assert core.deadline() == 18_000
    assert effects.Link(LinkWish.ERROR) in core.tick(18_000)
    rig = Rig(DIN)
    rig.core.link_ready(rig.now_ms)
    rig.handshake()
    rig.ask(ev.setup())
    rig.later(30_000)
    assert rig.state == "WaitForServiceDiscovery"


def test_silence_before_the_handshake_ends_the_connection():
    rig = Rig(DIN)
    rig.later(60_000)
    assert ended(rig)


def test_a_pending_request_holds_the_next_one_and_the_sequence_timer():
    rig = ev.walk(Rig(DIN), "WaitForCableCheck")
    frame = v2gtp.pack(v2gexi.encode(DIN.wrap(rig.session, ev.cable_check()), "din"))
    rig.data(frame + frame)
    assert rig.sent(effects.Send) is None
    rig.changed(pilot="C")
    assert len([each for each in rig.last if isinstance(each, effects.Send)]) == 2


def test_a_new_connection_begins_a_new_session():
    rig = ev.walk(Rig(DIN), "WaitForCurrentDemand")
    assert rig.closed
    first = rig._take(rig.core.connected(rig.now_ms))
    assert first[0] == effects.Contactor(False)
    rig.handshake()
    assert rig.ask(ev.setup()).ResponseCode == "OK_NewSessionEstablished"


BODIES = st.sampled_from([*ev.ALL.values(), lambda: ev.power(False), lambda: ev.payment("Contract")])
ACTS = st.one_of(
    st.tuples(st.just("ask"), BODIES),
    st.tuples(st.just("pilot"), st.sampled_from("BCDAEF")),
    st.tuples(st.just("later"), st.integers(0, 70_000)),
    st.tuples(
        st.just("fact"), st.sampled_from([{"cable_check": True}, {"cable_check": False}, {"stop": True}])
    ),
    st.tuples(st.just("fact"), st.sampled_from([{"contactor_closed": True}, {"contactor_closed": False}])),
    st.tuples(st.just("data"), st.binary(max_size=40)),
    st.tuples(st.just("connect"), st.none()),
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8), st.lists(ACTS, max_size=25))
def test_whatever_comes_power_is_wanted_only_where_it_may_be(start, acts):
    rig = ev.walk(Rig(DIN, station=Station(authorization=Authorization.ACCEPTED)), ev.ORDER[start])
    for act, value in acts:
        if act == "ask" and rig.core.session is not None:
            rig.data(v2gtp.pack(v2gexi.encode(DIN.wrap(rig.session, value()), "din")))
        elif act == "pilot":
            rig.changed(pilot=value)
        elif act == "later":
            rig.later(value)
        elif act == "fact":
            rig.changed(**value)
        elif act == "data":
            rig.data(value)
        elif act == "connect":
            rig._take(rig.core.connected(rig.now_ms))
            rig.handshake()
        if rig.closed:
            assert DIN.states[rig.state].power
            assert rig.station.pilot in "CD"
    rig.later(200_000)
    assert rig.state == ""
    assert not rig.closed
    assert rig.core.deadline() is None


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 8),
    st.lists(st.tuples(st.sampled_from([0x8001, 0x8002, 0x9000, 0]), st.binary(max_size=60)), max_size=6),
)
def test_frames_with_anything_in_them_never_raise(start, frames):
    rig = ev.walk(Rig(DIN, station=Station(authorization=Authorization.ACCEPTED)), ev.ORDER[start])
    for payload_type, payload in frames:
        rig.data(v2gtp.pack(payload, payload_type))
        rig.data(v2gtp.pack(b"\x80" + payload, payload_type))
        if rig.closed:
            assert DIN.states[rig.state].power
    rig.later(100_000)
    assert rig.state == ""
    assert not rig.closed
