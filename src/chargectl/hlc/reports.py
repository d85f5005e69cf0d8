"""What the EV says, as topics of guide 15.5.7 to 15.5.11.

Enumerations are the numbers of ISO 15118-2. Where the guide misspells a topic, both spellings are published.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from chargectl.declarations import topics
from chargectl.declarations.types import JsonValue, Topic
from chargectl.hlc.values import physical_value
from v2g.common.terms import EnergyMode, Payment
from v2g.secc.facts import EvFact

_SERVICE_CATEGORY: Final = ("EVCharging", "Internet", "ContractCertificate", "OtherCustom")
_PAYMENT: Final = (Payment.CONTRACT.value, Payment.EXTERNAL.value)
_ENERGY_MODE: Final = (
    EnergyMode.AC_SINGLE_PHASE.value,
    EnergyMode.AC_THREE_PHASE.value,
    EnergyMode.DC_CORE.value,
    EnergyMode.DC_EXTENDED.value,
    EnergyMode.DC_COMBO_CORE.value,
    EnergyMode.DC_UNIQUE.value,
)
_PROGRESS: Final = ("Start", "Stop", "Renegotiate")
_STOP: Final = ("Terminate", "Pause")

Report = tuple[Topic, JsonValue]


def _same(value: Any) -> JsonValue:
    return value  # type: ignore[no-any-return]  # its kind is the fact's


def _number_in(words: tuple[str, ...]) -> Callable[[Any], JsonValue]:
    def number(value: Any) -> JsonValue:
        return words.index(value) if value in words else None

    return number


def _base64(value: bytes) -> JsonValue:
    return base64.b64encode(value).decode("ascii")


def _chain(value: tuple[bytes, ...]) -> JsonValue:
    leaf, *others = map(_base64, value)
    return {"Certificate": leaf, "SubCertificates": others}


_FACTS: Final[dict[EvFact, tuple[tuple[Topic, ...], Callable[[Any], JsonValue]]]] = {
    EvFact.EVCC_ID: ((topics.TOPIC_EV_INIT_EVCCID,), _same),
    EvFact.SERVICE_SCOPE: ((topics.TOPIC_EV_INIT_SERVICESCOPE,), _same),
    EvFact.SERVICE_CATEGORY: ((topics.TOPIC_EV_INIT_SERVICECATEGORY,), _number_in(_SERVICE_CATEGORY)),
    EvFact.SELECTED_SERVICE_ID: ((topics.TOPIC_EV_INIT_SELECTEDSERVICEID,), _same),
    EvFact.SELECTED_PAYMENT_OPTION: ((topics.TOPIC_EV_INIT_SELECTEDPAYMENTOPTION,), _number_in(_PAYMENT)),
    EvFact.EMAID: (
        (
            topics.TOPIC_EV_AUTH_EMAID,
            topics.TOPIC_EV_AUTH_EMAID_CORRECTED,
            topics.TOPIC_EV_AUTH_CONTRACTID,
        ),
        _same,
    ),
    EvFact.CONTRACT_CHAIN: (
        (
            topics.TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN,
            topics.TOPIC_EV_AUTH_CONTRACTSIGNATURECERTCHAIN_CORRECTED,
        ),
        _chain,
    ),
    EvFact.GEN_CHALLENGE: ((topics.TOPIC_EV_AUTH_GENCHALLENGE,), _base64),
    EvFact.REQUESTED_ENERGY_MODE: (
        (topics.TOPIC_EV_PARAMETER_REQUESTEDENERGYTYPE,),
        _number_in(_ENERGY_MODE),
    ),
    EvFact.DEPARTURE_TIME_S: ((topics.TOPIC_EV_PARAMETER_DEPARTURETIME,), _same),
    EvFact.MAX_SCHEDULE_TUPLES: (
        (
            topics.TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES,
            topics.TOPIC_EV_PARAMETER_MAXSASCHEDULETUPLES_CORRECTED,
        ),
        _same,
    ),
    EvFact.AC_ENERGY_WH: ((topics.TOPIC_EV_PARAMETER_EAMOUNT,), physical_value),
    EvFact.AC_MAX_VOLTAGE_V: ((topics.TOPIC_EV_PARAMETER_MAXVOLTAGELIMIT,), physical_value),
    EvFact.AC_MAX_CURRENT_A: ((topics.TOPIC_EV_PARAMETER_MAXCURRENTLIMIT,), physical_value),
    EvFact.AC_MIN_CURRENT_A: ((topics.TOPIC_EV_PARAMETER_MINCURRENTLIMIT,), physical_value),
    EvFact.CHARGE_PROGRESS: ((topics.TOPIC_EV_CHARGE_READYTOCHARGE_STATE,), _number_in(_PROGRESS)),
}
"""The topics of a fact and how its value is written; None there is not published."""


def reports(fact: EvFact, value: Any) -> list[Report]:
    """What is to be published about a fact; nothing for those that have no topic."""
    if fact is EvFact.CHARGING_PROFILE:
        return _profile(value)
    found = _FACTS.get(fact)
    if found is None:
        return []
    written = found[1](value)
    return [] if written is None else [(topic, written) for topic in found[0]]


def _profile(value: dict[str, Any]) -> list[Report]:
    entries = value["entries"]
    powers = [physical_value(power) for _, power, _ in entries]
    columns: dict[str, JsonValue] = {
        "Start": [start for start, _, _ in entries],
        "PMax": [power["Value"] for power in powers],
        "PMaxMultiplier": [power["Multiplier"] for power in powers],
        # An EV that names no count may use all phases.
        "NumberOfPhases": [3 if phases is None else phases for _, _, phases in entries],
    }
    return [
        (topics.TOPIC_EV_CHARGE_CHARGINGPROFILETUPLEID, str(value["tuple_id"])),
        (topics.TOPIC_EV_CHARGE_CHARGINGPROFILEENTRY, columns),
    ]


def stop_progress(message: Any) -> list[Report]:
    """What a SessionStopReq of ISO 15118-2 asks for."""
    body = message.Body.BodyElement
    progress = getattr(body, "ChargingSession", None)
    return [(topics.TOPIC_EV_STOP_PROGRESS, _STOP.index(progress))] if progress in _STOP else []


def mac_text(mac: bytes) -> str:
    """A MAC address as ``port0/session/v2g_mac`` has it."""
    return mac.hex(":").upper()
