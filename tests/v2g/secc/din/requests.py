"""Requests of a DIN SPEC 70121 car, as they are in an ordinary session."""

from __future__ import annotations

from typing import Any

from tests.v2g.secc.rig import Rig
from v2g.common.values import physical
from v2gexi import din


def status(soc: int = 40) -> Any:
    return din.DC_EVStatusType(EVReady=True, EVErrorCode="NO_ERROR", EVRESSSOC=soc)


def volts(value: float) -> Any:
    return physical(din, "V", value)


def amperes(value: float) -> Any:
    return physical(din, "A", value)


def setup() -> Any:
    return din.SessionSetupReqType(EVCCID=bytes.fromhex("0016810a0b0c"))


def discovery() -> Any:
    return din.ServiceDiscoveryReqType(ServiceCategory="EVCharging")


def payment(option: Any = "ExternalPayment", services: tuple[int, ...] = (1,)) -> Any:
    return din.ServicePaymentSelectionReqType(
        SelectedPaymentOption=option,
        SelectedServiceList=din.SelectedServiceListType(
            SelectedService=[din.SelectedServiceType(ServiceID=each) for each in services]
        ),
    )


def authentication() -> Any:
    return din.ContractAuthenticationReqType()


def parameters(kind: Any = "DC_extended") -> Any:
    return din.ChargeParameterDiscoveryReqType(
        EVRequestedEnergyTransferType=kind,
        EVChargeParameter=din.DC_EVChargeParameterType(
            DC_EVStatus=status(),
            EVMaximumCurrentLimit=amperes(125),
            EVMaximumPowerLimit=physical(din, "W", 50_000),
            EVMaximumVoltageLimit=volts(410),
            EVEnergyCapacity=physical(din, "Wh", 28_000),
            EVEnergyRequest=physical(din, "Wh", 16_000),
            FullSOC=100,
            BulkSOC=80,
        ),
    )


def cable_check() -> Any:
    return din.CableCheckReqType(DC_EVStatus=status())


def pre_charge(voltage: float = 380.0) -> Any:
    return din.PreChargeReqType(
        DC_EVStatus=status(), EVTargetVoltage=volts(voltage), EVTargetCurrent=amperes(1)
    )


def power(on: bool) -> Any:
    parameter = din.DC_EVPowerDeliveryParameterType(DC_EVStatus=status(), ChargingComplete=False)
    return din.PowerDeliveryReqType(ReadyToChargeState=on, EVPowerDeliveryParameter=parameter)


def demand(voltage: float = 400.0, current: float = 50.0, soc: int = 41) -> Any:
    return din.CurrentDemandReqType(
        DC_EVStatus=status(soc),
        EVTargetCurrent=amperes(current),
        ChargingComplete=False,
        EVTargetVoltage=volts(voltage),
        RemainingTimeToFullSoC=physical(din, "s", 1800),
    )


def welding() -> Any:
    return din.WeldingDetectionReqType(DC_EVStatus=status())


def stop() -> Any:
    return din.SessionStopType()


ALL = {
    "SessionSetupReq": setup,
    "ServiceDiscoveryReq": discovery,
    "ServicePaymentSelectionReq": payment,
    "ContractAuthenticationReq": authentication,
    "ChargeParameterDiscoveryReq": parameters,
    "CableCheckReq": cable_check,
    "PreChargeReq": pre_charge,
    "PowerDeliveryReq": lambda: power(True),
    "CurrentDemandReq": demand,
    "WeldingDetectionReq": welding,
    "SessionStopReq": stop,
}
ORDER = (
    "WaitForSessionSetup",
    "WaitForServiceDiscovery",
    "WaitForServicePaymentSelection",
    "WaitForContractAuthentication",
    "WaitForChargeParameterDiscovery",
    "WaitForCableCheck",
    "WaitForPreCharge",
    "WaitForCurrentDemand",
    "WaitForWeldingDetection",
)


def walk(rig: Rig, state: str) -> Rig:
    """Bring a session to a state in the ordinary way."""
    if rig.core.session is None:
        rig.handshake()
    for wanted, request in zip(ORDER, ALL.values(), strict=False):
        if wanted == state:
            break
        if wanted == "WaitForCableCheck":
            rig.changed(pilot="C")
            rig.ask(cable_check())
            rig.changed(contactor_closed=True, cable_check=True, isolation=_valid())
        elif wanted == "WaitForPreCharge":
            rig.ask(pre_charge())
            rig.changed(present_voltage_v=379.0)
            rig.ask(power(True))
            continue
        elif wanted == "WaitForCurrentDemand":
            rig.changed(contactor_closed=False)
            rig.ask(power(False))
            continue
        rig.ask(request())
    assert rig.state == state
    return rig


def _valid() -> Any:
    from v2g.secc.station import Isolation

    return Isolation.VALID
