"""Requests of an ISO 15118-2 car, as they are in ordinary sessions of AC and DC."""

from __future__ import annotations

from typing import Any

from tests.v2g.secc.rig import Rig
from v2g.common.terms import EnergyMode
from v2g.common.values import physical
from v2g.secc.iso2.protocol import PROTOCOL
from v2g.secc.station import Authorization, Isolation, Setup, Station
from v2gexi import iso2

AC_SETUP = Setup(evse_id="DE*ABC*E1234", energy_modes=(EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE))
DC_SETUP = Setup(evse_id="DE*ABC*E1234", energy_modes=(EnergyMode.DC_EXTENDED,))


def status(soc: int = 40) -> Any:
    return iso2.DC_EVStatusType(EVReady=True, EVErrorCode="NO_ERROR", EVRESSSOC=soc)


def volts(value: float) -> Any:
    return physical(iso2, "V", value)


def amperes(value: float) -> Any:
    return physical(iso2, "A", value)


def watts(value: float) -> Any:
    return physical(iso2, "W", value)


def setup() -> Any:
    return iso2.SessionSetupReqType(EVCCID=bytes.fromhex("0016810a0b0c"))


def discovery(scope: str | None = None, category: Any = None) -> Any:
    return iso2.ServiceDiscoveryReqType(ServiceScope=scope, ServiceCategory=category)


def detail(service: int = 1) -> Any:
    return iso2.ServiceDetailReqType(ServiceID=service)


def payment(option: Any = "ExternalPayment", *services: tuple[int, int | None]) -> Any:
    return iso2.PaymentServiceSelectionReqType(
        SelectedPaymentOption=option,
        SelectedServiceList=iso2.SelectedServiceListType(
            SelectedService=[
                iso2.SelectedServiceType(ServiceID=service, ParameterSetID=parameters)
                for service, parameters in services or ((1, None),)
            ]
        ),
    )


def authorization() -> Any:
    return iso2.AuthorizationReqType()


def ac_parameters(mode: Any = "AC_three_phase_core", most: int | None = None) -> Any:
    return iso2.ChargeParameterDiscoveryReqType(
        MaxEntriesSAScheduleTuple=most,
        RequestedEnergyTransferMode=mode,
        EVChargeParameter=iso2.AC_EVChargeParameterType(
            DepartureTime=7200,
            EAmount=physical(iso2, "Wh", 22_000),
            EVMaxVoltage=volts(400),
            EVMaxCurrent=amperes(32),
            EVMinCurrent=amperes(6),
        ),
    )


def dc_parameters(mode: Any = "DC_extended", most: int | None = None) -> Any:
    return iso2.ChargeParameterDiscoveryReqType(
        MaxEntriesSAScheduleTuple=most,
        RequestedEnergyTransferMode=mode,
        EVChargeParameter=iso2.DC_EVChargeParameterType(
            DC_EVStatus=status(),
            EVMaximumCurrentLimit=amperes(125),
            EVMaximumPowerLimit=watts(50_000),
            EVMaximumVoltageLimit=volts(410),
            EVEnergyCapacity=physical(iso2, "Wh", 28_000),
            EVEnergyRequest=physical(iso2, "Wh", 16_000),
            FullSOC=100,
            BulkSOC=80,
        ),
    )


def cable_check() -> Any:
    return iso2.CableCheckReqType(DC_EVStatus=status())


def pre_charge(voltage: float = 380.0, current: float = 1.0) -> Any:
    return iso2.PreChargeReqType(
        DC_EVStatus=status(), EVTargetVoltage=volts(voltage), EVTargetCurrent=amperes(current)
    )


def power(progress: Any, *entries: tuple[int, float], schedule: int = 1) -> Any:
    profile = iso2.ChargingProfileType(
        ProfileEntry=[
            iso2.ProfileEntryType(ChargingProfileEntryStart=start, ChargingProfileEntryMaxPower=watts(value))
            for start, value in entries
        ]
    )
    return iso2.PowerDeliveryReqType(
        ChargeProgress=progress, SAScheduleTupleID=schedule, ChargingProfile=profile if entries else None
    )


def charging_status() -> Any:
    return iso2.ChargingStatusReqType()


def demand(voltage: float = 400.0, current: float = 50.0, soc: int = 41) -> Any:
    return iso2.CurrentDemandReqType(
        DC_EVStatus=status(soc),
        EVTargetCurrent=amperes(current),
        ChargingComplete=False,
        EVTargetVoltage=volts(voltage),
        RemainingTimeToFullSoC=physical(iso2, "s", 1800),
    )


def receipt() -> Any:
    return iso2.MeteringReceiptReqType(SessionID=bytes(8), MeterInfo=iso2.MeterInfoType(MeterID="M1"))


def welding() -> Any:
    return iso2.WeldingDetectionReqType(DC_EVStatus=status())


def stop(how: Any = "Terminate") -> Any:
    return iso2.SessionStopReqType(ChargingSession=how)


