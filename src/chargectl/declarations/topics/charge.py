"""Topics that show the charging session's phase and the state of pilot, plug and contactor (guide 15.5.1,
15.21)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Direction, Payload, Topic

STARTED_OR_FINISHED: Final = ("started", "finished")

TOPIC_CHARGE_INIT_PROTOCOL: Final = Topic(
    "TOPIC_CHARGE_INIT_PROTOCOL",
    "port0/ci/charge/init/protocol",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Protocol of the session: IEC61851 is announced by portd for basic charging, ISO15118 by iso15118d.",
    "15.5.1",
    "portd",
    retain=True,
    values=("ISO15118", "IEC61851"),
)
TOPIC_CHARGE_INIT_STATUS: Final = Topic(
    "TOPIC_CHARGE_INIT_STATUS",
    "port0/ci/charge/init/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Begin and end of the initialisation phase: SLAC, SDP, TCP, SupportedAppProtocol up to"
    " PaymentServiceSelection or PaymentDetails.",
    "15.5.1",
    "iso15118d",
    values=STARTED_OR_FINISHED,
)
TOPIC_CHARGE_AUTH_STATUS: Final = Topic(
    "TOPIC_CHARGE_AUTH_STATUS",
    "port0/ci/charge/auth/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Begin and end of the authentication phase: Certificate messages and Authorization.",
    "15.5.1",
    "iso15118d",
    values=STARTED_OR_FINISHED,
)
TOPIC_CHARGE_PARAMETER_STATUS: Final = Topic(
    "TOPIC_CHARGE_PARAMETER_STATUS",
    "port0/ci/charge/parameter/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Begin and end of the parameter phase (ChargeParameterDiscovery); again at each renegotiation.",
    "15.5.1",
    "iso15118d",
    values=STARTED_OR_FINISHED,
)
TOPIC_CHARGE_PRECHARGE_STATUS: Final = Topic(
    "TOPIC_CHARGE_PRECHARGE_STATUS",
    "port0/ci/charge/precharge/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Begin and end of the pre-charge phase of a DC session. The guide names the constant without a path.",
    "15.5.10",
    "iso15118d",
    values=STARTED_OR_FINISHED,
)
TOPIC_CHARGE_CHARGE_STATUS: Final = Topic(
    "TOPIC_CHARGE_CHARGE_STATUS",
    "port0/ci/charge/charge/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Begin and end of the charge phase: PowerDelivery, ChargingStatus, MeteringReceipt.",
    "15.5.1",
    "iso15118d",
    values=STARTED_OR_FINISHED,
)
TOPIC_CHARGE_CP_STATUS: Final = Topic(
    "TOPIC_CHARGE_CP_STATUS",
    "port0/ci/charge/cp/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "State of the control pilot after IEC 61851-1.",
    "15.5.1",
    "portd",
    retain=True,
    values=("A", "B", "C", "D", "E", "F"),
)
TOPIC_CHARGE_PWM_STATUS: Final = Topic(
    "TOPIC_CHARGE_PWM_STATUS",
    "port0/ci/charge/pwm/status",
    Direction.PUBLISHED,
    Payload.DECIMAL_2,
    "Duty cycle that the control pilot really carries.",
    "15.5.1",
    "portd",
    retain=True,
    minimum=0,
    maximum=100,
    unit="%",
)
TOPIC_CHARGE_TCP_STATUS: Final = Topic(
    "TOPIC_CHARGE_TCP_STATUS",
    "port0/ci/charge/tcp/status",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether the EV has a TCP connection to the EVSE.",
    "15.5.1",
    "iso15118d",
    retain=True,
)
TOPIC_CHARGE_PLUG_STATUS: Final = Topic(
    "TOPIC_CHARGE_PLUG_STATUS",
    "port0/ci/charge/plug/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "State of the plug lock; unknown when its position cannot be sensed.",
    "15.5.1",
    "portd",
    retain=True,
    values=("locked", "unlocked", "unknown"),
)
TOPIC_CHARGE_CONTACTOR_STATUS: Final = Topic(
    "TOPIC_CHARGE_CONTACTOR_STATUS",
    "port0/ci/charge/contactor/status",
    Direction.PUBLISHED,
    Payload.ENUM,
    "State of the contactor; unknown when it cannot be sensed.",
    "15.5.1",
    "portd",
    retain=True,
    values=("closed", "opened", "unknown"),
)
TOPIC_CHARGE_REINIT_SESSION: Final = Topic(
    "TOPIC_CHARGE_REINIT_SESSION",
    "port0/ci/charge/reinit_session",
    Direction.ACCEPTED,
    Payload.SIGNAL,
    "Ends the PWM session of a fake high-level DC charge, reads the state of charge again and returns to"
    " PWM.",
    "15.21",
    "iso15118d",
)
