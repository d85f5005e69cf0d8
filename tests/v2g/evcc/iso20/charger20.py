# ruff: noqa: N802 - answers are named as the requests
"""A charger of ISO 15118-20 out of a script, and the rig that lets an EV's core talk to it.

It shares nothing with :mod:`v2g.secc`: what it says is written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import v2gexi
from tests.v2g.evcc.charger import SESSION_ID
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import ISO_20_AC, ISO_20_DC, EnergyMode
from v2g.evcc import effects
from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.evcc.vehicle import Setup, Vehicle
from v2gexi import app, v2gtp
from v2gexi import iso20_ac as ac
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc

UNIX_S = 1_700_000_000
ANCHOR_S = 5_000
"""The charger's clock is wrong by years: what it says of time only fits itself."""
MODES = {
    "ac": (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE),
    "dc": (EnergyMode.DC_EXTENDED,),
    "mcs": (EnergyMode.MCS,),
}
SETS = {"v2gexi.iso20_ac": "iso20-ac", "v2gexi.iso20_dc": "iso20-dc"}
SERVICES = {"ac": (1, 5), "dc": (2, 6), "mcs": (8, 9)}


def n(value: float) -> Any:
    """A number."""
    if abs(value) > 32_000:
        return common.RationalNumberType(Exponent=3, Value=max(min(round(value / 1000), 32_767), -32_768))
    return common.RationalNumberType(Exponent=0, Value=round(value))


def name_of(body: Any) -> str:
    """A message's name."""
    return type(body).__name__.removesuffix("Type")


