"""Any sequence of any requests, facts and times: no exception, bounded, and power only where it may be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import v2gexi
from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.iso20.test_authorization import FakeTrust, contract
from tests.v2gexi.vectors import load
from v2g.common.terms import EnergyMode, Payment
from v2g.secc import effects
from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import Authorization, CertificateResponse, MeterReading, StationError
from v2gexi import iso20_common as common
from v2gexi import v2gtp

HEADER = common.MessageHeaderType(SessionID=bytes(8), TimeStamp=0)
REQUESTS: list[ev.Make] = [
    make
    for kind in ("AC", "DC")
    for dynamic in (True, False)
    for bpt in (True, False)
    for make in ev.all_of(kind, dynamic, bpt).values()
]
REQUESTS += [
    ev.power("Stop"),
    ev.power("Standby"),
    ev.power("ScheduleRenegotiation"),
    ev.power("Start", processing="Ongoing"),
    ev.power("Start", ev.profile(False, (60, -5), (0, 0))),
    ev.welding("Ongoing"),
    ev.stop("Pause"),
    ev.stop("ServiceRenegotiation"),
    ev.dc_parameters(EVMaximumVoltage=1.0),
    contract(b"\x02" * 16),
]
NAMES = [type(make(HEADER)).__name__.removesuffix("Type") for make in REQUESTS]
FACTS: dict[str, list[Any]] = {
    "authorization": list(Authorization),
    "parameters_ready": [True, False],
    "cable_check": [True, False, None],
    "contactor_closed": [True, False, None],
    "pilot": list("BCD") * 3 + ["A", "F"],
    "stop": [True, False, False],
    "pause": [True, False],
    "renegotiate": [True, False],
    "renegotiate_service": [True, False],
    "error": [None, None, *StationError],
    "rcd_tripped": [True, False, False],
    "receipt_required": [True, False],
    "present_voltage_v": [0.0, 400.0],
    "dc_target_power_w": [None, -1e9, 0.0, 1e9],
    "ac_target_power_w": [None, -1e9, 0.0, 1e9],
    "meter": [None, MeterReading("m", 1)],
    "schedules": [(), (Schedule(3, tuple(Period(60 * n, 1e4) for n in range(40))),)],
    "setup": [
        ev.station(EnergyMode.DC, pause=False).setup,
        ev.station(EnergyMode.AC_BPT, dynamic_mode=False, mobility_needs_by_secc=True).setup,
        ev.station().setup,
    ],
    "certificate_response": [None, CertificateResponse(b""), CertificateResponse(b"\x80")],
}
ORDINARY = st.lists(st.sampled_from([*ev.DC_ORDER, *ev.AC_ORDER]), max_size=1)
STEPS = st.lists(
    st.one_of(
        st.integers(0, 1000).map(lambda number: ("in order", number)),
        st.integers(0, 1000).map(lambda number: ("in order", number)),
        st.sampled_from(REQUESTS).map(lambda make: ("ask", make)),
        st.sampled_from(sorted(FACTS)).flatmap(
            lambda name: st.sampled_from(FACTS[name]).map(lambda value: ("fact", (name, value)))
        ),
        st.sampled_from([0, 100, 499, 500, 1_500, 4_500, 30_000, 60_000]).map(lambda ms: ("later", ms)),
        st.binary(max_size=30).map(lambda data: ("data", data)),
        st.just(("again", None)),
    ),
    max_size=40,
)


def no_power_outside_its_states(rig: ev.Rig20) -> None:
    session = rig.core.session
    if rig.closed:
        assert session is not None
        assert session.contactor
        assert session.protocol.states[session.state].power
    opened = [at for at, each in enumerate(rig.last) if each == effects.Contactor(False)]
    assert opened in ([], [0])


def in_order(rig: ev.Rig20) -> list[ev.Make]:
    """The requests that the session waits for."""
    session = rig.core.session
    if session is None:
        return []
    accepted = session.protocol.states[session.state].accepts
    return [make for make, name in zip(REQUESTS, NAMES, strict=True) if name in accepted]


@settings(max_examples=max(300, settings().max_examples))
@given(kind=st.sampled_from(["AC", "DC"]), start=ORDINARY, steps=STEPS)
def test_any_sequence(kind: str, start: list[str], steps: list[tuple[str, Any]]) -> None:
    station = ev.station(payments=(Payment.EXTERNAL, Payment.CONTRACT), certificate_service=True)
    station.trust = FakeTrust()
    rig = ev.rig(kind, station, tls=True)
    order = ev.AC_ORDER if kind == "AC" else ev.DC_ORDER
    if start and start[0] in order:
        ev.walk(rig, start[0])
    for what, value in steps:
        if what == "ask":
            rig.ask(value)
        elif what == "in order":
            fitting = in_order(rig)
            if fitting:
                rig.ask(fitting[value % len(fitting)])
        elif what == "fact":
            rig.changed(**{value[0]: value[1]})
        elif what == "later":
            rig.later(value)
        elif what == "data":
            rig.data(value)
        else:
            rig._take(rig.core.connected(rig.now_ms, tls=True))
            if rig.station.pilot not in "AF":
                rig.handshake()
        no_power_outside_its_states(rig)
    rig.later(200_000)
    assert rig.core.session is None
    assert not rig.closed
    assert rig.core.deadline() is None


@pytest.mark.parametrize("kind", ["AC", "DC"])
@settings(max_examples=60)
@given(steps=st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=12))
def test_an_ev_that_never_stops_asking_gets_to_an_end_or_an_ordinary_state(
    kind: str, steps: list[ev.Make]
) -> None:
    """The same round of requests for ten minutes: only a customer who is waited for, or charging, goes on."""
    rig = ev.rig(kind)
    rig.changed(parameters_ready=False, pilot="C")
    ev.walk(rig, "WaitForScheduleExchange")
    for number in range(600):
        if not rig.state:
            break
        rig.ask(steps[number % len(steps)])
        no_power_outside_its_states(rig)
        rig.later(1_000)
    assert rig.state == ""


def agreed(message: Any) -> dict[str, bool]:
    """The control mode and direction that a request is of."""
    parts = {name: getattr(message, name) for name in type(message).__slots__}
    texts = [name for name, value in parts.items() if value is not None]
    texts += [type(value).__name__ for value in parts.values()]
    profile = parts.get("EVPowerProfile")
    dynamic = any("Dynamic" in text for text in texts)
    if profile is not None:
        dynamic = profile.Scheduled_EVPPTControlMode is None
    return {"dynamic": dynamic, "bpt": any(text.startswith("BPT_") for text in texts)}


def vectors(message_set: str) -> list[bytes]:
    """Payloads of real and made sessions, one of each kind and length."""
    found: dict[tuple[str, int], bytes] = {}
    for payload in (each.document for each in load() if each.message_set == message_set):
        try:
            name = type(v2gexi.decode(payload, message_set)).__name__
        except v2gexi.DecodeError:
            continue
        if name.endswith("ReqType"):
            found.setdefault((name, len(payload)), payload)
    return list(found.values())


@pytest.mark.parametrize("message_set", ["iso20-common", "iso20-ac", "iso20-dc"])
@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_requests_of_other_evs(kind: str, message_set: str) -> None:
    """In the state that waits for them, with this session's id: they are answered by rule."""
    protocol = AC_PROTOCOL if kind == "AC" else DC_PROTOCOL
    answered = 0
    for payload in vectors(message_set):
        message = v2gexi.decode(payload, message_set)
        name = protocol.exchanges[type(message)].name
        states = [state.name for state in protocol.states.values() if name in state.accepts]
        for state in [each for each in states if each != "WaitForResumption"] or ["ChargeLoop"]:
            rig = ev.walk(ev.rig(kind), state, **agreed(message))
            rig.changed(pilot="C")
            assert rig.core.session is not None
            message.Header.SessionID = rig.core.session.session_id
            data = v2gexi.encode(message, message_set, lenient=True)
            rig.data(v2gtp.pack(data, v2gtp.PAYLOAD_TYPES[message_set]))
            answer = rig.answer()
            if answer is None:
                rig.later(5_000)
                answer = rig.answer()
            assert answer is not None
            no_power_outside_its_states(rig)
            answered += not answer.ResponseCode.startswith("FAILED")
    own = message_set == "iso20-common" or message_set == f"iso20-{kind.lower()}"
    assert (answered > 8) is own


