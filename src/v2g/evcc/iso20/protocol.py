"""ISO 15118-20 for the engine: one protocol for AC, one for DC and MCS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from v2g.common.terms import ISO_20_AC, ISO_20_DC, ISO_20_TLS
from v2g.common.timers import ISO20_MESSAGES, ISO20_TIMES
from v2g.evcc.iso20 import (
    ac_charge_loop,
    authorization,
    authorization_setup,
    cable_check,
    certificate_installation,
    charge_parameter_discovery,
    dc_charge_loop,
    metering_confirmation,
    power_delivery,
    pre_charge,
    schedule_exchange,
    service_detail,
    service_discovery,
    service_selection,
    session_setup,
    session_stop,
    welding_detection,
)
from v2g.evcc.iso20.terms import KEPT
from v2g.evcc.protocol import Protocol, Step, table
from v2g.evcc.session import Session
from v2gexi import v2gtp

_BEFORE: Final = (
    session_setup.STEP,
    authorization_setup.STEP,
    certificate_installation.STEP,
    authorization.EXTERNALLY,
    authorization.BY_CONTRACT,
    service_discovery.STEP,
    service_detail.STEP,
    service_selection.STEP,
)
_LOOP: Final = (
    metering_confirmation.STEP,
    power_delivery.RENEGOTIATE,
    schedule_exchange.AGAIN,
    power_delivery.NEW,
    power_delivery.STANDBY,
)
_MESSAGE_SETS: Final[Mapping[int, str]] = {
    v2gtp.PayloadType.COMMON: "iso20-common",
    v2gtp.PayloadType.AC: "iso20-ac",
    v2gtp.PayloadType.DC: "iso20-dc",
    v2gtp.PayloadType.SCHEDULE_RENEGOTIATION: "iso20-common",
    v2gtp.PayloadType.METERING_CONFIRMATION: "iso20-common",
}
_PAYLOAD_TYPES: Final = {
    "v2gexi.iso20_common": v2gtp.PayloadType.COMMON,
    "v2gexi.iso20_ac": v2gtp.PayloadType.AC,
    "v2gexi.iso20_dc": v2gtp.PayloadType.DC,
}
"""By the module of a message's class."""


def _read(message: Any) -> tuple[bytes, Any]:
    return message.Header.SessionID, message


def _wrap(session: Session, message: Any) -> Any:
    return message


def _payload_type(message: Any) -> int:
    return _PAYLOAD_TYPES[type(message).__module__]


def _protocol(namespace: str, dc: bool, *steps: Step) -> Protocol:
    return Protocol(
        namespace=namespace,
        version=(1, 0),
        steps=table(*_BEFORE, *steps),
        first="SessionSetup",
        times=ISO20_TIMES,
        messages=ISO20_MESSAGES,
        message_sets=_MESSAGE_SETS,
        read=_read,
        wrap=_wrap,
        payload_type=_payload_type,
        dc=dc,
        kept=KEPT,
        tls=ISO_20_TLS,
    )


AC_PROTOCOL: Final = _protocol(
    ISO_20_AC,
    False,
    charge_parameter_discovery.AC_STEP,
    schedule_exchange.AC_STEP,
    power_delivery.START_AC,
    ac_charge_loop.STEP,
    *_LOOP,
    ac_charge_loop.STANDBY,
    ac_charge_loop.RAMP_DOWN,
    power_delivery.STOP_AC,
    session_stop.STEP,
)
DC_PROTOCOL: Final = _protocol(
    ISO_20_DC,
    True,
    charge_parameter_discovery.DC_STEP,
    schedule_exchange.DC_STEP,
    cable_check.STEP,
    pre_charge.STEP,
    power_delivery.START_DC,
    dc_charge_loop.STEP,
    *_LOOP,
    dc_charge_loop.STANDBY,
    dc_charge_loop.RAMP_DOWN,
    power_delivery.STOP_DC,
    welding_detection.STEP,
    session_stop.STEP,
)
