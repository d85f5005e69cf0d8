"""customer.json: OCPP (guide 14.1 Table 48, 3.3.3 Table 2, 3.3.7, 3.3.8 Table 9).

Where Table 6 and Table 48 disagree on a default, Table 6 counts for a missing key and Table 48 for the
shipped file. Where they disagree on writing over OCPP, Table 48 counts.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys.make import boolean, choice, integer, text
from chargectl.declarations.types import ConfigFile, Key, KeyType

_T48: Final = "14.1, Table 48"
_T2: Final = "3.3.3, Table 2"
_T6: Final = "3.3.7, Table 6"
_T9: Final = "3.3.8.1, Table 9"
_ON: Final = "with ocpp/enable"

MEASURANDS: Final[tuple[str, ...]] = (
    "Voltage",
    "Voltage.L1-N",
    "Voltage.L2-N",
    "Voltage.L3-N",
    "Frequency",
    "Current.Import",
    "Current.Import.L1",
    "Current.Import.L2",
    "Current.Import.L3",
    "Power.Active.Import",
    "Power.Active.Import.L1",
    "Power.Active.Import.L2",
    "Power.Active.Import.L3",
    "Energy.Active.Import.Register",
    "Current.Offered",
    "Current.Offered.L1",
    "Current.Offered.L2",
    "Current.Offered.L3",
    "Power.Offered",
)
"""Measurands with their phases (guide 3.3.6)."""


def _measurands(path: str, default: list[str], meaning: str, section: str) -> Key:
    return Key(
        ConfigFile.CUSTOMER,
        path,
        KeyType.STRINGS,
        [*default],
        meaning,
        section,
        allowed=MEASURANDS,
        applies=_ON,
    )


KEYS: Final[tuple[Key, ...]] = (
    boolean("ocpp/enable", False, "Whether the OCPP client runs.", _T48, ocpp_writable=False),
    text(
        "ocpp/uri",
        None,
        "WebSocket URI of the charge point at the central system; begins with ws:// or wss:// in lower case.",
        _T48,
        ocpp_writable=False,
        applies=_ON,
        default_meaning="OCPP cannot connect",
    ),
    boolean(
        "ocpp/verifyCert",
        True,
        "Whether the server's TLS certificate is verified; switching it off is not recommended.",
        _T48,
        applies="with a wss:// uri",
        ocpp_writable=False,
    ),
    boolean("ocpp/rfidStopTransaction", True, "Whether the same tag ends the charge.", _T48, applies=_ON),
    boolean(
        "ocpp/rfidRequiresEvPresent",
        False,
        "Whether a tag counts only while an EV is plugged in.",
        _T48,
        applies=_ON,
    ),
    text(
        "ocpp/chargePointModel",
        None,
        "Model of the charge point in BootNotification.",
        _T48,
        maximum_size=20,
        ocpp_writable=False,
        applies=_ON,
        default_meaning="empty",
    ),
    text(
        "ocpp/chargePointVendor",
        None,
        "Vendor of the charge point in BootNotification.",
        _T48,
        maximum_size=20,
        ocpp_writable=False,
        applies=_ON,
        default_meaning="empty",
    ),
    text(
        "ocpp/chargePointSerialNumber",
        None,
        "Serial number of the charge point in BootNotification.",
        _T48,
        maximum_size=25,
        ocpp_writable=False,
        applies=_ON,
        default_meaning="not sent",
    ),
    boolean(
        "ocpp/ftpTryTLSUpgrade",
        False,
        "Whether FTP transfers of firmware and diagnostics are encrypted when the server offers it.",
        _T48,
        applies=_ON,
    ),
    boolean(
        "ocpp/AllowOfflineTxForUnknownId",
        False,
        "Whether unknown tags may charge while offline.",
        _T48,
        applies=_ON,
    ),
    boolean(
        "ocpp/allowTxWithInvalidTime",
        False,
        "Whether charging may start before the clock was set; such transactions are not forwarded.",
        _T48,
        applies=_ON,
    ),
    boolean(
        "ocpp/AuthorizationCacheEnabled", True, "Whether the authorization cache is used.", _T48, applies=_ON
    ),
    boolean(
        "ocpp/AuthorizeRemoteTxRequests",
        False,
        "true: the idTag of a remote start is authorized first; false: charging starts at once.",
        _T48,
        applies=_ON,
    ),
    choice(
        "ocpp/calibrationLawFormat",
        "ocmf,plain",
        ("ocmf,plain", "ocmf,hex"),
        "Format of signed meter values.",
        _T48,
        applies="with ocpp/enable and a meter for Eichrecht",
    ),
    integer(
        "ocpp/ClockAlignedDataInterval",
        0,
        "Interval of clock-aligned meter values over the day, s; 0: none.",
        _T48,
        minimum=10,
        maximum=86400,
        also_allowed=(0,),
        applies=_ON,
    ),
    integer(
        "ocpp/ConnectionTimeOut",
        60,
        "How long an authorization waits for the EV to be plugged in, s; 0: for ever.",
        _T48,
        minimum=10,
        also_allowed=(0,),
        applies=_ON,
    ),
    boolean(
        "ocpp/LocalAuthListEnabled", True, "Whether the local authorization list is used.", _T48, applies=_ON
    ),
    boolean(
        "ocpp/LocalPreAuthorize",
        True,
        "Whether a tag known locally starts charging without waiting for the central system.",
        _T48,
        applies=_ON,
    ),
    boolean(
        "ocpp/LocalAuthorizeOffline",
        False,
        "Whether tags known locally may charge while offline.",
        _T48,
        applies=_ON,
        shipped=True,
    ),
    integer(
        "ocpp/MeterValueSampleInterval",
        30,
        "Interval of sampled meter values, s; 0: none.",
        _T48,
        minimum=10,
        maximum=86400,
        also_allowed=(0,),
        applies=_ON,
        shipped=60,
    ),
    _measurands(
        "ocpp/MeterValuesSampledData",
        ["Energy.Active.Import.Register"],
        "Measurands of the sampled meter values during a charge.",
        _T48,
    ),
    _measurands("ocpp/MeterValuesAlignedData", [], "Measurands of the clock-aligned meter values.", _T6),
    boolean(
        "ocpp/StopTransactionOnInvalidId",
        True,
        "Whether a charge ends when the central system does not accept its tag.",
        _T48,
        applies=_ON,
    ),
    _measurands("ocpp/StopTxnSampledData", [], "Sampled measurands in the message that ends a charge.", _T48),
    _measurands(
        "ocpp/StopTxnAlignedData", [], "Clock-aligned measurands in the message that ends a charge.", _T6
    ),
    integer(
        "ocpp/TransactionMessageAttempts",
        3,
        "How often a transaction message is sent when the central system fails to process it.",
        _T48,
        minimum=0,
        applies=_ON,
    ),
    integer(
        "ocpp/TransactionMessageRetryInterval",
        30,
        "Pause before a transaction message is sent again, s.",
        _T48,
        minimum=0,
        applies=_ON,
    ),
    boolean("ocpp/useAsTimeSource", True, "Whether the central system sets the clock.", _T48, applies=_ON),
    boolean(
        "ocpp/bootNotificationOnReconnect",
        False,
        "Whether BootNotification is sent after each reconnect; against OCPP 1.6, for backends that need it.",
        _T48,
        applies=_ON,
    ),
    boolean(
        "ocpp/sendMeterPublicKeyOnBootNotification",
        True,
        "Whether the meter's public key follows each BootNotification.",
        _T6,
        applies="with ocpp/enable and a meter for Eichrecht",
    ),
    integer(
        "ocpp/WebSocketPingInterval",
        0,
        "Interval of WebSocket pings to the central system, s; 0: none.",
        _T2,
        minimum=0,
        applies=_ON,
    ),
    integer(
        "ocpp/webSocketPingTimeout",
        120,
        "How long a ping's answer may take before the station goes offline, s.",
        _T2,
        minimum=1,
        applies="with a WebSocketPingInterval other than 0",
    ),
    Key(
        ConfigFile.CUSTOMER,
        "ocpp/csDataTransfers",
        KeyType.OBJECTS,
        [],
        "DataTransfer messages of the central system that are passed on to MQTT; all others are rejected.",
        _T9,
        applies=_ON,
    ),
    text(
        "ocpp/csDataTransfers[]/vendorId",
        None,
        "vendorId of the message.",
        _T9,
        applies=_ON,
        default_meaning="the item does nothing",
    ),
    text(
        "ocpp/csDataTransfers[]/messageId",
        None,
        "messageId of the message.",
        _T9,
        applies=_ON,
        default_meaning="every messageId of the vendor",
    ),
    integer(
        "ocpp/csDataTransfers[]/confirmTimeout",
        1,
        "How long the answer over MQTT may take, s.",
        _T9,
        minimum=1,
        maximum=60,
        applies=_ON,
    ),
)
