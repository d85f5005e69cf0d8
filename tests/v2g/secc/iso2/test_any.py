"""Whatever a car sends and a station does: no exception, an end within bounds, power only where it may be."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import v2gexi
from tests.v2g.secc.iso2 import contracts
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.test_session import ALL_STATES, any_rig_at
from tests.v2g.secc.rig import Rig
from v2g.common.terms import Payment
from v2g.secc import effects
from v2g.secc.iso2.protocol import PROTOCOL
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import (
    Authorization,
    CertificateResponse,
    CertificateStatus,
    Isolation,
    StationError,
)
from v2gexi import iso2, v2gtp

VALUE = st.builds(
    iso2.PhysicalValueType,
    Multiplier=st.integers(-3, 3),
    Unit=st.sampled_from(("h", "m", "s", "A", "V", "W", "Wh")),
    Value=st.integers(-32768, 32767),
)
MAYBE = st.none() | VALUE
FLAG = st.none() | st.booleans()
PERCENT = st.integers(0, 100)
STATUS = st.builds(
    iso2.DC_EVStatusType,
    EVReady=st.booleans(),
    EVErrorCode=st.sampled_from(("NO_ERROR", "FAILED_EVRESSMalfunction", "NoData")),
    EVRESSSOC=PERCENT,
)
MODES = st.sampled_from(
    ("AC_single_phase_core", "AC_three_phase_core", "DC_core", "DC_extended", "DC_combo_core", "DC_unique")
)
SMALL = st.binary(max_size=40)
CHAIN = st.builds(
    iso2.CertificateChainType,
    Id=st.none() | st.just("id1"),
    Certificate=SMALL | st.just(contracts.contract().chain[0]),
    SubCertificates=st.none()
    | st.builds(
        iso2.SubCertificatesType,
        Certificate=st.just(list(contracts.contract().chain[1:])) | st.lists(SMALL, min_size=1, max_size=4),
    ),
)
AC_PARAMETERS = st.builds(
    iso2.AC_EVChargeParameterType,
    DepartureTime=st.none() | st.integers(0, 2**32 - 1),
    EAmount=VALUE,
    EVMaxVoltage=VALUE,
    EVMaxCurrent=VALUE,
    EVMinCurrent=VALUE,
)
DC_PARAMETERS = st.builds(
    iso2.DC_EVChargeParameterType,
    DC_EVStatus=STATUS,
    EVMaximumCurrentLimit=VALUE,
    EVMaximumPowerLimit=MAYBE,
    EVMaximumVoltageLimit=VALUE,
    EVEnergyCapacity=MAYBE,
    EVEnergyRequest=MAYBE,
    FullSOC=st.none() | PERCENT,
    BulkSOC=st.none() | PERCENT,
)
PROFILE = st.builds(
    iso2.ChargingProfileType,
    ProfileEntry=st.lists(
        st.builds(
            iso2.ProfileEntryType,
            ChargingProfileEntryStart=st.integers(0, 2**32 - 1),
            ChargingProfileEntryMaxPower=VALUE,
            ChargingProfileEntryMaxNumberOfPhasesInUse=st.none() | st.integers(1, 3),
        ),
        min_size=1,
        max_size=24,
    ),
)
POWER_PARAMETER = st.none() | st.builds(
    iso2.DC_EVPowerDeliveryParameterType,
    DC_EVStatus=STATUS,
    BulkChargingComplete=FLAG,
    ChargingComplete=st.booleans(),
)
STRANGE = st.one_of(
    st.builds(iso2.SessionSetupReqType, EVCCID=st.binary(max_size=6)),
    st.builds(
        iso2.ServiceDiscoveryReqType,
        ServiceScope=st.none() | st.text(max_size=64),
        ServiceCategory=st.none() | st.sampled_from(("EVCharging", "Internet", "ContractCertificate")),
    ),
    st.builds(iso2.ServiceDetailReqType, ServiceID=st.integers(0, 65535)),
    st.builds(
        lambda option, services: ev.payment(option, *services),
        st.sampled_from(("Contract", "ExternalPayment")),
        st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(-3, 3)), min_size=1, max_size=16),
    ),
    st.builds(
        iso2.PaymentDetailsReqType,
        eMAID=st.just(contracts.EMAID) | st.text(max_size=15),
        ContractSignatureCertChain=CHAIN,
    ),
    st.builds(ev.installation),
    st.builds(ev.update),
    st.builds(
        iso2.AuthorizationReqType,
        Id=st.none() | st.just("id1"),
        GenChallenge=st.none() | st.binary(min_size=16, max_size=16),
    ),
    st.builds(
        iso2.ChargeParameterDiscoveryReqType,
        MaxEntriesSAScheduleTuple=st.none() | st.integers(0, 65535),
        RequestedEnergyTransferMode=MODES,
        EVChargeParameter=AC_PARAMETERS | DC_PARAMETERS,
    ),
    st.builds(
        iso2.PowerDeliveryReqType,
        ChargeProgress=st.sampled_from(("Start", "Stop", "Renegotiate")),
        SAScheduleTupleID=st.integers(1, 3),
        ChargingProfile=st.none() | PROFILE,
        EVPowerDeliveryParameter=POWER_PARAMETER,
    ),
    st.builds(ev.charging_status),
    st.builds(iso2.CableCheckReqType, DC_EVStatus=STATUS),
    st.builds(iso2.PreChargeReqType, DC_EVStatus=STATUS, EVTargetVoltage=VALUE, EVTargetCurrent=VALUE),
    st.builds(
        iso2.CurrentDemandReqType,
        DC_EVStatus=STATUS,
        EVTargetCurrent=VALUE,
        EVMaximumVoltageLimit=MAYBE,
        EVMaximumCurrentLimit=MAYBE,
        EVMaximumPowerLimit=MAYBE,
        BulkChargingComplete=FLAG,
        ChargingComplete=st.booleans(),
        RemainingTimeToFullSoC=MAYBE,
        RemainingTimeToBulkSoC=MAYBE,
        EVTargetVoltage=VALUE,
    ),
    st.builds(
        iso2.MeteringReceiptReqType,
        Id=st.none() | st.just("id1"),
        SessionID=st.binary(max_size=8),
        MeterInfo=st.builds(iso2.MeterInfoType, MeterID=st.text(max_size=32)),
    ),
    st.builds(iso2.WeldingDetectionReqType, DC_EVStatus=STATUS),
    st.builds(ev.stop, st.sampled_from(("Terminate", "Pause"))),
)
USUAL = st.sampled_from([make() for make in ev.ALL.values()] + [ev.power("Stop"), ev.power("Renegotiate")])
SCHEDULE = Schedule(2, (Period(0, 7_000), Period(60, 1_000)))
FACTS = st.one_of(
    st.tuples(st.just("pilot"), st.sampled_from("BBCCCDAEF")),
    st.tuples(st.just("contactor_closed"), st.sampled_from((True, False, None))),
    st.tuples(st.just("cable_check"), st.sampled_from((True, True, False, None))),
    st.tuples(st.just("authorization"), st.sampled_from(Authorization)),
    st.tuples(st.just("parameters_ready"), st.booleans()),
    st.tuples(st.just("error"), st.none() | st.sampled_from(StationError)),
    st.tuples(st.just("stop"), st.booleans()),
    st.tuples(st.just("renegotiate"), st.booleans()),
    st.tuples(st.just("rcd_tripped"), st.booleans()),
    st.tuples(st.just("connector_locked"), st.booleans()),
    st.tuples(st.just("isolation"), st.sampled_from(Isolation)),
    st.tuples(st.just("meter"), st.none() | st.just(contracts.METER)),
    st.tuples(st.just("receipt_required"), st.booleans()),
    st.tuples(st.just("contract_status"), st.sampled_from(CertificateStatus)),
    st.tuples(st.just("certificate_response"), st.builds(CertificateResponse, SMALL)),
    st.tuples(
        st.just("schedules"), st.just((Schedule(2, (Period(0, 7_000), Period(60, 1_000))),)) | st.just(())
    ),
    st.tuples(st.just("present_voltage_v"), st.floats(-1e6, 1e6)),
)
STEP = st.one_of(
    st.tuples(st.just("ask"), USUAL),
    st.tuples(st.just("ask"), STRANGE),
    st.tuples(st.just("sign"), STRANGE),
    st.tuples(st.just("fact"), FACTS),
    *[
        st.tuples(
            st.just("next"),
            st.tuples(st.integers(0, 24), st.sampled_from(("Start", "Start", "Stop", "Renegotiate"))),
        )
    ]
    * 4,
    st.tuples(st.just("later"), st.sampled_from((0, 1, 100, 1_500, 3_000, 10_000, 60_000))),
    st.tuples(st.just("drop"), st.none()),
)
LIMIT_MS = 60_000 + 5_000
"""A session of a car that falls silent is over after the sequence timeout, and its connection soon after."""


def holds(rig: Rig) -> None:
    """What is always so."""
    session = rig.core.session
    if session is None:
        assert not rig.closed
        return
    assert rig.closed == session.contactor
    assert not rig.closed or PROTOCOL.states[session.state].power
    assert not rig.closed or rig.station.error is None
    assert not rig.closed or rig.station.pilot in "CD"
    # What opens the contactor stands before every answer.
    kinds = [type(each) for each in rig.last if isinstance(each, effects.Contactor | effects.Send)]
    opens = [each for each in rig.last if isinstance(each, effects.Contactor) and not each.closed]
    assert (
        not opens or effects.Send not in kinds or kinds.index(effects.Contactor) < kinds.index(effects.Send)
    )


def step(rig: Rig, kind: str, what: Any) -> None:
    if kind == "fact":
        rig.changed(**{what[0]: what[1]})
    elif kind == "later":
        rig.later(what)
    elif kind == "drop":
        rig._take(rig.core.disconnected(rig.now_ms))
        rig._take(rig.core.connected(rig.now_ms, tls=True))
        rig.handshake()
    elif kind == "next":
        body = in_order(rig, *what)
        if body is not None:
            step(rig, "ask", body)
    elif rig.core.session is not None:
        header = iso2.MessageHeaderType(SessionID=rig.core.session.session_id)
        if kind == "sign":
            header.Signature = SIGNATURE
        message = iso2.V2G_Message(Header=header, Body=iso2.BodyType(BodyElement=what))
        rig.data(v2gtp.pack(v2gexi.encode(message, lenient=True)))
        for each in rig.last:
            if isinstance(each, effects.MessageSeen) and not each.request:
                assert v2gexi.problems(each.message) == []


def in_order(rig: Rig, choice: int, progress: Any) -> Any:
    """A request that the session's state accepts, with usual values; None if there is no session."""
    if rig.core.session is None:
        return None
    accepts = PROTOCOL.states[rig.state].accepts
    name = accepts[choice % len(accepts)]
    if name == "ChargeParameterDiscoveryReq":
        return ev.dc_parameters() if rig.station.setup.energy_modes[0].dc else ev.ac_parameters()
    if name == "PowerDeliveryReq":
        return ev.power(progress)
    if name == "SessionStopReq" and choice < 20:  # a session is to last
        name = accepts[0]
    return ev.ALL[name]()


