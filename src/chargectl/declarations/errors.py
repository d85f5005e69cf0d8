"""The error reactions: one row per error says how it is reported, what the port does and how it ends.

The rows of the guide's section 3.3.4 win over the generic safe state of its section 15.13, which unlocks the
plug and knows two duty cycles only: an RCD error keeps a plug locked until the EV is unplugged, a failed
contactor releases it although the cable may be live.

Where several errors are active the port takes the strictest duty and contactor demand of all of them, and
the lock demand of the one with the highest priority that has one. An error that puts the pilot to 0 % comes
before the others there: at -12 V nobody can see an EV leave, so "locked until it leaves" would never end.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import (
    ContactorDemand,
    Duty,
    ErrorRow,
    LockDemand,
    Reaction,
    Recovery,
)

_NONE: Final = Reaction()
_NO_NEW_POWER: Final = Reaction(Duty.STEADY, LockDemand.UNCHANGED, ContactorDemand.STAY_OPEN)
_INTERRUPT: Final = Reaction(Duty.STEADY, LockDemand.UNCHANGED, ContactorDemand.OPEN)
_INTERRUPT_KEEP_LOCK: Final = Reaction(Duty.STEADY, LockDemand.KEEP, ContactorDemand.OPEN)
_INTERRUPT_UNLOCK: Final = Reaction(Duty.STEADY, LockDemand.UNLOCK, ContactorDemand.OPEN)
_UNAVAILABLE: Final = Reaction(Duty.NEGATIVE, LockDemand.UNLOCK, ContactorDemand.OPEN)
_UNAVAILABLE_UNLOCK_NOW: Final = Reaction(Duty.NEGATIVE, LockDemand.UNLOCK_NOW, ContactorDemand.OPEN)


def _lock_failure(vendor_error_code: str, priority: int, meaning: str, section: str) -> ErrorRow:
    return ErrorRow(
        code=vendor_error_code,
        ocpp_error_code="ConnectorLockFailure",
        vendor_error_code=vendor_error_code,
        priority=priority,
        meaning=meaning,
        section=section,
        connected=_INTERRUPT,
        disconnected=_INTERRUPT,
        recovery=Recovery.CAUSE_GONE,
        topic="TOPIC_PLUG_LOCK_PERMANENT_FAILURE",
        topic_payload=vendor_error_code,
    )


def _meter_failure(
    vendor_error_code: str, priority: int, meaning: str, section: str, topic: str = ""
) -> ErrorRow:
    return ErrorRow(
        code="Meter" + vendor_error_code,
        ocpp_error_code="PowerMeterFailure",
        vendor_error_code=vendor_error_code,
        priority=priority,
        meaning=meaning,
        section=section,
        connected=_NO_NEW_POWER,
        disconnected=_NO_NEW_POWER,
        recovery=Recovery.CAUSE_GONE,
        topic=topic,
        topic_payload="0" if topic else "",
        topic_cleared="1" if topic else "",
    )


def _persistence(vendor_error_code: str, section: str) -> ErrorRow:
    return ErrorRow(
        code=vendor_error_code,
        ocpp_error_code="OtherError",
        vendor_error_code=vendor_error_code,
        priority=15,
        meaning="the local transaction database reported an error",
        section=section,
        connected=_NO_NEW_POWER,
        disconnected=_NO_NEW_POWER,
        recovery=Recovery.RESTART,
        whole_station=True,
    )


def _rcd(
    code: str, meaning: str, section: str, connected: Reaction, disconnected: Reaction, recovery: Recovery
) -> ErrorRow:
    return ErrorRow(
        code=code,
        ocpp_error_code="GroundFailure",
        vendor_error_code=code,
        priority=12,
        meaning=meaning,
        section=section,
        connected=connected,
        disconnected=disconnected,
        recovery=recovery,
        topic="TOPIC_RCD_ERROR",
        topic_payload=code,
    )


def _proximity(code: str, meaning: str, section: str, reaction: Reaction) -> ErrorRow:
    return ErrorRow(
        code=code,
        ocpp_error_code="OtherError",
        vendor_error_code=code,
        # The guide's Table 3 gives these no number; they stand below everything that has one.
        priority=17,
        meaning=meaning,
        section=section,
        connected=reaction,
        disconnected=reaction,
        recovery=Recovery.UNPLUGGED,
        topic="TOPIC_SESSION_PROXIMITY_ERROR",
        topic_payload=code,
    )


POWER_SWITCH_FAILURE: Final = ErrorRow(
    code="PowerSwitchFailure",
    ocpp_error_code="PowerSwitchFailure",
    vendor_error_code="",
    priority=1,
    meaning="a contactor's feedback does not follow its target: welded, broken or misconfigured",
    section="3.3.4.1",
    connected=_UNAVAILABLE_UNLOCK_NOW,
    disconnected=_UNAVAILABLE_UNLOCK_NOW,
    recovery=Recovery.RESTART,
    topic="TOPIC_CONTACTOR_ERROR",
    topic_payload="1",
    topic_cleared="0",
)
LOCK_CAPACITOR: Final = _lock_failure(
    "PlugLockMotorCapNotCharged", 2, "the lock motor's capacitor is not charged in time", "3.3.4.2"
)
LOCK_UNEXPECTED_OPEN: Final = _lock_failure(
    "PlugLockMotorUnexpectedOpen", 3, "the lock reads open while it should be closed", "3.3.4.3"
)
LOCK_UNEXPECTED_CLOSE: Final = _lock_failure(
    "PlugLockMotorUnexpectedClose", 4, "the lock reads closed while it should be open", "3.3.4.4"
)
LOCK_CANNOT_LOCK: Final = _lock_failure(
    "PlugLockCannotLock", 5, "the lock does not read closed after it was driven closed", "3.3.4.5"
)
LOCK_CANNOT_UNLOCK: Final = _lock_failure(
    "PlugLockCannotUnlock", 6, "the lock does not read open after it was driven open", "3.3.4.6"
)
SPURIOUS_RCD: Final = _rcd(
    "SpuriousRcdError",
    "the RCD reads tripped and no EV is connected",
    "3.3.4.12",
    _UNAVAILABLE,
    _UNAVAILABLE,
    Recovery.RCD_TEST,
)
RCD_TEST: Final = _rcd(
    "RcdTestError",
    "the RCD did not trip, or did not come back, during its test",
    "3.3.4.13",
    _INTERRUPT_KEEP_LOCK,
    _UNAVAILABLE,
    Recovery.RCD_TEST,
)
RCD_GROUND_FAILURE: Final = _rcd(
    "RcdGroundFailure",
    "the RCD tripped while an EV is connected",
    "3.3.4.14",
    _INTERRUPT_KEEP_LOCK,
    _INTERRUPT_UNLOCK,
    Recovery.UNPLUGGED,
)
EMERGENCY_SHUTDOWN: Final = ErrorRow(
    code="EmergencyShutdown",
    ocpp_error_code="OtherError",
    vendor_error_code="EmergencyShutdown",
    priority=13,
    meaning="the emergency switch is asserted",
    section="3.3.4.15",
    connected=_UNAVAILABLE,
    disconnected=_UNAVAILABLE,
    recovery=Recovery.CAUSE_GONE_THEN_UNPLUG,
    topic="TOPIC_EMERGENCY_SHUTDOWN",
    topic_payload="1",
    topic_cleared="0",
    whole_station=True,
)
BOARD_FAILURE: Final = ErrorRow(
    code="BoardFailure",
    ocpp_error_code="InternalError",
    vendor_error_code="BoardFailure",
    priority=13,
    meaning="a pin, converter or driver of the board cannot be read or written",
    section="15.13",
    # The guide has no row for it, so its generic safe state applies: the plug is released (Table 70).
    connected=_INTERRUPT_UNLOCK,
    disconnected=_INTERRUPT_UNLOCK,
    recovery=Recovery.CAUSE_GONE,
)
PILOT_SHORTED: Final = ErrorRow(
    code="PilotShorted",
    ocpp_error_code="EVCommunicationError",
    vendor_error_code="PilotShorted",
    priority=13,
    meaning="the control pilot reads state E or F although the port does not put it there",
    section="15.3",
    connected=_INTERRUPT_UNLOCK,
    disconnected=_INTERRUPT_UNLOCK,
    recovery=Recovery.CAUSE_GONE,
)
PILOT_DIODE: Final = ErrorRow(
    code="PilotDiodeMissing",
    ocpp_error_code="EVCommunicationError",
    vendor_error_code="PilotDiodeMissing",
    priority=13,
    meaning="the pilot's negative half wave is not near -12 V: no EV behind the resistor",
    section="15.3",
    connected=_INTERRUPT_UNLOCK,
    disconnected=_INTERRUPT_UNLOCK,
    recovery=Recovery.UNPLUGGED,
)
PROXIMITY_NO_CABLE: Final = _proximity(
    "ProximityNoCable",
    "an EV is connected but the proximity pilot sees no cable",
    "3.3.4.34",
    _INTERRUPT_KEEP_LOCK,
)
PROXIMITY_INVALID: Final = _proximity(
    "ProximityInvalid",
    "the proximity pilot reads a resistance no cable has",
    "3.3.4.35",
    _INTERRUPT_KEEP_LOCK,
)
PROXIMITY_CHANGED: Final = _proximity(
    "ProximityChanged",
    "the proximity pilot changed while charging; the lower of both limits applies",
    "3.3.4.36",
    _NONE,
)

_PERSISTENCE: Final = tuple(
    _persistence("Persistence" + name, f"3.3.4.{number}")
    for number, name in enumerate(
        (
            "OpenFailed",
            "UnlinkDenied",
            "ReadOnly",
            "InvalidType",
            "CountError",
            "ClearError",
            "NoInsertRowId",
            "PrepareFailed",
            "UpdateFailed",
            "DropFailed",
            "TransactionFailed",
            "CreateFailed",
            "InsertFailed",
            "DeleteFailed",
            "TooManyTransactions",
            "FinalizeFailed",
        ),
        start=17,
    )
)

ERRORS: Final[tuple[ErrorRow, ...]] = (
    POWER_SWITCH_FAILURE,
    LOCK_CAPACITOR,
    LOCK_UNEXPECTED_OPEN,
    LOCK_UNEXPECTED_CLOSE,
    LOCK_CANNOT_LOCK,
    LOCK_CANNOT_UNLOCK,
    _meter_failure(
        "CommunicationError",
        7,
        "the power meter does not answer",
        "3.3.4.7",
        "TOPIC_METERING_METER_AVAILABLE",
    ),
    _meter_failure("InternalError", 8, "the power meter is handled wrongly or broken", "3.3.4.8"),
    _meter_failure("IdleMeterError", 9, "the power meter failed while no energy flows", "3.3.4.9"),
    _meter_failure("ActiveMeterError", 10, "the power meter failed while energy flows", "3.3.4.10"),
    ErrorRow(
        code="ReaderFailure",
        ocpp_error_code="ReaderFailure",
        vendor_error_code="",
        priority=11,
        meaning="the RFID reader does not answer",
        section="3.3.4.11",
        connected=_NONE,
        disconnected=_NONE,
        recovery=Recovery.CAUSE_GONE,
        topic="TOPIC_RFID_AVAILABLE",
        topic_payload="0",
        topic_cleared="1",
    ),
    SPURIOUS_RCD,
    RCD_TEST,
    RCD_GROUND_FAILURE,
    EMERGENCY_SHUTDOWN,
    BOARD_FAILURE,
    PILOT_SHORTED,
    PILOT_DIODE,
    ErrorRow(
        code="RcdRecloserFailure",
        ocpp_error_code="OtherError",
        vendor_error_code="RcdRecloserFailure",
        priority=14,
        meaning="the RCD recloser does not answer",
        section="3.3.4.16",
        connected=_NONE,
        disconnected=_NONE,
        recovery=Recovery.CAUSE_GONE,
        topic="TOPIC_RCD_RECLOSER_ERROR",
        topic_payload="1",
        topic_cleared="0",
    ),
    *_PERSISTENCE,
    ErrorRow(
        code="LocalListConflict",
        ocpp_error_code="LocalListConflict",
        vendor_error_code="",
        priority=16,
        meaning="the central system's answer contradicts the local authorization list",
        section="3.3.4.33",
        connected=_NONE,
        disconnected=_NONE,
        recovery=Recovery.CAUSE_GONE,
        whole_station=True,
    ),
    PROXIMITY_NO_CABLE,
    PROXIMITY_INVALID,
    PROXIMITY_CHANGED,
)

BY_CODE: Final[dict[str, ErrorRow]] = {row.code: row for row in ERRORS}