class Charger20:
    """Answers by request name.

    Attributes:
        script: by request ("DC_CableCheckReq"), what to do instead: a function of this charger and the
            request, that gives the response, bytes (sent as they are) or None (no answer at all).
        ongoing: how many times authorisation, schedules and cable check say Ongoing first.
        notification: EVSENotification of the charge loop; None: no EVSEStatus.
        sets: parameter sets of every service: id, control mode, mobility needs mode.
    """

    def __init__(self, kind: str = "dc") -> None:
        self.kind = kind
        self.dc = kind != "ac"
        self.script: dict[str, Callable[[Charger20, Any], Any]] = {}
        self.ongoing = 1
        self.notification: Any = None
        self.voltage_v = 0.0
        self.current_a = 0.0
        self.step_v = 1_000.0
        self.counts: dict[str, int] = {}
        self.session_id = SESSION_ID
        self.authorizations: Any = ["EIM"]
        self.certificates = False
        self.services: tuple[int, ...] = SERVICES[kind]
        self.sets: tuple[tuple[int, int, int], ...] = ((1, 2, 1), (2, 1, 1), (3, 2, 2))
        self.added: tuple[int, ...] = ()
        self.renegotiates_service = True
        self.service = 0
        self.dynamic = True
        self.go_to_pause: bool | None = None
        self.schedule: tuple[tuple[int, float], ...] = ((3_600, 20_000.0), (3_600, 10_000.0))
        self.phases_told = False
        self.clock_s = ANCHOR_S
        self.target_w: float | None = None
        self.meter: Any = None

    @property
    def both_ways(self) -> bool:
        """The selected service is bidirectional."""
        return self.service in (5, 6, 9)

    def answer(self, body: Any) -> Any:
        """The response to a request."""
        name = name_of(body)
        self.counts[name] = self.counts.get(name, 0) + 1
        if name in self.script:
            return self.script[name](self, body)
        return self.usual(name, body)

    def usual(self, name: str, body: Any) -> Any:
        """The answer without a script."""
        answers: Any = getattr(self, "_" + name)
        return answers(body)

    def count(self, name: str) -> int:
        """How many of these requests came."""
        return self.counts.get(name, 0)

    def header(self) -> Any:
        """A response's header."""
        return common.MessageHeaderType(SessionID=self.session_id, TimeStamp=self.clock_s)

    def status(self) -> Any:
        """EVSEStatus."""
        if self.notification is None:
            return None
        return common.EVSEStatusType(NotificationMaxDelay=0, EVSENotification=self.notification)

    def _ok(self, kind: Any, **values: Any) -> Any:
        return kind(**{"Header": self.header(), "ResponseCode": "OK"} | values)

    def _processing(self, name: str) -> Any:
        return "Ongoing" if self.count(name) <= self.ongoing else "Finished"

    # ------------------------------------------------------------------ answers

    def _SessionSetupReq(self, body: Any) -> Any:
        return self._ok(
            common.SessionSetupResType, ResponseCode="OK_NewSessionEstablished", EVSEID="DE*ABC*E1"
        )

    def _AuthorizationSetupReq(self, body: Any) -> Any:
        contract = "PnC" in self.authorizations
        return self._ok(
            common.AuthorizationSetupResType,
            AuthorizationServices=self.authorizations,
            CertificateInstallationService=self.certificates,
            EIM_ASResAuthorizationMode=None if contract else common.EIM_ASResAuthorizationModeType(),
            PnC_ASResAuthorizationMode=common.PnC_ASResAuthorizationModeType(GenChallenge=bytes(range(16)))
            if contract
            else None,
        )

    def _AuthorizationReq(self, body: Any) -> Any:
        return self._ok(common.AuthorizationResType, EVSEProcessing=self._processing("AuthorizationReq"))

    def _CertificateInstallationReq(self, body: Any) -> Any:
        return self.no_certificate("WARNING_NoCertificateAvailable")

    def no_certificate(self, code: str, processing: str = "Finished") -> Any:
        """A response without certificates."""
        return self._ok(
            common.CertificateInstallationResType,
            ResponseCode=code,
            EVSEProcessing=processing,
            CPSCertificateChain=common.CertificateChainType(Certificate=b""),
            SignedInstallationData=common.SignedInstallationDataType(
                Id="none",
                ContractCertificateChain=common.ContractCertificateChainType(
                    Certificate=b"", SubCertificates=common.SubCertificatesType(Certificate=[b""])
                ),
                ECDHCurve="SECP521",
                DHPublicKey=bytes(133),
                SECP521_EncryptedPrivateKey=bytes(94),
            ),
            RemainingContractCertificateChains=0,
        )

    def _ServiceDiscoveryReq(self, body: Any) -> Any:
        def listed(ids: tuple[int, ...]) -> Any:
            return common.ServiceListType(
                Service=[common.ServiceType(ServiceID=each, FreeService=False) for each in ids]
            )

        return self._ok(
            common.ServiceDiscoveryResType,
            ServiceRenegotiationSupported=self.renegotiates_service,
            EnergyTransferServiceList=listed(self.services),
            VASList=listed(self.added) if self.added else None,
        )

    def _ServiceDetailReq(self, body: Any) -> Any:
        return self._ok(
            common.ServiceDetailResType,
            ServiceID=body.ServiceID,
            ServiceParameterList=common.ServiceParameterListType(
                ParameterSet=[self.parameter_set(*each) for each in self.sets]
            ),
        )

    def parameter_set(self, number: int, control: int, needs: int) -> Any:
        """A parameter set."""
        values = {"Connector": 2, "ControlMode": control, "MobilityNeedsMode": needs, "Pricing": 0}
        if not self.dc:
            values["EVSENominalVoltage"] = 230
        return common.ParameterSetType(
            ParameterSetID=number,
            Parameter=[common.ParameterType(Name=name, intValue=value) for name, value in values.items()],
        )

    def _ServiceSelectionReq(self, body: Any) -> Any:
        selected = body.SelectedEnergyTransferService
        self.service = selected.ServiceID
        self.dynamic = {each[0]: each[1] for each in self.sets}[selected.ParameterSetID] == 2
        return self._ok(common.ServiceSelectionResType)

    def _AC_ChargeParameterDiscoveryReq(self, body: Any) -> Any:
        kind: Any = ac.AC_CPDResEnergyTransferModeType
        values = {
            "EVSEMaximumChargePower": n(11_000),
            "EVSEMinimumChargePower": n(1_380),
            "EVSENominalFrequency": n(50),
        }
        if self.both_ways:
            kind = ac.BPT_AC_CPDResEnergyTransferModeType
            values |= {"EVSEMaximumDischargePower": n(5_000), "EVSEMinimumDischargePower": n(0)}
        return self._ok(ac.AC_ChargeParameterDiscoveryResType, AC_CPDResEnergyTransferMode=kind(**values))

    def _DC_ChargeParameterDiscoveryReq(self, body: Any) -> Any:
        kind: Any = dc.DC_CPDResEnergyTransferModeType
        values = {
            "EVSEMaximumChargePower": n(30_000),
            "EVSEMinimumChargePower": n(100),
            "EVSEMaximumChargeCurrent": n(100),
            "EVSEMinimumChargeCurrent": n(1),
            "EVSEMaximumVoltage": n(1_000),
            "EVSEMinimumVoltage": n(150),
        }
        if self.both_ways:
            kind = dc.BPT_DC_CPDResEnergyTransferModeType
            values |= {
                "EVSEMaximumDischargePower": n(11_000),
                "EVSEMinimumDischargePower": n(0),
                "EVSEMaximumDischargeCurrent": n(30),
                "EVSEMinimumDischargeCurrent": n(0),
            }
        return self._ok(dc.DC_ChargeParameterDiscoveryResType, DC_CPDResEnergyTransferMode=kind(**values))

    def _ScheduleExchangeReq(self, body: Any) -> Any:
        return self._ok(
            common.ScheduleExchangeResType,
            EVSEProcessing=self._processing("ScheduleExchangeReq"),
            GoToPause=self.go_to_pause,
            Dynamic_SEResControlMode=common.Dynamic_SEResControlModeType() if self.dynamic else None,
            Scheduled_SEResControlMode=None if self.dynamic else self._tuples(),
        )

    def _tuples(self) -> Any:
        def entry(duration: int, power: float) -> Any:
            if not self.phases_told:
                return common.PowerScheduleEntryType(Duration=duration, Power=n(power))
            third = n(power / 3)
            return common.PowerScheduleEntryType(
                Duration=duration, Power=third, Power_L2=third, Power_L3=third
            )

        return common.Scheduled_SEResControlModeType(
            ScheduleTuple=[
                common.ScheduleTupleType(
                    ScheduleTupleID=7,
                    ChargingSchedule=common.ChargingScheduleType(
                        PowerSchedule=common.PowerScheduleType(
                            TimeAnchor=ANCHOR_S,
                            PowerScheduleEntries=common.PowerScheduleEntryListType(
                                PowerScheduleEntry=[entry(*each) for each in self.schedule]
                            ),
                        )
                    ),
                )
            ]
        )

    def _DC_CableCheckReq(self, body: Any) -> Any:
        return self._ok(dc.DC_CableCheckResType, EVSEProcessing=self._processing("DC_CableCheckReq"))

    def _DC_PreChargeReq(self, body: Any) -> Any:
        target = body.EVTargetVoltage.Value * 10.0**body.EVTargetVoltage.Exponent
        self.voltage_v = min(target, self.voltage_v + self.step_v)
        return self._ok(dc.DC_PreChargeResType, EVSEPresentVoltage=n(self.voltage_v))

    def _PowerDeliveryReq(self, body: Any) -> Any:
        if body.ChargeProgress == "Stop":
            self.voltage_v = self.current_a = 0.0
        return self._ok(common.PowerDeliveryResType, EVSEStatus=self.status())

    def _DC_ChargeLoopReq(self, body: Any) -> Any:
        mode = body.CLReqControlMode
        wanted = mode.EVMaximumChargeCurrent if self.dynamic else mode.EVTargetCurrent
        self.current_a = wanted.Value * 10.0**wanted.Exponent
        kind: Any
        values: dict[str, Any] = {}
        if self.dynamic:
            kind = dc.Dynamic_DC_CLResControlModeType
            values = {
                "EVSEMaximumChargePower": n(30_000),
                "EVSEMinimumChargePower": n(100),
                "EVSEMaximumChargeCurrent": n(100),
                "EVSEMaximumVoltage": n(1_000),
            }
            if self.both_ways:
                kind = dc.BPT_Dynamic_DC_CLResControlModeType
                values |= {
                    "EVSEMaximumDischargePower": n(11_000),
                    "EVSEMinimumDischargePower": n(0),
                    "EVSEMaximumDischargeCurrent": n(30),
                    "EVSEMinimumVoltage": n(150),
                }
        else:
            kind = (
                dc.BPT_Scheduled_DC_CLResControlModeType
                if self.both_ways
                else dc.Scheduled_DC_CLResControlModeType
            )
        return self._ok(
            dc.DC_ChargeLoopResType,
            EVSEStatus=self.status(),
            MeterInfo=self.meter if body.MeterInfoRequested else None,
            EVSEPresentCurrent=n(self.current_a),
            EVSEPresentVoltage=n(self.voltage_v),
            EVSEPowerLimitAchieved=False,
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            CLResControlMode=kind(**values),
        )

    def _AC_ChargeLoopReq(self, body: Any) -> Any:
        kinds: dict[tuple[bool, bool], Any] = {
            (True, True): ac.BPT_Dynamic_AC_CLResControlModeType,
            (True, False): ac.Dynamic_AC_CLResControlModeType,
            (False, True): ac.BPT_Scheduled_AC_CLResControlModeType,
            (False, False): ac.Scheduled_AC_CLResControlModeType,
        }
        target = self.target_w
        if target is None and self.dynamic:
            target = 11_000.0
        return self._ok(
            ac.AC_ChargeLoopResType,
            EVSEStatus=self.status(),
            MeterInfo=self.meter if body.MeterInfoRequested else None,
            CLResControlMode=kinds[self.dynamic, self.both_ways](
                EVSETargetActivePower=None if target is None else n(target)
            ),
        )

    def _MeteringConfirmationReq(self, body: Any) -> Any:
        self.notification = None
        return self._ok(common.MeteringConfirmationResType)

    def _DC_WeldingDetectionReq(self, body: Any) -> Any:
        return self._ok(dc.DC_WeldingDetectionResType, EVSEPresentVoltage=n(self.voltage_v))

    def _SessionStopReq(self, body: Any) -> Any:
        return self._ok(common.SessionStopResType)


