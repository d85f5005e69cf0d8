"""What the EV says, as it is published."""

from __future__ import annotations

from typing import Any

import pytest

from chargectl.bus.payload import encode
from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.hlc.reports import reports, stop_progress
from v2g.secc.facts import EvFact
from v2g.secc.session import SESSION_ID_BYTES
from v2gexi import iso2


def payloads(fact: EvFact, value: Any) -> dict[str, str]:
    """Topic paths below port0/ci/ev with their payloads as they leave."""
    return {
        topic.path.removeprefix("port0/ci/ev/"): encode(topic, written)
        for topic, written in reports(fact, value)
    }


@pytest.mark.spec(155)
@pytest.mark.spec(167)
@pytest.mark.parametrize(
    ("fact", "value", "path", "payload"),
    [
        (EvFact.EVCC_ID, "02:01:02:03:04:05", "init/evccid", "02:01:02:03:04:05"),
        (EvFact.SERVICE_SCOPE, "scope", "init/servicescope", "scope"),
        (EvFact.SERVICE_CATEGORY, "EVCharging", "init/servicecategory", "0"),
        (EvFact.SERVICE_CATEGORY, "OtherCustom", "init/servicecategory", "3"),
        (EvFact.SELECTED_SERVICE_ID, 1, "init/selectedserviceid", "1"),
        (EvFact.SELECTED_PAYMENT_OPTION, "ExternalPayment", "init/selectedpaymentoption", "1"),
        (EvFact.SELECTED_PAYMENT_OPTION, "Contract", "init/selectedpaymentoption", "0"),
    ],
)
def test_initialisation(fact: EvFact, value: Any, path: str, payload: str) -> None:
    assert payloads(fact, value) == {path: payload}


@pytest.mark.spec(168)
def test_authentication_in_both_spellings() -> None:
    emaid = "DEABCC0000000000"
    assert payloads(EvFact.EMAID, emaid) == {
        "auth/emaaid": emaid,
        "auth/emaid": emaid,
        "auth/contractid": emaid,
    }
    chain = '{"Certificate":"YQ==","SubCertificates":["Yg==","Yw=="]}'
    assert payloads(EvFact.CONTRACT_CHAIN, (b"a", b"b", b"c")) == {
        "auth/contractsignaturecertificatechain": chain,
        "auth/contractsignaturecertchain": chain,
    }
    assert payloads(EvFact.GEN_CHALLENGE, b"abc") == {"auth/genchallenge": "YWJj"}


@pytest.mark.spec(169)
@pytest.mark.parametrize(
    ("fact", "value", "path", "payload"),
    [
        (EvFact.REQUESTED_ENERGY_MODE, "AC_single_phase_core", "parameter/requestedenergytype", "0"),
        (EvFact.REQUESTED_ENERGY_MODE, "AC_three_phase_core", "parameter/requestedenergytype", "1"),
        (EvFact.REQUESTED_ENERGY_MODE, "DC_unique", "parameter/requestedenergytype", "5"),
        (EvFact.DEPARTURE_TIME_S, 7200, "parameter/departuretime", "7200"),
        (EvFact.AC_ENERGY_WH, 20_000.0, "parameter/eamount", '{"Multiplier":0,"Value":20000}'),
        (EvFact.AC_ENERGY_WH, 80_000.0, "parameter/eamount", '{"Multiplier":1,"Value":8000}'),
        (EvFact.AC_MAX_VOLTAGE_V, 400.0, "parameter/maxvoltagelimit", '{"Multiplier":0,"Value":400}'),
        (EvFact.AC_MAX_CURRENT_A, 32.5, "parameter/maxcurrentlimit", '{"Multiplier":-3,"Value":32500}'),
        (EvFact.AC_MIN_CURRENT_A, 6.0, "parameter/mincurrentlimit", '{"Multiplier":0,"Value":6}'),
    ],
)
def test_parameters(fact: EvFact, value: Any, path: str, payload: str) -> None:
    assert payloads(fact, value) == {path: payload}


