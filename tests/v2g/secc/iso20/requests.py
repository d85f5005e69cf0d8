"""Requests of an ISO 15118-20 car, as they are in an ordinary session, and a rig that sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import v2gexi
from tests.v2g.secc.rig import UNIX_S, Rig
from v2g.common.terms import EnergyMode, Payment
from v2g.common.values import rational
from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.secc.station import AcLimits, Authorization, DcLimits, Setup, Station
from v2gexi import iso20_ac as ac
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc
from v2gexi import v2gtp

Make = Callable[[Any], Any]
"""A request, from its header."""
SETS = {"v2gexi.iso20_ac": "iso20-ac", "v2gexi.iso20_dc": "iso20-dc"}


class Rig20(Rig):
    """A rig whose requests are made from the session's header."""

    def ask(self, body: Any, session_id: bytes | None = None, payload_type: int | None = None) -> Any:
        """Send a request; the response, None if there is none yet."""
        own = self.core.session.session_id if self.core.session else bytes(8)
        message = body(
            common.MessageHeaderType(
                SessionID=own if session_id is None else session_id, TimeStamp=UNIX_S, Signature=None
            )
        )
        message_set = SETS.get(type(message).__module__, "iso20-common")
        payload = v2gexi.encode(message, message_set, lenient=True)
        kind = v2gtp.PAYLOAD_TYPES[message_set] if payload_type is None else payload_type
        self.data(v2gtp.pack(payload, kind))
        return self.answer()


def station(*modes: EnergyMode, **setup: Any) -> Station:
    """A station that can do everything, authorised."""
    return Station(
        setup=Setup(
            evse_id="DE*ABC*E1*1",
            protocols=(AC_PROTOCOL.namespace, DC_PROTOCOL.namespace),
            energy_modes=modes or tuple(EnergyMode),
            payments=setup.pop("payments", (Payment.EXTERNAL,)),
            iso20_without_tls=setup.pop("iso20_without_tls", True),
            **setup,
        ),
        dc=DcLimits(maximum_voltage_v=950.0, discharge_current_a=50.0, discharge_power_w=20_000.0),
        ac=AcLimits(discharge_power_w=11_000.0),
        authorization=Authorization.ACCEPTED,
    )


def rig(kind: str = "DC", made: Station | None = None, tls: bool = False) -> Rig20:
    """A rig after the handshake."""
    protocol = AC_PROTOCOL if kind == "AC" else DC_PROTOCOL
    new = Rig20(protocol, station=made or station(), tls=tls)
    new.handshake()
    return new


# ---------------------------------------------------------------------- numbers


def n(value: float, finest: int = -1) -> Any:
    return rational(common, value, finest)


# ---------------------------------------------------------------------- requests


def setup(header: Any, evcc_id: str = "CB-F0-CHARGEMODULE-0-2") -> Any:
    return common.SessionSetupReqType(Header=header, EVCCID=evcc_id)


def authorization_setup(header: Any) -> Any:
    return common.AuthorizationSetupReqType(Header=header)


def authorization(header: Any) -> Any:
    return common.AuthorizationReqType(
        Header=header,
        SelectedAuthorizationService="EIM",
        EIM_AReqAuthorizationMode=common.EIM_AReqAuthorizationModeType(),
    )


def discovery(header: Any) -> Any:
    return common.ServiceDiscoveryReqType(Header=header)


def supporting(*ids: int) -> Make:
    return lambda header: common.ServiceDiscoveryReqType(
        Header=header, SupportedServiceIDs=common.ServiceIDListType(ServiceID=list(ids))
    )


def detail(service: int) -> Make:
    return lambda header: common.ServiceDetailReqType(Header=header, ServiceID=service)


def selection(service: int, parameter_set: int, *added: tuple[int, int]) -> Make:
    return lambda header: common.ServiceSelectionReqType(
        Header=header,
        SelectedEnergyTransferService=common.SelectedServiceType(
            ServiceID=service, ParameterSetID=parameter_set
        ),
        SelectedVASList=common.SelectedServiceListType(
            SelectedService=[common.SelectedServiceType(ServiceID=s, ParameterSetID=p) for s, p in added]
        )
        if added
        else None,
    )


