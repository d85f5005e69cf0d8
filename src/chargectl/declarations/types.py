"""The shapes that the declarations are written in: topics, configuration keys, errors, locks, LEDs.

A declaration is a frozen value. Everything else (the bus, the checks, the generated reference, the
shipped files, the state machine's reactions) reads these values; none of them repeats one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


@unique
class Direction(Enum):
    """Who publishes a topic, seen from the charging stack."""

    PUBLISHED = "published"
    """The stack publishes; others read."""
    ACCEPTED = "accepted"
    """Others publish; the stack subscribes."""
    BOTH = "both"
    """Depending on the configuration the stack or others publish (ventilation, authorization)."""


@unique
class Payload(Enum):
    """How a topic's payload is written as text."""

    STRING = "string"
    BOOL = "bool"
    """``1`` or ``0``."""
    INTEGER = "integer"
    DECIMAL_1 = "decimal, one place"
    """A number with one decimal place and ``.``: ``20.2``; integers are accepted when read."""
    DECIMAL_2 = "decimal, two places"
    """A number with two decimal places and ``.``: ``53.33``."""
    ENUM = "one of"
    """One of the declared values, as it stands there."""
    TIMESTAMP = "timestamp"
    """RFC 3339 in UTC with milliseconds: ``2023-06-23T06:54:55.123Z``."""
    JSON = "JSON"
    SIGNAL = "signal"
    """The arrival is the message; the payload does not matter."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One MQTT topic.

    ``path`` may hold one ``+`` (a free name). ``minimum``/``maximum`` bound numeric payloads, inclusive;
    a value outside is not accepted. ``values`` lists the payloads of an ENUM. ``daemon`` is the service
    that publishes or reads it.
    """

    name: str
    path: str
    direction: Direction
    payload: Payload
    meaning: str
    section: str
    daemon: str
    retain: bool = False
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    shape: str = ""
    """The fields of a JSON payload, in words or as a small example."""


@unique
class KeyType(Enum):
    """The JSON type of a configuration key."""

    BOOLEAN = "Boolean"
    INTEGER = "Integer"
    STRING = "String"
    STRINGS = "Array of Strings"
    STRING_OR_STRINGS = "String or Array of Strings"
    INTEGERS = "Array of Integers"
    OBJECT = "Object"
    OBJECTS = "Array of Objects"


@unique
class ConfigFile(Enum):
    """The configuration files, as named below /etc/secc."""

    CUSTOMER = "customer.json"
    LEDS = "leds.json"
    ROTARY = "rotaryencd.json"


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key.

    ``path`` uses the guide's spelling: ``ports[0]/rcd_monitor/test_gpio``; ``[]`` stands for any element of
    an array and ``*`` for any name of an object's member (vendors). ``default`` is what applies when the
    key is missing, commented out or of a wrong type; None means "unset" (``default_meaning`` says what
    happens then). ``maximum_size`` is the longest string that is kept. ``applies`` says when the key matters.
    """

    file: ConfigFile
    path: str
    type: KeyType
    default: JsonValue
    meaning: str
    section: str
    minimum: int | None = None
    maximum: int | None = None
    also_allowed: tuple[int, ...] = ()
    """Integers outside minimum..maximum that are allowed too (-1 or 0 for "off")."""
    allowed: tuple[str, ...] = ()
    maximum_size: int | None = None
    nullable: bool = False
    ocpp_writable: bool = True
    applies: str = ""
    default_meaning: str = ""
    shipped: JsonValue = None
    """What the shipped file holds where that is not the default (an example item, a vendor list)."""
    secret: bool = False
    """The value never appears in a log, an export or a message."""


@unique
class Duty(Enum):
    """What an active error demands of the control pilot."""

    UNCHANGED = "as without the error"
    STEADY = "100 %"
    """Steady +12 V source: no energy offered; the car can be recognised (recoverable)."""
    NEGATIVE = "0 %"
    """Steady -12 V (state F): the charge point is unavailable (unrecoverable)."""


@unique
class LockDemand(Enum):
    """What an active error demands of the plug lock."""

    UNCHANGED = "as without the error"
    KEEP = "stays as it is"
    UNLOCK = "unlocked"
    """Opened once no current flows, and kept open while the error lasts."""
    UNLOCK_NOW = "unlocked at once"
    """Opened without waiting for the contactor's confirmation: the error says none will come."""


@unique
class ContactorDemand(Enum):
    """What an active error demands of the contactor."""

    UNCHANGED = "as without the error"
    STAY_OPEN = "a closed one stays, an open one is not closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the port does while an error is active."""

    duty: Duty = Duty.UNCHANGED
    lock: LockDemand = LockDemand.UNCHANGED
    contactor: ContactorDemand = ContactorDemand.UNCHANGED


@unique
class Recovery(Enum):
    """How an error ends."""

    CAUSE_GONE = "when the cause is gone"
    UNPLUGGED = "when the EV is unplugged and the cause is gone"
    CAUSE_GONE_THEN_UNPLUG = "when the cause is gone; power returns only after the EV was unplugged"
    RCD_TEST = "when a requested RCD test passes, or at restart"
    RESTART = "at restart"


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error: how it is reported and what the port does about it.

    ``priority`` 1 is the highest; equal numbers are reported in the order of the table. ``connected`` and
    ``disconnected`` are the reactions with and without an EV at the port.
    """

    code: str
    ocpp_error_code: str
    vendor_error_code: str
    priority: int
    meaning: str
    section: str
    connected: Reaction
    disconnected: Reaction
    recovery: Recovery
    topic: str = ""
    """Name of the topic that shows it."""
    topic_payload: str = ""
    topic_cleared: str = ""
    """The payload that says it is over."""
    whole_station: bool = False
    """Reported on connectorId 0 as well."""


@unique
class LockFeedback(Enum):
    """Contact type of a lock's position switch."""

    NORMALLY_OPEN = "normally open"
    NORMALLY_CLOSED = "normally closed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LockType:
    """A plug lock: how long its motor is driven and which sense voltages (mV at the ADC) mean what."""

    name: str
    aliases: tuple[str, ...]
    drive_ms: int
    unlocked_mv: tuple[int, int]
    locked_mv: tuple[int, int]
    feedback: LockFeedback
