# ruff: noqa: N802 - answers are named as the requests
"""A charger out of a script: well-behaved answers to an EV's requests, each of which a test can replace.

It shares nothing with :mod:`v2g.secc`: what it says is written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from v2gexi import din, iso2

SESSION_ID = bytes.fromhex("a1b2c3d4e5f60718")


def name_of(body: Any) -> str:
    """A request's name; DIN SPEC 70121 has one type that is not named like its element."""
    name = type(body).__name__.removesuffix("Type")
    return "SessionStopReq" if name == "SessionStop" else name


class Charger:
    """Answers by request name.

    Attributes:
        script: by request ("CableCheckReq"), what to do instead: a function of this charger and the request,
            that gives the response's body, bytes (sent as they are) or None (no answer at all).
        ongoing: how many times authorisation, parameters and cable check say Ongoing first.
        status: EVSEStatusCode of every DC status; ``notification`` likewise.
        voltage_v, current_a: what is measured.
    """

    def __init__(self, module: Any = din, *, dc: bool = True) -> None:
        self.module = module
        self.dc = dc
        self.script: dict[str, Callable[[Charger, Any], Any]] = {}
        self.ongoing = 1
        self.status = "EVSE_Ready"
        self.isolation: str | None = "Valid"
        self.notification: Any = "None"
        self.rcd = False
        self.voltage_v = 0
        self.current_a = 0
        self.counts: dict[str, int] = {}
        self.session_id = SESSION_ID
        self.payments = ["ExternalPayment"]
        self.services: Any = None
        self.meter: Any = None
        self.receipt: bool | None = None
        self.step_v = 1_000
        """Volts by which the output comes nearer to the target with each PreChargeReq."""

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

    # ------------------------------------------------------------------ parts

    def physical(self, unit: str, value: int) -> Any:
        """A value."""
        return self.module.PhysicalValueType(Multiplier=0, Unit=unit, Value=value)

    def dc_status(self) -> Any:
        """The DC status."""
        return self.module.DC_EVSEStatusType(
            NotificationMaxDelay=0,
            EVSENotification=self.notification,
            EVSEIsolationStatus=self.isolation,
            EVSEStatusCode=self.status,
        )

    def any_status(self) -> Any:
        """The status of this charger's kind."""
        if self.dc:
            return self.dc_status()
        return iso2.AC_EVSEStatusType(
            NotificationMaxDelay=0, EVSENotification=self.notification, RCD=self.rcd
        )

    def _processing(self, name: str) -> Any:
        return "Ongoing" if self.count(name) <= self.ongoing else "Finished"

    # ------------------------------------------------------------------ answers

    def _SessionSetupReq(self, body: Any) -> Any:
        evse_id: Any = b"\x01" if self.module is din else "DE*ABC*E1"
        return self.module.SessionSetupResType(ResponseCode="OK_NewSessionEstablished", EVSEID=evse_id)

    def _ServiceDiscoveryReq(self, body: Any) -> Any:
        if self.module is din:
            return din.ServiceDiscoveryResType(
                ResponseCode="OK",
                PaymentOptions=din.PaymentOptionsType(PaymentOption=["ExternalPayment"]),
                ChargeService=din.ServiceChargeType(
                    ServiceTag=din.ServiceTagType(ServiceID=3, ServiceCategory="EVCharging"),
                    FreeService=False,
                    EnergyTransferType="DC_extended",
                ),
            )
        payments: Any = self.payments
        return iso2.ServiceDiscoveryResType(
            ResponseCode="OK",
            PaymentOptionList=iso2.PaymentOptionListType(PaymentOption=payments),
            ChargeService=iso2.ChargeServiceType(
                ServiceID=3,
                ServiceCategory="EVCharging",
                FreeService=False,
                SupportedEnergyTransferMode=iso2.SupportedEnergyTransferModeType(
                    EnergyTransferMode=["DC_extended"] if self.dc else ["AC_three_phase_core"]
                ),
            ),
            ServiceList=self.services,
        )

    def _ServicePaymentSelectionReq(self, body: Any) -> Any:
        return din.ServicePaymentSelectionResType(ResponseCode="OK")

    def _PaymentServiceSelectionReq(self, body: Any) -> Any:
        return iso2.PaymentServiceSelectionResType(ResponseCode="OK")

    def _ContractAuthenticationReq(self, body: Any) -> Any:
        return din.ContractAuthenticationResType(
            ResponseCode="OK", EVSEProcessing=self._processing("ContractAuthenticationReq")
        )

    def _AuthorizationReq(self, body: Any) -> Any:
        return iso2.AuthorizationResType(
            ResponseCode="OK", EVSEProcessing=self._processing("AuthorizationReq")
        )

    def _PaymentDetailsReq(self, body: Any) -> Any:
        return iso2.PaymentDetailsResType(ResponseCode="OK", GenChallenge=bytes(range(16)), EVSETimeStamp=1)

    def _ServiceDetailReq(self, body: Any) -> Any:
        return iso2.ServiceDetailResType(
            ResponseCode="OK",
            ServiceID=body.ServiceID,
            ServiceParameterList=iso2.ServiceParameterListType(
                ParameterSet=[
                    iso2.ParameterSetType(
                        ParameterSetID=number,
                        Parameter=[iso2.ParameterType(Name="Service", stringValue=name)],
                    )
                    for number, name in ((1, "Installation"), (2, "Update"))
                ]
            ),
        )

    def _ChargeParameterDiscoveryReq(self, body: Any) -> Any:
        module = self.module
        if module is din:
            entry: Any = din.PMaxScheduleEntryType(
                TimeInterval=din.RelativeTimeIntervalType(start=0), PMax=20_000
            )
            schedule: Any = din.PMaxScheduleType(PMaxScheduleID=1, PMaxScheduleEntry=[entry])
        else:
            entry = iso2.PMaxScheduleEntryType(
                TimeInterval=iso2.RelativeTimeIntervalType(start=0), PMax=self.physical("W", 20_000)
            )
            schedule = iso2.PMaxScheduleType(PMaxScheduleEntry=[entry])
        schedules = module.SAScheduleListType(
            SAScheduleTuple=[module.SAScheduleTupleType(SAScheduleTupleID=7, PMaxSchedule=schedule)]
        )
        return module.ChargeParameterDiscoveryResType(
            ResponseCode="OK",
            EVSEProcessing=self._processing("ChargeParameterDiscoveryReq"),
            SASchedules=schedules,
            EVSEChargeParameter=self.parameter(),
        )

    def parameter(self) -> Any:
        """The charge parameter."""
        if not self.dc:
            return iso2.AC_EVSEChargeParameterType(
                AC_EVSEStatus=self.any_status(),
                EVSENominalVoltage=self.physical("V", 230),
                EVSEMaxCurrent=self.physical("A", 16),
            )
        return self.module.DC_EVSEChargeParameterType(
            DC_EVSEStatus=self.dc_status(),
            EVSEMaximumCurrentLimit=self.physical("A", 100),
            EVSEMaximumPowerLimit=self.physical("W", 30_000),
            EVSEMaximumVoltageLimit=self.physical("V", 500),
            EVSEMinimumCurrentLimit=self.physical("A", 1),
            EVSEMinimumVoltageLimit=self.physical("V", 150),
            EVSEPeakCurrentRipple=self.physical("A", 2),
        )

    def _CableCheckReq(self, body: Any) -> Any:
        return self.module.CableCheckResType(
            ResponseCode="OK",
            DC_EVSEStatus=self.dc_status(),
            EVSEProcessing=self._processing("CableCheckReq"),
        )

    def _PreChargeReq(self, body: Any) -> Any:
        target = round(body.EVTargetVoltage.Value * 10.0**body.EVTargetVoltage.Multiplier)
        self.voltage_v = min(target, self.voltage_v + self.step_v)
        return self.module.PreChargeResType(
            ResponseCode="OK",
            DC_EVSEStatus=self.dc_status(),
            EVSEPresentVoltage=self.physical("V", self.voltage_v),
        )

    def _PowerDeliveryReq(self, body: Any) -> Any:
        starts = body.ReadyToChargeState if self.module is din else body.ChargeProgress == "Start"
        if not starts:
            self.voltage_v = self.current_a = 0
        return self.module.PowerDeliveryResType(ResponseCode="OK", EVSEStatus=self.any_status())

    def _CurrentDemandReq(self, body: Any) -> Any:
        self.current_a = round(body.EVTargetCurrent.Value * 10.0**body.EVTargetCurrent.Multiplier)
        more: dict[str, Any] = {}
        if self.module is iso2:
            more = {
                "EVSEID": "DE*ABC*E1",
                "SAScheduleTupleID": 7,
                "MeterInfo": self.meter,
                "ReceiptRequired": self.receipt,
            }
        return self.module.CurrentDemandResType(
            ResponseCode="OK",
            DC_EVSEStatus=self.dc_status(),
            EVSEPresentVoltage=self.physical("V", self.voltage_v),
            EVSEPresentCurrent=self.physical("A", self.current_a),
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            EVSEPowerLimitAchieved=False,
            **more,
        )

    def _ChargingStatusReq(self, body: Any) -> Any:
        return iso2.ChargingStatusResType(
            ResponseCode="OK",
            EVSEID="DE*ABC*E1",
            SAScheduleTupleID=7,
            MeterInfo=self.meter,
            ReceiptRequired=self.receipt,
            AC_EVSEStatus=self.any_status(),
        )

    def _MeteringReceiptReq(self, body: Any) -> Any:
        return iso2.MeteringReceiptResType(ResponseCode="OK", EVSEStatus=self.any_status())

    def _WeldingDetectionReq(self, body: Any) -> Any:
        return self.module.WeldingDetectionResType(
            ResponseCode="OK",
            DC_EVSEStatus=self.dc_status(),
            EVSEPresentVoltage=self.physical("V", self.voltage_v),
        )

    def _SessionStopReq(self, body: Any) -> Any:
        return self.module.SessionStopResType(ResponseCode="OK")


def failing(code: str, after: int = 0) -> Callable[[Charger, Any], Any]:
    """The usual answer with this code, after so many good ones."""

    def answer(charger: Charger, body: Any) -> Any:
        name = name_of(body)
        response = charger.usual(name, body)
        if charger.count(name) > after:
            response.ResponseCode = code
        return response

    return answer


def silent(after: int = 0) -> Callable[[Charger, Any], Any]:
    """No answer, after so many good ones."""

    def answer(charger: Charger, body: Any) -> Any:
        name = name_of(body)
        return charger.usual(name, body) if charger.count(name) <= after else None

    return answer


def reporting(status: str, after: int = 0) -> Callable[[Charger, Any], Any]:
    """Another EVSEStatusCode, after so many good answers."""

    def answer(charger: Charger, body: Any) -> Any:
        name = name_of(body)
        if charger.count(name) > after:
            charger.status = status
        return charger.usual(name, body)

    return answer