def dc_parameters(bpt: bool = False, **changes: Any) -> Make:
    values: dict[str, Any] = {
        "EVMaximumChargePower": n(150_000, 0),
        "EVMinimumChargePower": n(100, 0),
        "EVMaximumChargeCurrent": n(300),
        "EVMinimumChargeCurrent": n(10),
        "EVMaximumVoltage": n(850),
        "EVMinimumVoltage": n(200),
    }
    kind: Any = dc.DC_CPDReqEnergyTransferModeType
    if bpt:
        kind = dc.BPT_DC_CPDReqEnergyTransferModeType
        values |= {
            "EVMaximumDischargePower": n(11_000, 0),
            "EVMinimumDischargePower": n(100, 0),
            "EVMaximumDischargeCurrent": n(30),
            "EVMinimumDischargeCurrent": n(1),
        }
    values |= {name: n(value) for name, value in changes.items()}
    return lambda header: dc.DC_ChargeParameterDiscoveryReqType(
        Header=header, DC_CPDReqEnergyTransferMode=kind(**values, TargetSOC=80)
    )


def ac_parameters(bpt: bool = False, **changes: Any) -> Make:
    values: dict[str, Any] = {"EVMaximumChargePower": n(11_000, 0), "EVMinimumChargePower": n(1_380, 0)}
    kind: Any = ac.AC_CPDReqEnergyTransferModeType
    if bpt:
        kind = ac.BPT_AC_CPDReqEnergyTransferModeType
        values |= {"EVMaximumDischargePower": n(7_000, 0), "EVMinimumDischargePower": n(100, 0)}
    values |= {name: n(value, 0) for name, value in changes.items()}
    return lambda header: ac.AC_ChargeParameterDiscoveryReqType(
        Header=header, AC_CPDReqEnergyTransferMode=kind(**values)
    )


def schedule(dynamic: bool) -> Make:
    energy = {
        "EVTargetEnergyRequest": n(40_000, 0),
        "EVMaximumEnergyRequest": n(60_000, 0),
        "EVMinimumEnergyRequest": n(-20_000, 0),
    }
    if dynamic:
        return lambda header: common.ScheduleExchangeReqType(
            Header=header,
            MaximumSupportingPoints=1024,
            Dynamic_SEReqControlMode=common.Dynamic_SEReqControlModeType(
                DepartureTime=7200, MinimumSOC=30, TargetSOC=80, **energy
            ),
        )
    return lambda header: common.ScheduleExchangeReqType(
        Header=header,
        MaximumSupportingPoints=1024,
        Scheduled_SEReqControlMode=common.Scheduled_SEReqControlModeType(DepartureTime=7200, **energy),
    )


def cable_check(header: Any) -> Any:
    return dc.DC_CableCheckReqType(Header=header)


def pre_charge(header: Any, voltage: float = 700.0) -> Any:
    return dc.DC_PreChargeReqType(
        Header=header, EVProcessing="Ongoing", EVPresentVoltage=n(12), EVTargetVoltage=n(voltage)
    )


def profile(dynamic: bool, *entries: tuple[int, float], tuple_id: int = 1, tolerance: Any = None) -> Any:
    return common.EVPowerProfileType(
        TimeAnchor=0,
        Dynamic_EVPPTControlMode=common.Dynamic_EVPPTControlModeType() if dynamic else None,
        Scheduled_EVPPTControlMode=None
        if dynamic
        else common.Scheduled_EVPPTControlModeType(
            SelectedScheduleTupleID=tuple_id, PowerToleranceAcceptance=tolerance
        ),
        EVPowerProfileEntries=common.EVPowerProfileEntryListType(
            EVPowerProfileEntry=[
                common.PowerScheduleEntryType(Duration=duration, Power=n(power, 0))
                for duration, power in entries or ((3600, 11_000),)
            ]
        ),
    )


def power(progress: Any, made: Any = None, processing: Any = "Finished") -> Make:
    return lambda header: common.PowerDeliveryReqType(
        Header=header, EVProcessing=processing, ChargeProgress=progress, EVPowerProfile=made
    )


def display() -> Any:
    return common.DisplayParametersType(
        PresentSOC=41,
        MinimumSOC=20,
        TargetSOC=80,
        MaximumSOC=95,
        RemainingTimeToTargetSOC=1200,
        RemainingTimeToMaximumSOC=2400,
        ChargingComplete=False,
        BatteryEnergyCapacity=n(100_000, 0),
    )


