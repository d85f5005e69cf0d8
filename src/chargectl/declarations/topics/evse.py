"""Parameters of a high-level session that the charging station's owner supplies (guide 15.5.3 to 15.5.6).

Nothing here needs to be published: without it the configured values apply. Enumerations are written as
the numbers of ISO 15118-2.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Direction, Payload, Topic

PHYSICAL_VALUE: Final = (
    '{"Multiplier": -3..3, "Value": -32768..32767, "Unit" (optional): 0 h, 1 min, 2 s, 3 A, 4 V, 5 W, 6 Wh}'
)
EVSE_PROCESSING: Final = "0 Finished, 1 Ongoing (the default), 2 Ongoing, waiting for the customer"
EVSE_NOTIFICATION: Final = "0 None, 1 StopCharging, 2 or 3 ReNegotiation (both become 2 of ISO 15118-2)"


def _accepted(
    name: str,
    path: str,
    payload: Payload,
    meaning: str,
    section: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    shape: str = "",
) -> Topic:
    return Topic(
        name,
        path,
        Direction.ACCEPTED,
        payload,
        meaning,
        section,
        "iso15118d",
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        shape=shape,
    )


TOPIC_EVSE_INIT_SESSIONID: Final = _accepted(
    "TOPIC_EVSE_INIT_SESSIONID",
    "port0/ci/evse/init/sessionid",
    Payload.INTEGER,
    "SessionID of the session; up to eight octets are carried to the EV.",
    "15.5.3",
    minimum=0,
)
TOPIC_EVSE_INIT_EVSEID: Final = _accepted(
    "TOPIC_EVSE_INIT_EVSEID",
    "port0/ci/evse/init/evseid",
    Payload.STRING,
    "EVSEID of the charger: a free text of up to 37 characters, instead of ports[0]/evse_id.",
    "15.5.3",
)
TOPIC_EVSE_INIT_DATETIMENOW: Final = _accepted(
    "TOPIC_EVSE_INIT_DATETIMENOW",
    "port0/ci/evse/init/datetimenow",
    Payload.INTEGER,
    "Date and time of the charger, counted from 1970-01-01T00:00:00Z.",
    "15.5.3",
    minimum=0,
    unit="ms",
)
TOPIC_EVSE_INIT_PAYMENTOPTIONS: Final = _accepted(
    "TOPIC_EVSE_INIT_PAYMENTOPTIONS",
    "port0/ci/evse/init/paymentoptions",
    Payload.JSON,
    "Payment options offered; only ExternalPayment (1) is supported.",
    "15.5.3",
    shape='{"PaymentOption0": 0 Contract | 1 ExternalPayment, "PaymentOption1": ...}',
)
TOPIC_EVSE_INIT_CHARGESERVICE: Final = _accepted(
    "TOPIC_EVSE_INIT_CHARGESERVICE",
    "port0/ci/evse/init/chargeservice",
    Payload.JSON,
    "The charge service offered to the EV.",
    "15.5.3",
    shape='{"ServiceID": int, "ServiceName": str, "ServiceCategory": int, "ServiceScope": str, '
    '"FreeService": bool, "SupportedEnergyTransferType0": int, ... "SupportedEnergyTransferType4": int}',
)
TOPIC_EVSE_INIT_SERVICELIST: Final = _accepted(
    "TOPIC_EVSE_INIT_SERVICELIST",
    "port0/ci/evse/init/servicelist",
    Payload.JSON,
    "Services offered beside the charge service.",
    "15.5.3",
)
TOPIC_EVSE_INIT_SERVICEPARAMETERLIST: Final = _accepted(
    "TOPIC_EVSE_INIT_SERVICEPARAMETERLIST",
    "port0/ci/evse/init/serviceparameterlist",
    Payload.JSON,
    "Parameters of the additional services, for an EV that asks with ServiceDetail.",
    "15.5.3",
)

TOPIC_EVSE_AUTH_GENCHALLENGE: Final = _accepted(
    "TOPIC_EVSE_AUTH_GENCHALLENGE",
    "port0/ci/evse/auth/genchallenge",
    Payload.JSON,
    "GenChallenge of the authentication phase.",
    "15.5.4",
)
TOPIC_EVSE_AUTH_EVSEPROCESSING: Final = _accepted(
    "TOPIC_EVSE_AUTH_EVSEPROCESSING",
    "port0/ci/evse/auth/evseprocessing",
    Payload.INTEGER,
    "Whether the user's authentication is finished; free charging sets 0 by itself.",
    "15.5.4",
    minimum=0,
    maximum=2,
    shape=EVSE_PROCESSING,
)
TOPIC_EVSE_AUTH_ERROR: Final = _accepted(
    "TOPIC_EVSE_AUTH_ERROR",
    "port0/ci/evse/auth/error",
    Payload.BOOL,
    "1 aborts the session: authentication failed, or an EV ignores the stop notification.",
    "15.5.4",
)

TOPIC_EVSE_PARAMETER_EVSEPROCESSING: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_EVSEPROCESSING",
    "port0/ci/evse/parameter/evseprocessing",
    Payload.INTEGER,
    "Whether the charger's parameters are complete; back to 1 at each renegotiation.",
    "15.5.5",
    minimum=0,
    maximum=2,
    shape=EVSE_PROCESSING,
)
TOPIC_EVSE_PARAMETER_SASCHEDULELIST: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_SASCHEDULELIST",
    "port0/ci/evse/parameter/saschedulelist",
    Payload.JSON,
    "Charging schedule offered to the EV; emptied at each renegotiation.",
    "15.5.5",
    shape='{"SAScheduleTupled" (SAScheduleTupleID is read too): int, "Start": [s, ...], "Duration": s, '
    '"PMax": [W, ...], "PMaxMultiplier": [-3..3, ...]}',
)
TOPIC_EVSE_PARAMETER_SALESTARIFF: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_SALESTARIFF",
    "port0/ci/evse/parameter/salestariff",
    Payload.JSON,
    "Sales tariffs of the energy provider.",
    "15.5.5",
)
TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT",
    "port0/ci/evse/parameter/maxcurrentlimit",
    Payload.JSON,
    "Maximum current of the charger.",
    "15.5.5",
    unit="A",
    shape=PHYSICAL_VALUE,
)
TOPIC_EVSE_PARAMETER_NOTIFICATIONMAXDELAY: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_NOTIFICATIONMAXDELAY",
    "port0/ci/evse/parameter/notificationmaxdelay",
    Payload.INTEGER,
    "Time the EV has to react to the notification of the parameter phase.",
    "15.5.5",
    minimum=0,
    maximum=65535,
    unit="s",
)
TOPIC_EVSE_PARAMETER_NOTIFICATION: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_NOTIFICATION",
    "port0/ci/evse/parameter/notification",
    Payload.INTEGER,
    "Notification to the EV in the parameter phase.",
    "15.5.5",
    minimum=0,
    maximum=3,
    shape=EVSE_NOTIFICATION,
)
TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE",
    "port0/ci/evse/parameter/nominalvoltage",
    Payload.JSON,
    "Nominal line voltage of the charger.",
    "15.5.5",
    unit="V",
    shape=PHYSICAL_VALUE,
)
TOPIC_EVSE_PARAMETER_RCD: Final = _accepted(
    "TOPIC_EVSE_PARAMETER_RCD",
    "port0/ci/evse/parameter/rcd",
    Payload.BOOL,
    "Status of the residual current device as told to the EV: 1 means it detected an error (ISO 15118-2).",
    "15.5.5",
)

TOPIC_EVSE_CHARGE_NOTIFICATIONMAXDELAY: Final = _accepted(
    "TOPIC_EVSE_CHARGE_NOTIFICATIONMAXDELAY",
    "port0/ci/evse/charge/notificationmaxdelay",
    Payload.INTEGER,
    "Time the EV has to react to the notification of the charge phase.",
    "15.5.6",
    minimum=0,
    maximum=65535,
    unit="s",
)
TOPIC_EVSE_CHARGE_NOTIFICATION: Final = _accepted(
    "TOPIC_EVSE_CHARGE_NOTIFICATION",
    "port0/ci/evse/charge/notification",
    Payload.INTEGER,
    "Notification to the EV in the charge phase: stop or renegotiate.",
    "15.5.6",
    minimum=0,
    maximum=3,
    shape=EVSE_NOTIFICATION,
)
TOPIC_EVSE_CHARGE_METERINFO: Final = _accepted(
    "TOPIC_EVSE_CHARGE_METERINFO",
    "port0/ci/evse/charge/meterinfo",
    Payload.JSON,
    "Meter reading for the EV in the charge phase.",
    "15.5.6",
    shape=(
        '{"MeterID": str, "MeterReading": Wh, "MeterStatus" (optional): int, "TMeter" (optional): s since'
        " 1970}"
    ),
)
TOPIC_EVSE_CHARGE_RECEIPTREQUIRED: Final = _accepted(
    "TOPIC_EVSE_CHARGE_RECEIPTREQUIRED",
    "port0/ci/evse/charge/receiptrequired",
    Payload.BOOL,
    "Whether the EV shall confirm the meter reading with a receipt.",
    "15.5.6",
)
