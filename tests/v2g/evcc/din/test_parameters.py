"""What a DIN SPEC 70121 charger offers, and what the EV makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.evcc.charger import Charger
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN, EnergyMode
from v2g.evcc import effects
from v2g.evcc.din.protocol import PROTOCOL
from v2g.evcc.facts import ChargerFact
from v2g.evcc.vehicle import Battery, Setup, Vehicle
from v2gexi import din

EXTENDED, CORE = EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE


def session(modes: tuple[EnergyMode, ...] = (EXTENDED, CORE), **facts: Any) -> Rig:
    return Rig(PROTOCOL, Charger(), Vehicle(setup=Setup(protocols=(DIN,), energy_modes=modes), **facts))


@pytest.mark.parametrize(
    ("offered", "modes", "requested"),
    [
        ("DC_extended", (EXTENDED, CORE), "DC_extended"),
        ("DC_core", (EXTENDED, CORE), "DC_core"),
        ("DC_dual", (CORE, EXTENDED), "DC_core"),
        ("DC_combo_core", (EnergyMode.DC_COMBO_CORE,), "DC_combo_core"),
        ("AC_core1p_DC_extended", (EXTENDED,), "DC_extended"),
        ("AC_single_DC_core", (EXTENDED, CORE), "DC_core"),
        ("AC_single_phase_three_phase_core_DC_extended", (EXTENDED,), "DC_extended"),
        ("AC_core3p_DC_extended", (EXTENDED,), "DC_extended"),
        ("AC_three_phase_core", (EXTENDED, CORE), None),
        ("AC_single_phase_core", (EXTENDED, CORE), None),
        ("DC_core", (EXTENDED,), None),
    ],
)
def test_energy_modes(offered: Any, modes: tuple[EnergyMode, ...], requested: str | None) -> None:
    rig = session(modes)

    def answer(charger: Charger, body: Any) -> Any:
        response = charger.usual("ServiceDiscoveryReq", body)
        response.ChargeService.EnergyTransferType = offered
        return response

    rig.charger.script["ServiceDiscoveryReq"] = answer
    rig.run(lambda: rig.core.state == "ChargeParameterDiscovery" or rig.ended is not None)
    if requested is None:
        assert rig.ended is not None
        assert rig.ended.reason.endswith(f"the charger offers {offered}")
        assert rig.requests[-1] == "SessionStopReq"
    else:
        assert rig.sent[-1].Body.BodyElement.EVRequestedEnergyTransferType == requested


def test_the_charge_service_is_selected_by_its_id() -> None:
    rig = session().until("ServicePaymentSelection")
    selected = rig.sent[-1].Body.BodyElement.SelectedServiceList.SelectedService
    assert [(each.ServiceID, each.ParameterSetID) for each in selected] == [(3, None)]


def test_external_payment_is_tried_where_only_contracts_are_offered() -> None:
    rig = session()

    def answer(charger: Charger, body: Any) -> Any:
        response = charger.usual("ServiceDiscoveryReq", body)
        response.PaymentOptions = din.PaymentOptionsType(PaymentOption=["Contract"])
        return response

    rig.charger.script["ServiceDiscoveryReq"] = answer
    rig.until("CurrentDemand")
    assert any("ExternalPayment is tried" in line for line in rig.logs)


def test_limits_are_told_once_and_when_they_change() -> None:
    rig = session().until("CurrentDemand")

    def lower(charger: Charger, body: Any) -> Any:
        response = charger.usual("CurrentDemandReq", body)
        response.EVSEMaximumCurrentLimit = charger.physical("A", 30)
        return response

    rig.charger.script["CurrentDemandReq"] = lower
    rig.run(lambda: rig.charger.count("CurrentDemandReq") > 4)
    told = [each.value for each in rig.all(effects.ChargerTold) if each.fact is ChargerFact.MAXIMUM_CURRENT_A]
    assert told == [100.0, 30.0]
    target = rig.sent[-1].Body.BodyElement.EVTargetCurrent
    assert target.Value * 10.0**target.Multiplier == 30.0


@pytest.mark.parametrize("most", [0, 40, 59])
def test_a_charger_that_does_not_know_its_limits_is_taken(most: int) -> None:
    rig = session()

    def unknown(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        response.EVSEChargeParameter.EVSEMaximumVoltageLimit = charger.physical("V", most)
        response.EVSEChargeParameter.EVSEMaximumCurrentLimit = charger.physical("A", 0)
        response.EVSEChargeParameter.EVSEMaximumPowerLimit = None
        return response

    rig.charger.script["ChargeParameterDiscoveryReq"] = unknown
    rig.until("CurrentDemand")
    assert rig.ended is None


def test_a_charger_whose_voltage_is_too_low_is_incompatible() -> None:
    rig = session(battery=Battery(voltage_v=620.0)).run()
    assert rig.ended is not None
    assert "FAILED_ChargingSystemIncompatibility: the charger gives at most 500 V" in rig.ended.reason
    assert rig.requests[-1] == "SessionStopReq"


def test_remaining_times_and_completion_are_told() -> None:
    battery = Battery(soc_percent=85, full_in_s=1_800, bulk_in_s=0)
    rig = session(battery=battery).until("CurrentDemand")
    body = rig.sent[-1].Body.BodyElement
    assert (body.BulkChargingComplete, body.ChargingComplete) == (True, False)
    full = body.RemainingTimeToFullSoC
    assert full.Value * 10.0**full.Multiplier == 1_800


def test_pre_charge_asks_for_2_a_at_most() -> None:
    vehicle = Vehicle(setup=Setup(protocols=(DIN,), pre_charge_current_a=12.0))
    rig = Rig(PROTOCOL, Charger(), vehicle).until("PreCharge")
    current = rig.sent[-1].Body.BodyElement.EVTargetCurrent
    assert current.Value * 10.0**current.Multiplier == 2.0


def test_a_reserved_status_is_no_reason_to_end() -> None:
    rig = session().until("CurrentDemand")
    rig.charger.status = "Reserved_A"
    rig.run(within_ms=2_000)
    assert rig.ended is None
    assert effects.ChargerTold(ChargerFact.STATUS, "Reserved_A") in rig.all(effects.ChargerTold)