Answer = Callable[[Charger20, Any], Any]


def changed(after: int = 0, **values: Any) -> Answer:
    """The usual answer with these values, after so many ordinary ones."""

    def answer(charger: Charger20, body: Any) -> Any:
        name = name_of(body)
        response = charger.usual(name, body)
        if charger.count(name) > after:
            for field, value in values.items():
                setattr(response, field, value)
        return response

    return answer


def failing(code: str, after: int = 0) -> Answer:
    """The usual answer with this code."""
    return changed(after, ResponseCode=code)


def silent(after: int = 0) -> Answer:
    """No answer, after so many good ones."""

    def answer(charger: Charger20, body: Any) -> Any:
        name = name_of(body)
        return charger.usual(name, body) if charger.count(name) <= after else None

    return answer


def notifying(notification: str, after: int = 0) -> Answer:
    """The charge loop's usual answer with a notification, once."""

    def answer(charger: Charger20, body: Any) -> Any:
        name = name_of(body)
        charger.notification = notification if charger.count(name) == after + 1 else None
        return charger.usual(name, body)

    return answer


class Rig20(Rig):
    """A rig whose messages have no bodies apart."""

    side_stream = 0
    """Payload type of the last request, if it was not the message set's own."""

    def frame(self, body: Any, session_id: bytes | None = None) -> bytes:
        """A response as the charger sends it, in the payload type of its request."""
        if session_id is not None:
            body.Header.SessionID = session_id
        message_set = SETS.get(type(body).__module__, "iso20-common")
        kind = self.side_stream or v2gtp.PAYLOAD_TYPES[message_set]
        return v2gtp.pack(v2gexi.encode(body, message_set, lenient=True), kind)

    def _request(self, seen: effects.MessageSeen) -> None:
        if seen.name == "supportedAppProtocolReq":
            answer = app.supportedAppProtocolRes(ResponseCode="OK_SuccessfulNegotiation", SchemaID=0)
            data: Any = v2gtp.pack(v2gexi.encode(answer, "app"))
        else:
            self.side_stream = seen.payload_type if seen.payload_type > v2gtp.PayloadType.WPT else 0
            self.sent.append(seen.message)
            body = self.charger.answer(seen.message)
            data = body if isinstance(body, bytes | None) else self.frame(body)
        if data:
            self.at(self.answer_ms, lambda: self.data(data))

    def last(self, name: str) -> Any:
        """The last request of a name."""
        return next(each for each in reversed(self.sent) if name_of(each) == name)


def car(kind: str = "dc", *, setup: dict[str, Any] | None = None, **facts: Any) -> Vehicle:
    """An EV."""
    namespace = ISO_20_AC if kind == "ac" else ISO_20_DC
    return Vehicle(
        setup=Setup(
            protocols=(namespace,), energy_modes=MODES[kind], **({"iso20_without_tls": True} | (setup or {}))
        ),
        **facts,
    )


def session(kind: str = "dc", vehicle: Vehicle | None = None, **more: Any) -> Any:
    """A session with a scripted charger; a rig."""
    protocol = AC_PROTOCOL if kind == "ac" else DC_PROTOCOL
    charger: Any = Charger20(kind)
    return Rig20(protocol, charger, vehicle or car(kind, setup=more.pop("setup", None)), **more)
