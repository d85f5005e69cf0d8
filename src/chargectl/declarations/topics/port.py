"""Topics of the charging port: relays, lock, pilot, RCD, emergency, availability, authorization.

Guide 3.3.4, 3.3.5, 7.7, 15.13 to 15.21.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Direction, Payload, Topic

TOPIC_CONTACTOR_STATE_TARGET: Final = Topic(
    "TOPIC_CONTACTOR_STATE_TARGET",
    "port0/contactor/state/target",
    Direction.PUBLISHED,
    Payload.BOOL,
    "What relay 1 is driven to: 1 closed, 0 open.",
    "15.13",
    "portd",
    retain=True,
)
TOPIC_CONTACTOR_STATE_ACTUAL: Final = Topic(
    "TOPIC_CONTACTOR_STATE_ACTUAL",
    "port0/contactor/state/actual",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Contactor as its feedback shows it: 1 closed, 0 open; without feedback a copy of the target.",
    "7.7",
    "portd",
    retain=True,
)
TOPIC_CONTACTOR_ERROR: Final = Topic(
    "TOPIC_CONTACTOR_ERROR",
    "port0/contactor/error",
    Direction.PUBLISHED,
    Payload.BOOL,
    "1: the contactor's feedback contradicts its target (PowerSwitchFailure).",
    "3.3.4.1",
    "portd",
    retain=True,
)
TOPIC_CHARGING: Final = Topic(
    "TOPIC_CHARGING",
    "port0/charging",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether the port charges.",
    "15.13",
    "portd",
    retain=True,
)
TOPIC_PLUG_LOCK: Final = Topic(
    "TOPIC_PLUG_LOCK",
    "port0/plug_lock/state/target",
    Direction.PUBLISHED,
    Payload.BOOL,
    "What the plug lock is driven to: 1 locked, 0 unlocked.",
    "15.13",
    "portd",
    retain=True,
)
TOPIC_PLUG_LOCK_PERMANENT_FAILURE: Final = Topic(
    "TOPIC_PLUG_LOCK_PERMANENT_FAILURE",
    "port0/plug_lock/permanent_failure",
    Direction.PUBLISHED,
    Payload.ENUM,
    "What is wrong with the plug lock; empty when nothing is.",
    "3.3.4.2",
    "portd",
    retain=True,
    values=(
        "",
        "PlugLockMotorCapNotCharged",
        "PlugLockMotorUnexpectedOpen",
        "PlugLockMotorUnexpectedClose",
        "PlugLockCannotLock",
        "PlugLockCannotUnlock",
    ),
)
TOPIC_CP_DUTY_CYCLE: Final = Topic(
    "TOPIC_CP_DUTY_CYCLE",
    "port0/cp/duty_cycle",
    Direction.PUBLISHED,
    Payload.DECIMAL_2,
    "Duty cycle that the control pilot is driven to: 0.00 is state F, 100.00 offers nothing.",
    "15.13",
    "portd",
    retain=True,
    minimum=0,
    maximum=100,
    unit="%",
)
TOPIC_EMERGENCY_SHUTDOWN: Final = Topic(
    "TOPIC_EMERGENCY_SHUTDOWN",
    "port0/emergency_shutdown",
    Direction.PUBLISHED,
    Payload.BOOL,
    "1 while the emergency input is asserted.",
    "3.3.4.15",
    "portd",
    retain=True,
)

TOPIC_RCD_STATE_ACTUAL: Final = Topic(
    "TOPIC_RCD_STATE_ACTUAL",
    "port0/rcd/state/actual",
    Direction.PUBLISHED,
    Payload.BOOL,
    "1 not tripped, 0 tripped; stays 1 during a test.",
    "15.15.5",
    "portd",
    retain=True,
)
TOPIC_RCD_FEEDBACK_AVAILABLE: Final = Topic(
    "TOPIC_RCD_FEEDBACK_AVAILABLE",
    "port0/rcd/feedback/available",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether RCD monitoring is configured.",
    "15.15.5",
    "portd",
    retain=True,
)
TOPIC_RCD_TEST_AVAILABLE: Final = Topic(
    "TOPIC_RCD_TEST_AVAILABLE",
    "port0/rcd/test/available",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Whether RCD testing is configured.",
    "15.15.5",
    "portd",
    retain=True,
)
TOPIC_RCD_TEST_PERFORM: Final = Topic(
    "TOPIC_RCD_TEST_PERFORM",
    "port0/rcd/test/perform",
    Direction.ACCEPTED,
    Payload.SIGNAL,
    "Starts an RCD test; TOPIC_RCD_ERROR tells its end.",
    "15.15.5",
    "portd",
)
TOPIC_RCD_TEST_TIMESTAMP: Final = Topic(
    "TOPIC_RCD_TEST_TIMESTAMP",
    "port0/rcd/test/timestamp",
    Direction.PUBLISHED,
    Payload.TIMESTAMP,
    "When the last RCD test ended.",
    "15.15.5",
    "portd",
    retain=True,
)
TOPIC_RCD_ERROR: Final = Topic(
    "TOPIC_RCD_ERROR",
    "port0/rcd/error",
    Direction.PUBLISHED,
    Payload.ENUM,
    "What is wrong with the residual current; empty after a passed test and when a ground failure is gone.",
    "15.15.5",
    "portd",
    retain=True,
    values=("", "SpuriousRcdError", "RcdTestError", "RcdGroundFailure"),
)
TOPIC_RCD_RECLOSER_ERROR: Final = Topic(
    "TOPIC_RCD_RECLOSER_ERROR",
    "port0/rcd/recloser/error",
    Direction.PUBLISHED,
    Payload.BOOL,
    "1: the RCD recloser does not answer or did not do as told.",
    "3.3.4.16",
    "recloserd",
    retain=True,
)

TOPIC_VENTILATION_AVAILABLE: Final = Topic(
    "TOPIC_VENTILATION_AVAILABLE",
    "port0/ventilation/available",
    Direction.BOTH,
    Payload.BOOL,
    "Whether ventilation is available. Internal control: published once at start; external: the customer's.",
    "15.19",
    "portd",
    retain=True,
)
TOPIC_VENTILATION_STATE_TARGET: Final = Topic(
    "TOPIC_VENTILATION_STATE_TARGET",
    "port0/ventilation/state/target",
    Direction.BOTH,
    Payload.BOOL,
    "What relay 2 shall be: 1 closed, 0 open. Internal control: published by portd; external: the"
    " customer's.",
    "15.19",
    "portd",
    retain=True,
)
TOPIC_VENTILATION_STATE_ACTUAL: Final = Topic(
    "TOPIC_VENTILATION_STATE_ACTUAL",
    "port0/ventilation/state/actual",
    Direction.PUBLISHED,
    Payload.BOOL,
    "Relay 2 as its feedback shows it; without feedback a copy of the accepted target.",
    "15.19",
    "portd",
    retain=True,
)

TOPIC_AVAILABILITY_TARGET: Final = Topic(
    "TOPIC_AVAILABILITY_TARGET",
    "port0/ci/availability/target",
    Direction.ACCEPTED,
    Payload.ENUM,
    "The customer's wish; the backend's and the customer's must both be operative.",
    "3.3.5",
    "portd",
    retain=True,
    values=("operative", "inoperative"),
)
TOPIC_AVAILABILITY_ACTUAL: Final = Topic(
    "TOPIC_AVAILABILITY_ACTUAL",
    "port0/availability/actual",
    Direction.PUBLISHED,
    Payload.ENUM,
    "Resulting availability of the port.",
    "3.3.5",
    "portd",
    retain=True,
    values=("operative", "inoperative"),
)
TOPIC_AUTHORIZATION_STATUS: Final = Topic(
    "TOPIC_AUTHORIZATION_STATUS",
    "port0/session/authorization_status",
    Direction.BOTH,
    Payload.BOOL,
    "Whether the user may charge. Authentication by MQTT: the customer publishes it, without retain when"
    " it is"
    " meant for one session; by OCPP: ocppd publishes it and nobody else shall.",
    "15.21",
    "portd",
    retain=True,
)
TOPIC_SESSION_PROXIMITY_ERROR: Final = Topic(
    "TOPIC_SESSION_PROXIMITY_ERROR",
    "port0/session/proximity_error",
    Direction.PUBLISHED,
    Payload.ENUM,
    "What is wrong with the proximity pilot; empty when nothing is.",
    "3.3.4.34",
    "portd",
    retain=True,
    values=("", "ProximityNoCable", "ProximityInvalid", "ProximityChanged"),
)
TOPIC_V2G_MAC: Final = Topic(
    "TOPIC_V2G_MAC",
    "port0/session/v2g_mac",
    Direction.PUBLISHED,
    Payload.STRING,
    "MAC address of the EV from SLAC, upper case with colons.",
    "15.21",
    "iso15118d",
    shape="00:12:34:56:78:9A",
)

RFID_TAG: Final = (
    '["ISO14443" | "ISO15693" | "UNKNOWN", "<UID: hex, little endian, zero filled, no delimiter>"]'
)

TOPIC_RFID_AUTHORIZATION_REQUEST: Final = Topic(
    "TOPIC_RFID_AUTHORIZATION_REQUEST",
    "port0/rfid/authorization_request",
    Direction.BOTH,
    Payload.JSON,
    "A tag was held to the reader: published by rfidd, or by another board that shares its reader.",
    "15.17",
    "rfidd",
    shape=RFID_TAG,
)
TOPIC_RFID_AUTHORIZEREQ: Final = Topic(
    "TOPIC_RFID_AUTHORIZEREQ",
    "port0/rfid/authorizeReq",
    Direction.BOTH,
    Payload.STRING,
    "Deprecated: the UID alone. Use TOPIC_RFID_AUTHORIZATION_REQUEST.",
    "15.17",
    "rfidd",
)
TOPIC_RFID_AVAILABLE: Final = Topic(
    "TOPIC_RFID_AVAILABLE",
    "port0/rfid/available",
    Direction.PUBLISHED,
    Payload.BOOL,
    "0: the RFID reader does not answer (ReaderFailure).",
    "3.3.4.11",
    "rfidd",
    retain=True,
)
TOPIC_METERING_METER_AVAILABLE: Final = Topic(
    "TOPIC_METERING_METER_AVAILABLE",
    "port0/metering/meter/available",
    Direction.PUBLISHED,
    Payload.BOOL,
    "0: the meter does not answer (PowerMeterFailure).",
    "3.3.4.7",
    "meteringd",
    retain=True,
)
