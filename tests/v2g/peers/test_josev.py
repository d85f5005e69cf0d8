"""Josev's car (PyPI ``iso15118``) charges at our charger, and our car at Josev's station."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.v2g.peers import rig
from tests.v2gexi import josev_rig

CYCLES: Final = 5
LOOP: Final = {"chargeLoopCycle": CYCLES, "chargeLoopDelay": 0, "sdpRetryCycles": 1, "useTls": False}


@dataclass(frozen=True)
class Case:
    """A kind of session.

    Attributes:
        vehicle: configuration of Josev's car.
        protocol, mode: of our side.
        loop: name of the charge loop's messages.
        order: our charger's log has these, in this order.
    """

    vehicle: dict[str, Any]
    protocol: str
    mode: str
    loop: str
    more: tuple[str, ...] = ()


def iso2(mode: str) -> dict[str, Any]:
    services = {"supportedEnergyServices": [mode[:2]], "energyTransferMode": mode}
    return {"supportedProtocols": ["ISO_15118_2"], **services}


def iso20(service: str) -> dict[str, Any]:
    return {"supportedProtocols": [f"ISO_15118_20_{service[:2]}"], "supportedEnergyServices": [service]}


CASES: Final = {
    "din-dc": Case(
        {"supportedProtocols": ["DIN_SPEC_70121"], "energyTransferMode": "DC_extended"},
        "din",
        "dc",
        "CurrentDemand",
    ),
    "iso2-ac": Case(iso2("AC_three_phase_core"), "iso2", "ac", "ChargingStatus"),
    "iso2-dc": Case(iso2("DC_extended"), "iso2", "dc", "CurrentDemand"),
    "iso20-dc": Case(iso20("DC"), "iso20", "dc", "DC_ChargeLoop"),
    "iso20-ac": Case(iso20("AC"), "iso20", "ac", "AC_ChargeLoop"),
}


@pytest.fixture(autouse=True)
def josev() -> None:
    reason = josev_rig.missing()
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("name", CASES)
def test_josevs_car_charges_at_our_charger(name: str, tmp_path: Path):
    case = CASES[name]
    arguments = ("--protocols", case.protocol, "--set", f"mode={case.mode}", "--set", "cable_check_s=0.2")
    car, charger = rig.charge_josevs_car(
        tmp_path, LOOP | case.vehicle, {"AUTH_MODES": "EIM"}, *arguments, *case.more
    )
    assert charger.exit_code == 0, charger.log + car.log
    assert charger.has(
        "supportedAppProtocolRes  OK_SuccessfulNegotiation",
        "SessionSetupRes  OK_NewSessionEstablished",
        "Contactor(closed=True)",
        f"{case.loop}Res  OK",
        "Contactor(closed=False)",
        "SessionStopRes  OK",
        "Timing statistics",
    )
    assert car.exit_code == 0, car.log
    assert car.names("encode").count(f"{case.loop}Req") >= CYCLES - 1
    assert car.names("decode")[-1] == "SessionStopRes"


@pytest.mark.parametrize("name", CASES)
def test_our_car_charges_at_josevs_station(name: str, tmp_path: Path):
    case = CASES[name]
    # Its output always shows 1 V: a battery of 10 V is close enough to close the contactors.
    wishes = ("--set", f"mode={case.mode}", "--set", "loop_s=6", "--set", "voltage_v=10")
    station, car = rig.charge_at_josevs_station(
        tmp_path, {"AUTH_MODES": "EIM"}, "--protocols", case.protocol, *wishes
    )
    assert car.exit_code == 0, car.log + station.log
    assert station.names("encode").count(f"{case.loop}Res") > CYCLES
    assert station.names("encode")[-1] == "SessionStopRes"