def dc_loop(
    dynamic: bool = True, bpt: bool = False, meter: bool = False, current: float = 100.0, **changes: float
) -> Make:
    values: dict[str, Any] = {
        "EVMaximumChargePower": n(150_000, 0),
        "EVMinimumChargePower": n(100, 0),
        "EVMaximumChargeCurrent": n(300),
        "EVMaximumVoltage": n(850),
        "EVMinimumVoltage": n(200),
        "EVTargetEnergyRequest": n(40_000, 0),
        "EVMaximumEnergyRequest": n(60_000, 0),
        "EVMinimumEnergyRequest": n(-20_000, 0),
    }
    if bpt:
        values |= {
            "EVMaximumDischargePower": n(11_000, 0),
            "EVMinimumDischargePower": n(0, 0),
            "EVMaximumDischargeCurrent": n(30),
        }
    kind: Any
    if dynamic:
        kind = dc.BPT_Dynamic_DC_CLReqControlModeType if bpt else dc.Dynamic_DC_CLReqControlModeType
        values["DepartureTime"] = 7000
    else:
        kind = dc.BPT_Scheduled_DC_CLReqControlModeType if bpt else dc.Scheduled_DC_CLReqControlModeType
        values |= {"EVTargetCurrent": n(current), "EVTargetVoltage": n(800)}
    values |= {name: n(value) for name, value in changes.items()}
    return lambda header: dc.DC_ChargeLoopReqType(
        Header=header,
        DisplayParameters=display(),
        MeterInfoRequested=meter,
        EVPresentVoltage=n(698.5),
        CLReqControlMode=kind(**values),
    )


def ac_loop(dynamic: bool = True, bpt: bool = False, meter: bool = False) -> Make:
    values: dict[str, Any] = {
        "EVPresentActivePower": n(3_500, 0),
        "EVPresentActivePower_L2": n(3_400, 0),
        "EVPresentActivePower_L3": n(3_300, 0),
    }
    kind: Any
    if dynamic:
        kind = ac.BPT_Dynamic_AC_CLReqControlModeType if bpt else ac.Dynamic_AC_CLReqControlModeType
        values |= {
            "EVTargetEnergyRequest": n(40_000, 0),
            "EVMaximumEnergyRequest": n(60_000, 0),
            "EVMinimumEnergyRequest": n(-20_000, 0),
            "EVMaximumChargePower": n(11_000, 0),
            "EVMinimumChargePower": n(1_380, 0),
            "EVPresentReactivePower": n(0, 0),
        }
        if bpt:
            values |= {"EVMaximumDischargePower": n(7_000, 0), "EVMinimumDischargePower": n(0, 0)}
    else:
        kind = ac.BPT_Scheduled_AC_CLReqControlModeType if bpt else ac.Scheduled_AC_CLReqControlModeType
    return lambda header: ac.AC_ChargeLoopReqType(
        Header=header,
        DisplayParameters=display(),
        MeterInfoRequested=meter,
        CLReqControlMode=kind(**values),
    )


def metering(info: Any, session_id: bytes) -> Make:
    return lambda header: common.MeteringConfirmationReqType(
        Header=header,
        SignedMeteringData=common.SignedMeteringDataType(
            Id="id1",
            SessionID=session_id,
            MeterInfo=info,
            Dynamic_SMDTControlMode=common.Dynamic_SMDTControlModeType(),
        ),
    )


def welding(processing: Any = "Finished") -> Make:
    return lambda header: dc.DC_WeldingDetectionReqType(Header=header, EVProcessing=processing)


def stop(how: Any = "Terminate", code: str | None = None) -> Make:
    return lambda header: common.SessionStopReqType(
        Header=header, ChargingSession=how, EVTerminationCode=code
    )


def installation(header: Any) -> Any:
    return common.CertificateInstallationReqType(
        Header=header,
        OEMProvisioningCertificateChain=common.SignedCertificateChainType(Id="id1", Certificate=b"oem"),
        ListOfRootCertificateIDs=common.ListOfRootCertificateIDsType(
            RootCertificateID=[common.X509IssuerSerialType(X509IssuerName="CN=Root", X509SerialNumber=1)]
        ),
        MaximumContractCertificateChains=1,
    )