def make_extreme(part: Any, exponent: int, value: int) -> None:
    """Put these into every number of a message."""
    if isinstance(part, common.RationalNumberType):
        part.Exponent, part.Value = exponent, value
    elif isinstance(part, list):
        for each in part:
            make_extreme(each, exponent, value)
    elif isinstance(part, v2gexi.Message):
        for kind in type(part).__mro__:
            for name in getattr(kind, "__slots__", ()):
                make_extreme(getattr(part, name), exponent, value)


@pytest.mark.parametrize("number", [(127, 32767), (127, -32768), (-128, 1), (-128, -1), (0, 0), (3, 32767)])
@pytest.mark.parametrize("bpt", [True, False])
@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_numbers_beyond_all_measure(kind: str, dynamic: bool, bpt: bool, number: tuple[int, int]) -> None:
    protocol = AC_PROTOCOL if kind == "AC" else DC_PROTOCOL
    for name, make in ev.all_of(kind, dynamic, bpt).items():

        def extreme(header: Any, make: ev.Make = make) -> Any:
            message = make(header)
            make_extreme(message, *number)
            return message

        for state in ev.AC_ORDER if kind == "AC" else ev.DC_ORDER:
            if name in protocol.states[state].accepts and state != "WaitForSessionSetup":
                rig = ev.walk(ev.rig(kind), state, dynamic=dynamic, bpt=bpt)
                rig.changed(pilot="C")
                rig.ask(extreme)
                rig.later(5_000)
                no_power_outside_its_states(rig)
                for target in rig.of(effects.DcTarget):
                    assert 0.0 <= target.voltage_v <= 950.0
                    assert -50.0 <= target.current_a <= 125.0