def details(emaid: str = "DEV2GC12345678X", chain: tuple[bytes, ...] = (b"no certificate",)) -> Any:
    return iso2.PaymentDetailsReqType(
        eMAID=emaid,
        ContractSignatureCertChain=iso2.CertificateChainType(
            Certificate=chain[0],
            SubCertificates=iso2.SubCertificatesType(Certificate=list(chain[1:])) if chain[1:] else None,
        ),
    )


def roots() -> Any:
    issuer = iso2.X509IssuerSerialType(X509IssuerName="CN=root", X509SerialNumber=1)
    return iso2.ListOfRootCertificateIDsType(RootCertificateID=[issuer])


def installation() -> Any:
    return iso2.CertificateInstallationReqType(
        Id="id1", OEMProvisioningCert=b"certificate", ListOfRootCertificateIDs=roots()
    )


def update() -> Any:
    return iso2.CertificateUpdateReqType(
        Id="id1",
        ContractSignatureCertChain=iso2.CertificateChainType(Id="id2", Certificate=b"certificate"),
        eMAID="DEV2GC12345678X",
        ListOfRootCertificateIDs=roots(),
    )


ALL = {
    "SessionSetupReq": setup,
    "ServiceDiscoveryReq": discovery,
    "ServiceDetailReq": detail,
    "PaymentServiceSelectionReq": payment,
    "PaymentDetailsReq": details,
    "CertificateInstallationReq": installation,
    "CertificateUpdateReq": update,
    "AuthorizationReq": authorization,
    "ChargeParameterDiscoveryReq": dc_parameters,
    "CableCheckReq": cable_check,
    "PreChargeReq": pre_charge,
    "PowerDeliveryReq": lambda: power("Start"),
    "ChargingStatusReq": charging_status,
    "CurrentDemandReq": demand,
    "MeteringReceiptReq": receipt,
    "WeldingDetectionReq": welding,
    "SessionStopReq": stop,
}
START = (
    "WaitForSessionSetup",
    "WaitForServiceDiscovery",
    "WaitForPaymentServiceSelection",
    "WaitForAuthorization",
    "WaitForChargeParameterDiscovery",
)
AC = (*START, "WaitForPowerDelivery", "WaitForChargingStatus", "WaitForSessionStop")
DC = (*START, "WaitForCableCheck", "WaitForPreCharge", "WaitForCurrentDemand", "WaitForWeldingDetection")
EVERY = [(True, state) for state in DC] + [(False, state) for state in AC[5:]]
"""All states of sessions without a contract, as (of DC, name)."""


def rig_at(state: str, *, dc: bool = True, tls: bool = False, **facts: Any) -> Rig:
    """A session in a state, come to it in the ordinary way."""
    station = Station(setup=DC_SETUP if dc else AC_SETUP, authorization=Authorization.ACCEPTED)
    for name, value in facts.items():
        assert hasattr(station, name)
        setattr(station, name, value)
    return walk(Rig(PROTOCOL, station=station, tls=tls), state)


def walk(rig: Rig, state: str) -> Rig:
    """Go on to a state."""
    if rig.core.session is None:
        rig.handshake()
    dc = rig.station.setup.energy_modes[0].dc
    steps = {
        "WaitForSessionSetup": lambda: rig.ask(setup()),
        "WaitForServiceDiscovery": lambda: rig.ask(discovery()),
        "WaitForPaymentServiceSelection": lambda: rig.ask(payment()),
        "WaitForAuthorization": lambda: rig.ask(authorization()),
        "WaitForChargeParameterDiscovery": lambda: rig.ask(dc_parameters() if dc else ac_parameters()),
        "WaitForPowerDelivery": lambda: _start_ac(rig),
        "WaitForChargingStatus": lambda: stopped(rig),
        "WaitForCableCheck": lambda: _check(rig),
        "WaitForPreCharge": lambda: _start_dc(rig),
        "WaitForCurrentDemand": lambda: stopped(rig),
    }
    while rig.state != state:
        was = rig.state
        steps[was]()
        assert rig.state != was, rig.last
    return rig


def _start_ac(rig: Rig) -> None:
    rig.changed(pilot="C")
    assert rig.ask(power("Start")) is None
    assert rig.closed
    rig.changed(contactor_closed=True)
    assert rig.answer().ResponseCode == "OK"


def _check(rig: Rig) -> None:
    rig.changed(pilot="C")
    rig.ask(cable_check())
    rig.changed(contactor_closed=True, cable_check=True, isolation=Isolation.VALID)
    rig.ask(cable_check())


def _start_dc(rig: Rig) -> None:
    rig.ask(pre_charge())
    rig.changed(present_voltage_v=379.0)
    rig.ask(power("Start"))


def stopped(rig: Rig, progress: Any = "Stop") -> Any:
    """Power off, and the contactor follows at once."""
    assert rig.ask(power(progress)) is None
    assert not rig.closed
    rig.changed(contactor_closed=False)
    return rig.answer()
