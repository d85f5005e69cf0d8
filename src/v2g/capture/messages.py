"""What matters of a V2G message: the values people look for, by the standards' names, and no more."""

from __future__ import annotations

from typing import Any, Final

from v2g.capture.events import Value
from v2gexi.message import Message

NAMED: Final = frozenset(
    (
        "ResponseCode",
        "EVSEProcessing",
        "EVProcessing",
        "Processing",
        "EVCCID",
        "EVSEID",
        "eMAID",
        "EMAID",
        "DateTimeNow",
        "EVSETimeStamp",
        "PaymentOption",
        "PaymentOptions",
        "SelectedPaymentOption",
        "AuthorizationServices",
        "SelectedAuthorizationService",
        "CertificateInstallationService",
        "RequestedEnergyTransferMode",
        "EVRequestedEnergyTransferType",
        "SupportedEnergyTransferMode",
        "EnergyTransferType",
        "EnergyTransferMode",
        "ServiceID",
        "ServiceName",
        "ParameterSetID",
        "FreeService",
        "MaxEntriesSAScheduleTuple",
        "SAScheduleTupleID",
        "ReadyToChargeState",
        "ChargeProgress",
        "ChargingComplete",
        "BulkChargingComplete",
        "BulkSOC",
        "FullSOC",
        "MaximumSOC",
        "MinimumSOC",
        "TargetSOC",
        "ChargingSession",
        "EVTerminationCode",
        "EVTerminationExplanation",
        "DepartureTime",
        "RemainingTimeToFullSoC",
        "RemainingTimeToBulkSoC",
        "EVReady",
        "EVErrorCode",
        "EVRESSSOC",
        "PresentSOC",
        "EVSEIsolationStatus",
        "EVSEStatusCode",
        "EVSENotification",
        "NotificationMaxDelay",
        "EVSECurrentLimitAchieved",
        "EVSEVoltageLimitAchieved",
        "EVSEPowerLimitAchieved",
        "EVSEMaxCurrent",
        "RCD",
        "ReceiptRequired",
        "MeterID",
        "MeterReading",
        "ChargedEnergyReadingWh",
        "FaultCode",
        "FaultMsg",
    )
)
"""Elements whose texts, numbers and flags are shown. Physical values and rational numbers all are."""
SKIPPED: Final = frozenset(
    (
        "SASchedules",
        "SAScheduleList",
        "SalesTariff",
        "ScheduleList",
        "ChargingProfile",
        "EVPowerProfile",
        "EVEnergyOffer",
        "AbsolutePriceSchedule",
        "PriceLevelSchedule",
        "ContractSignatureCertChain",
        "ContractCertificateChain",
        "CertificateChain",
        "Signature",
        "ListOfRootCertificateIDs",
    )
)
"""Elements that are too long for a line; ``v2gexi`` shows them."""
RENAMED: Final = {"EVRESSSOC": "SoC", "PresentSOC": "SoC"}
"""The state of charge has another name in each standard."""
QUIET: Final[dict[str, Value]] = {
    "EVErrorCode": "NO_ERROR",
    "EVSENotification": "None",
    "NotificationMaxDelay": 0,
    "EVReady": True,
    "FreeService": False,
    "EVSECurrentLimitAchieved": False,
    "EVSEVoltageLimitAchieved": False,
    "EVSEPowerLimitAchieved": False,
    "BulkChargingComplete": False,
    "ChargingComplete": False,
    "MaxEntriesSAScheduleTuple": 0,
}
"""Values that say that nothing is the matter: timelines leave them out."""
_UNITS: Final = (
    ("Voltage", "V"),
    ("Current", "A"),
    ("ReactivePower", "var"),
    ("Power", "W"),
    ("Energy", "Wh"),
    ("SOC", "%"),
    ("SoC", "%"),
    ("attenuation", "dB"),
    ("_ms", "ms"),
    ("Frequency", "Hz"),
)
_BEFORE_UNIT: Final = ("Ripple", "Limit", "Request", "_L2", "_L3")


def unit_of(name: str) -> str:
    """The unit of a number by its element's name; empty if it has none."""
    if name.startswith("RemainingTime"):
        return "s"
    for ending in _BEFORE_UNIT:
        name = name.removesuffix(ending)
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), "")


def body_of(message: Any) -> Any:
    """The part of a message that its name tells: its body's element in DIN SPEC 70121 and ISO 15118-2."""
    body = getattr(message, "Body", None)
    return message if body is None else getattr(body, "BodyElement", None)


def values_of(message: Any) -> dict[str, Value]:
    """The values of a message that matter. Of an element that stands there several times, all, as a list."""
    values: dict[str, Value] = {}
    header = getattr(message, "Header", None)
    notification = getattr(header, "Notification", None)
    if isinstance(notification, Message):
        _collect(notification, values)
    body = body_of(message)
    if isinstance(body, Message):
        _collect(body, values)
    return values


def session_id_of(message: Any) -> bytes:
    """The session id of a message's header; empty in the handshake."""
    found = getattr(getattr(message, "Header", None), "SessionID", None)
    return found if isinstance(found, bytes) else b""


def handshake_values(message: Any, offered: dict[int, str]) -> dict[str, Value]:
    """The values of a handshake: what the car offers, or which of the ``offered`` the station takes.

    A request fills ``offered`` (protocols by SchemaID)."""
    protocols = getattr(message, "AppProtocol", None)
    if protocols is None:
        values: dict[str, Value] = {"ResponseCode": str(message.ResponseCode)}
        chosen = message.SchemaID
        if chosen is None and len(offered) == 1:
            chosen = next(iter(offered))
        if chosen is not None:
            values["SchemaID"] = chosen
            values["protocol"] = offered.get(chosen, "none of those offered")
        return values
    offered.clear()
    names = []
    for each in sorted(protocols, key=lambda protocol: int(protocol.Priority)):
        name = f"{each.ProtocolNamespace} {each.VersionNumberMajor}.{each.VersionNumberMinor}"
        offered[each.SchemaID] = name
        names.append(name)
    return {"protocols": names}


def _collect(owner: Message, values: dict[str, Value]) -> None:
    for name in owner._slots:
        value = getattr(owner, name)
        if value is None or name in SKIPPED or name == "Header":
            continue
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Message):
                number = _number(each)
                if number is None:
                    _collect(each, values)
                else:
                    _put(values, name, number)
            elif name in NAMED and isinstance(each, str | int | float | bytes):
                _put(values, RENAMED.get(name, name), each)


def _put(values: dict[str, Value], name: str, value: str | float | bytes) -> None:
    known = values.get(name)
    if known is None:
        values[name] = value
    elif isinstance(known, list):
        known.append(str(value))
    elif known != value:
        values[name] = [str(known), str(value)]


def _number(value: Message) -> float | None:
    """A ``PhysicalValueType`` or ``RationalNumberType``; None: it is neither."""
    exponent = getattr(value, "Multiplier", None)
    if exponent is None:
        exponent = getattr(value, "Exponent", None)
    number = getattr(value, "Value", None)
    if not isinstance(number, int) or not isinstance(exponent, int):
        return None
    # Tenths of a volt are written as tenths: 3999 · 10⁻¹ is 399.9 and not 399.90000000000003.
    return number * 10.0**exponent if exponent >= 0 else number / 10.0**-exponent
