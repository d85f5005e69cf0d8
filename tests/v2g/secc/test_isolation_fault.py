"""An isolation fault after the cable check of a DC output: power off at once, and the EV is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.v2g.secc.din import requests as evd
from tests.v2g.secc.iso2 import requests as ev2
from tests.v2g.secc.iso20 import requests as ev20
from tests.v2g.secc.rig import Rig
from v2g.secc import effects
from v2g.secc.din.protocol import PROTOCOL as DIN
from v2g.secc.station import Isolation

LOOPS = {"din": "WaitForCurrentDemand", "iso2": "WaitForCurrentDemand", "iso20": "ChargeLoop"}
PRE_CHARGE = dict.fromkeys(LOOPS, "WaitForPreCharge")
PAYLOADS: dict[str, Callable[[], Any]] = {
    "din": evd.demand,
    "iso2": ev2.demand,
    "iso20": ev20.dc_loop,
}


def at(kind: str, state: str) -> Rig:
    if kind == "din":
        rig = Rig(DIN)
        evd.walk(rig, state)
        return rig
    return ev2.rig_at(state) if kind == "iso2" else ev20.walk(ev20.rig("DC"), state)


def told(kind: str, answer: Any) -> tuple[str, ...]:
    if kind == "iso20":
        return (answer.EVSEStatus.EVSENotification,)
    status = answer.DC_EVSEStatus
    return (status.EVSEIsolationStatus, status.EVSEStatusCode, status.EVSENotification)


@pytest.mark.spec(371)
@pytest.mark.parametrize("kind", list(LOOPS))
def test_a_fault_in_the_charge_loop(kind: str) -> None:
    rig = at(kind, LOOPS[kind])
    rig.ask(PAYLOADS[kind]())
    assert rig.closed
    assert rig.changed(isolation=Isolation.FAULT)[0] == effects.Contactor(False)
    answer = rig.ask(PAYLOADS[kind]())
    assert answer.ResponseCode == "OK"
    wanted = ("Terminate",) if kind == "iso20" else ("Fault", "EVSE_EmergencyShutdown", "StopCharging")
    assert told(kind, answer) == wanted
    assert rig.sent(effects.DcTarget) is None
    # Isolation that comes back does not bring the power back.
    rig.changed(isolation=Isolation.VALID)
    rig.ask(PAYLOADS[kind]())
    assert not rig.closed


@pytest.mark.parametrize("isolation", [each for each in Isolation if each is not Isolation.FAULT])
@pytest.mark.parametrize("kind", list(LOOPS))
def test_anything_else_is_no_reason(kind: str, isolation: Isolation) -> None:
    rig = at(kind, LOOPS[kind])
    rig.changed(isolation=isolation)
    assert rig.ask(PAYLOADS[kind]()).ResponseCode == "OK"
    assert rig.closed


@pytest.mark.parametrize("kind", list(LOOPS))
def test_a_fault_before_pre_charge(kind: str) -> None:
    rig = at(kind, PRE_CHARGE[kind])
    assert rig.changed(isolation=Isolation.FAULT)[0] == effects.Contactor(False)


@pytest.mark.parametrize("kind", list(LOOPS))
def test_a_cable_check_that_finds_a_fault_and_says_that_all_is_well(kind: str) -> None:
    rig = at(kind, "WaitForCableCheck")
    rig.changed(pilot="C")
    ask = {"din": evd.cable_check, "iso2": ev2.cable_check, "iso20": lambda: ev20.cable_check}[kind]
    rig.ask(ask())
    assert rig.closed
    rig.changed(cable_check=True, isolation=Isolation.FAULT)
    assert not rig.closed
    assert rig.ask(ask()).ResponseCode == "FAILED"


@pytest.mark.parametrize("kind", list(LOOPS))
def test_a_fault_of_an_earlier_session_can_be_found_to_be_gone(kind: str) -> None:
    """Nobody has set the facts back: only a new cable check can tell."""
    rig = at(kind, "WaitForCableCheck")
    rig.station.cable_check, rig.station.isolation = True, Isolation.FAULT
    rig.changed(pilot="C")
    ask = {"din": evd.cable_check, "iso2": ev2.cable_check, "iso20": lambda: ev20.cable_check}[kind]
    assert rig.ask(ask()).EVSEProcessing == "Ongoing"
    assert rig.closed
    rig.changed(cable_check=True, isolation=Isolation.VALID, contactor_closed=True)
    assert rig.ask(ask()).EVSEProcessing == "Finished"


def test_ac_has_no_isolation_monitor() -> None:
    newest: Rig = ev20.walk(ev20.rig("AC"), "ChargeLoop")
    for rig in (newest, ev2.rig_at("WaitForChargingStatus", dc=False)):
        rig.changed(isolation=Isolation.FAULT, cable_check=True)
        assert rig.closed