def all_of(kind: str, dynamic: bool = True, bpt: bool = False, service: int = 0) -> Mapping[str, Make]:
    """One request of each kind, as an EV of that kind sends it."""
    own = service or ((5 if bpt else 1) if kind == "AC" else (6 if bpt else 2))
    info = common.MeterInfoType(MeterID="m", ChargedEnergyReadingWh=1)
    return {
        "SessionSetupReq": setup,
        "AuthorizationSetupReq": authorization_setup,
        "CertificateInstallationReq": installation,
        "AuthorizationReq": authorization,
        "ServiceDiscoveryReq": discovery,
        "ServiceDetailReq": detail(own),
        "ServiceSelectionReq": selection(own, 1 if dynamic else 2),
        "AC_ChargeParameterDiscoveryReq": ac_parameters(bpt),
        "DC_ChargeParameterDiscoveryReq": dc_parameters(bpt),
        "ScheduleExchangeReq": schedule(dynamic),
        "DC_CableCheckReq": cable_check,
        "DC_PreChargeReq": pre_charge,
        "PowerDeliveryReq": power("Start", profile(dynamic)),
        "AC_ChargeLoopReq": ac_loop(dynamic, bpt),
        "DC_ChargeLoopReq": dc_loop(dynamic, bpt),
        "MeteringConfirmationReq": metering(info, bytes(8)),
        "DC_WeldingDetectionReq": welding(),
        "SessionStopReq": stop(),
    }


COMMON_STATES = (
    "WaitForSessionSetup",
    "WaitForAuthorizationSetup",
    "WaitForAuthorization",
    "WaitForServiceDiscovery",
    "WaitForServiceDetail",
    "WaitForServiceSelection",
    "WaitForChargeParameterDiscovery",
    "WaitForScheduleExchange",
)
AC_ORDER = (*COMMON_STATES, "WaitForPowerDelivery", "ChargeLoop", "WaitForSessionStop")
DC_ORDER = (
    *COMMON_STATES,
    "WaitForCableCheck",
    "WaitForPreCharge",
    "WaitForPowerDelivery",
    "ChargeLoop",
    "WaitForWeldingDetection",
    "WaitForSessionStop",
)


def walk(made: Rig20, state: str, **how: Any) -> Rig20:
    """Bring a session to a state in the ordinary way; ``how`` as for :func:`all_of`."""
    kind = "AC" if made.protocols[0] is AC_PROTOCOL else "DC"
    requests = all_of(kind, **how)
    before = {
        "WaitForSessionSetup": "SessionSetupReq",
        "WaitForAuthorizationSetup": "AuthorizationSetupReq",
        "WaitForAuthorization": "AuthorizationReq",
        "WaitForServiceDiscovery": "ServiceDiscoveryReq",
        "WaitForServiceDetail": "ServiceDetailReq",
        "WaitForServiceSelection": "ServiceSelectionReq",
        "WaitForChargeParameterDiscovery": f"{kind}_ChargeParameterDiscoveryReq",
        "WaitForScheduleExchange": "ScheduleExchangeReq",
        "WaitForCableCheck": "DC_CableCheckReq",
        "WaitForPreCharge": "DC_PreChargeReq",
        "WaitForPowerDelivery": "PowerDeliveryReq",
        "ChargeLoop": "",
        "WaitForWeldingDetection": "DC_WeldingDetectionReq",
    }
    while made.state != state:
        if made.state == "WaitForCableCheck":
            made.changed(pilot="C")
            made.ask(cable_check)
            made.changed(cable_check=True, contactor_closed=True)
        elif made.state == "WaitForPowerDelivery":
            made.changed(pilot="C", contactor_closed=kind == "DC")
            made.ask(requests["PowerDeliveryReq"])
            made.changed(contactor_closed=True)
            continue
        elif made.state == "ChargeLoop":
            made.ask(power("Stop"))
            made.changed(contactor_closed=False)
            continue
        made.ask(requests[before[made.state]])
    return made


PROTOCOL_ORDER = {
    kind: (
        "SessionSetupReq",
        "AuthorizationSetupReq",
        "AuthorizationReq",
        "ServiceDiscoveryReq",
        "ServiceDetailReq",
        "ServiceSelectionReq",
        f"{kind}_ChargeParameterDiscoveryReq",
        "ScheduleExchangeReq",
        *(("DC_CableCheckReq", "DC_PreChargeReq") if kind == "DC" else ()),
        "PowerDeliveryReq",
        f"{kind}_ChargeLoopReq",
    )
    for kind in ("AC", "DC")
}
"""Requests on the way to power and on, as an EV sends them."""