@pytest.mark.spec(169)
def test_the_number_of_schedules_in_both_spellings() -> None:
    assert payloads(EvFact.MAX_SCHEDULE_TUPLES, 3) == {
        "parameter/maxsascheduleuples": "3",
        "parameter/maxsascheduletuples": "3",
    }


@pytest.mark.spec(170)
@pytest.mark.parametrize(("word", "number"), [("Start", "0"), ("Stop", "1"), ("Renegotiate", "2")])
def test_ready_to_charge(word: str, number: str) -> None:
    assert payloads(EvFact.CHARGE_PROGRESS, word) == {"charge/readytochargestate": number}


@pytest.mark.spec(170)
def test_the_charging_profile() -> None:
    profile = {"tuple_id": 2, "entries": [(0, 11_000.0, None), (600, 3_680.0, 1)]}
    assert payloads(EvFact.CHARGING_PROFILE, profile) == {
        "charge/chargingprofiletupleid": "2",
        "charge/chargingprofileentry": (
            '{"Start":[0,600],"PMax":[11000,3680],"PMaxMultiplier":[0,0],"NumberOfPhases":[3,1]}'
        ),
    }


@pytest.mark.spec(171)
@pytest.mark.parametrize(("word", "number"), [("Terminate", 0), ("Pause", 1)])
def test_the_stop(word: Any, number: int) -> None:
    message = iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=bytes(SESSION_ID_BYTES)),
        Body=iso2.BodyType(BodyElement=iso2.SessionStopReqType(ChargingSession=word)),
    )
    assert stop_progress(message) == [(topics.TOPIC_EV_STOP_PROGRESS, number)]


def test_an_unknown_word_is_not_published() -> None:
    assert payloads(EvFact.SERVICE_CATEGORY, "Parking") == {}


@pytest.mark.parametrize("fact", [EvFact.DC_STATUS, EvFact.RECEIPT, EvFact.ENERGY_NEEDS])
def test_facts_without_a_topic_are_not_published(fact: EvFact) -> None:
    assert reports(fact, {}) == []


def published_by_the_daemon() -> set[Topic]:
    return {
        topic
        for topic in topics.TOPICS
        if topic.path.startswith("port0/ci/ev/") and not topic.path.startswith("port0/ci/ev/soc")
    }


def test_every_topic_of_the_ev_has_a_source() -> None:
    said = {
        *(topic for fact, value in _EXAMPLES for topic, _ in reports(fact, value)),
        topics.TOPIC_EV_STOP_PROGRESS,
        topics.TOPIC_EV_PARAMETER_RESSSOC,
    }
    assert said == published_by_the_daemon()


_EXAMPLES: list[tuple[EvFact, Any]] = [
    (EvFact.EVCC_ID, "x"),
    (EvFact.SERVICE_SCOPE, "x"),
    (EvFact.SERVICE_CATEGORY, "Internet"),
    (EvFact.SELECTED_SERVICE_ID, 1),
    (EvFact.SELECTED_PAYMENT_OPTION, "Contract"),
    (EvFact.EMAID, "x"),
    (EvFact.CONTRACT_CHAIN, (b"x",)),
    (EvFact.GEN_CHALLENGE, b"x"),
    (EvFact.REQUESTED_ENERGY_MODE, "DC_core"),
    (EvFact.DEPARTURE_TIME_S, 1),
    (EvFact.MAX_SCHEDULE_TUPLES, 1),
    (EvFact.AC_ENERGY_WH, 1.0),
    (EvFact.AC_MAX_VOLTAGE_V, 1.0),
    (EvFact.AC_MAX_CURRENT_A, 1.0),
    (EvFact.AC_MIN_CURRENT_A, 1.0),
    (EvFact.CHARGE_PROGRESS, "Stop"),
    (EvFact.CHARGING_PROFILE, {"tuple_id": 1, "entries": [(0, 1.0, 1)]}),
]
