"""What the customer's software says about a session (guide 15.5.3 to 15.5.6).

Everything counts from "started" of the initialisation phase until the EV is unplugged; what is not said is as
the configuration has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chargectl.declarations import topics
from chargectl.declarations.types import JsonValue, Topic
from chargectl.hlc import values
from chargectl.hlc.values import ValueRefusedError
from v2g.common.terms import EnergyMode
from v2g.secc.schedule import Schedule
from v2g.secc.station import MeterReading

FINISHED: Final = 0
ONGOING: Final = 1
WAITING_FOR_CUSTOMER: Final = 2
STOP: Final = 1
RENEGOTIATE: Final = (2, 3)
"""2 by ISO 15118-2, 3 by guide 15.11."""
EVSE_ID_CHARACTERS: Final = (7, 37)
SESSION_ID_BYTES: Final = 8


@dataclass(slots=True)
class Customer:
    """What was said so far; None: nothing. Currents in ampere, voltages in volt, both per phase."""

    session_id: bytes | None = None
    evse_id: str | None = None
    time_ms: tuple[int, int] | None = None
    """Milliseconds since 1970, and when that was said (monotonic)."""
    payment_said: bool = False
    free_service: bool = False
    energy_modes: tuple[EnergyMode, ...] | None = None
    auth_processing: int = ONGOING
    auth_error: bool = False
    parameter_processing: int = ONGOING
    schedules: tuple[Schedule, ...] = ()
    maximum_current_a: float | None = None
    nominal_voltage_v: float | None = None
    rcd: bool = False
    notification: int = 0
    notification_max_delay_s: int = 0
    meter: MeterReading | None = None
    receipt_required: bool = False

    @property
    def init_complete(self) -> bool:
        """Whether all parameters of the initialisation phase were said."""
        said = (self.session_id, self.evse_id, self.time_ms, self.energy_modes)
        return self.payment_said and None not in said

    @property
    def stop(self) -> bool:
        """Whether the EV is to be asked to stop."""
        return self.notification == STOP

    @property
    def renegotiate(self) -> bool:
        """Whether the EV is to be asked for new parameters."""
        return self.notification in RENEGOTIATE

    def say(self, topic: Topic, value: Any, now_ms: int) -> None:
        """Take a message. Raises ValueRefusedError."""
        _TAKE[topic.path](self, value, now_ms)

    def renegotiated(self) -> None:
        """A renegotiation has begun: what guide 15.11 lists has to be said anew."""
        self.parameter_processing = ONGOING
        self.schedules = ()
        self.notification = 0


def _session_id(customer: Customer, value: int, _now_ms: int) -> None:
    if value == 0 or value >= 1 << (8 * SESSION_ID_BYTES):
        raise ValueRefusedError(f"an integer from 1 to 2^{8 * SESSION_ID_BYTES}-1")
    customer.session_id = value.to_bytes(SESSION_ID_BYTES, "big")


def _evse_id(customer: Customer, value: str, _now_ms: int) -> None:
    shortest, longest = EVSE_ID_CHARACTERS
    if not shortest <= len(value) <= longest:
        raise ValueRefusedError(f"a text of {shortest} to {longest} characters")
    customer.evse_id = value


def _time(customer: Customer, value: int, now_ms: int) -> None:
    customer.time_ms = (value, now_ms)


def _payment(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    values.payment_options(value)
    customer.payment_said = True


def _charge_service(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    customer.free_service, customer.energy_modes = values.charge_service(value)


def _maximum_current(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    current_a = values.physical(value)
    if current_a < 0:
        raise ValueRefusedError("a current of at least 0 A")
    customer.maximum_current_a = current_a


def _nominal_voltage(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    voltage_v = values.physical(value)
    if voltage_v <= 0:
        raise ValueRefusedError("a voltage above 0 V")
    customer.nominal_voltage_v = voltage_v


def _schedules(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    customer.schedules = values.schedules(value)


def _meter(customer: Customer, value: JsonValue, _now_ms: int) -> None:
    customer.meter = values.meter_reading(value)


def _plain(name: str) -> Callable[[Customer, Any, int], None]:
    def take(customer: Customer, value: Any, _now_ms: int) -> None:
        setattr(customer, name, value)

    return take


INIT: Final = (
    topics.TOPIC_EVSE_INIT_SESSIONID,
    topics.TOPIC_EVSE_INIT_EVSEID,
    topics.TOPIC_EVSE_INIT_DATETIMENOW,
    topics.TOPIC_EVSE_INIT_PAYMENTOPTIONS,
    topics.TOPIC_EVSE_INIT_CHARGESERVICE,
)
"""Topics that count for INIT_PARAMETERS_MS after "started"."""

NOT_SUPPORTED: Final[dict[str, str]] = {
    topics.TOPIC_EVSE_INIT_SERVICELIST.path: "there are no services beside charging",
    topics.TOPIC_EVSE_INIT_SERVICEPARAMETERLIST.path: "there are no services beside charging",
    topics.TOPIC_EVSE_AUTH_GENCHALLENGE.path: "there is no authentication by contract",
    topics.TOPIC_EVSE_PARAMETER_SALESTARIFF.path: "tariffs need the signature of a mobility operator",
}
"""Topics of the guide that are read to say why they have no effect."""

_TAKE: Final[dict[str, Callable[[Customer, Any, int], None]]] = {
    topics.TOPIC_EVSE_INIT_SESSIONID.path: _session_id,
    topics.TOPIC_EVSE_INIT_EVSEID.path: _evse_id,
    topics.TOPIC_EVSE_INIT_DATETIMENOW.path: _time,
    topics.TOPIC_EVSE_INIT_PAYMENTOPTIONS.path: _payment,
    topics.TOPIC_EVSE_INIT_CHARGESERVICE.path: _charge_service,
    topics.TOPIC_EVSE_AUTH_EVSEPROCESSING.path: _plain("auth_processing"),
    topics.TOPIC_EVSE_AUTH_ERROR.path: _plain("auth_error"),
    topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING.path: _plain("parameter_processing"),
    topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST.path: _schedules,
    topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT.path: _maximum_current,
    topics.TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE.path: _nominal_voltage,
    topics.TOPIC_EVSE_PARAMETER_NOTIFICATION.path: _plain("notification"),
    topics.TOPIC_EVSE_PARAMETER_NOTIFICATIONMAXDELAY.path: _plain("notification_max_delay_s"),
    topics.TOPIC_EVSE_PARAMETER_RCD.path: _plain("rcd"),
    topics.TOPIC_EVSE_CHARGE_NOTIFICATION.path: _plain("notification"),
    topics.TOPIC_EVSE_CHARGE_NOTIFICATIONMAXDELAY.path: _plain("notification_max_delay_s"),
    topics.TOPIC_EVSE_CHARGE_METERINFO.path: _meter,
    topics.TOPIC_EVSE_CHARGE_RECEIPTREQUIRED.path: _plain("receipt_required"),
}

SUBSCRIBED: Final[tuple[Topic, ...]] = tuple(
    topic for topic in topics.TOPICS if topic.path in _TAKE or topic.path in NOT_SUPPORTED
)
"""What the daemon subscribes to."""