def _signature() -> Any:
    rig = contracts.rig_at("WaitForAuthorization")
    contracts.signed(rig, contracts.authorization(rig.core.session.agreed["challenge"]))
    return next(
        each.message.Header.Signature
        for each in rig.of(effects.MessageSeen)
        if each.request and each.name == "AuthorizationReq"
    )


SIGNATURE = _signature()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL_STATES), st.lists(STEP, max_size=40))
def test_any_sequence(place, steps):
    rig = any_rig_at(*place)
    station = rig.station
    rig.changed(pilot="C")
    for kind, what in steps:
        step(rig, kind, what)
        holds(rig)
        if station.pilot in "AEF":
            rig.changed(pilot="C")
        if not rig.core._connected:
            rig._take(rig.core.connected(rig.now_ms, tls=True))
            rig.handshake()
    rig.later(LIMIT_MS)
    assert rig.core.session is None
    assert rig.core.deadline() is None
    assert not rig.closed


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.sampled_from(ev.EVERY), st.binary(max_size=200))
def test_any_bytes_in_any_state(framed, place, data):
    dc, state = place
    rig = ev.rig_at(state, dc=dc)
    rig.data(v2gtp.pack(data) if framed else data)
    holds(rig)
    rig.later(LIMIT_MS)
    assert rig.core.session is None
    assert not rig.closed


@settings(max_examples=100, deadline=None)
@given(st.booleans(), st.lists(st.one_of(STRANGE, USUAL), min_size=2, max_size=12), st.integers(1, 400))
def test_requests_in_any_pieces_and_without_waiting_for_answers(dc, bodies, size):
    rig = ev.rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc)
    header = iso2.MessageHeaderType(SessionID=rig.core.session.session_id)
    data = b"".join(
        v2gtp.pack(
            v2gexi.encode(iso2.V2G_Message(Header=header, Body=iso2.BodyType(BodyElement=body)), lenient=True)
        )
        for body in bodies
    )
    for at in range(0, len(data), size):
        rig.data(data[at : at + size])
        session = rig.core.session
        assert rig.closed == (session is not None and session.contactor)
    rig.later(LIMIT_MS)
    assert rig.core.session is None
    assert not rig.closed


def test_what_the_trust_says_reaches_any_sequence():
    """The sequences above can be those of contracts: nothing here is left out by the set-up."""
    rig = Rig(PROTOCOL, station=contracts.station(), tls=True)
    ev.walk(rig, "WaitForServiceDiscovery")
    assert rig.ask(ev.discovery()).PaymentOptionList.PaymentOption == [each.value for each in Payment][::-1]
