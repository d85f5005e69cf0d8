"""ISO 15118-20 for the engine: one protocol for AC, one for DC and MCS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from v2g.common.terms import ISO_20_AC, ISO_20_DC, ISO_20_TLS
from v2g.common.timers import ISO20_MESSAGES, ISO20_TIMES
from v2g.secc.iso20 import (
    ac_charge_loop,
    ac_charge_parameter_discovery,
    authorization,
    authorization_setup,
    certificate_installation,
    dc_cable_check,
    dc_charge_loop,
    dc_charge_parameter_discovery,
    dc_pre_charge,
    dc_welding_detection,
    metering_confirmation,
    power_delivery,
    schedule_exchange,
    service_detail,
    service_discovery,
    service_selection,
    session_setup,
    session_stop,
)
from v2g.secc.iso20.services import on_offer
from v2g.secc.iso20.states import AC_STATES, DC_STATES
from v2g.secc.protocol import Exchange, Protocol, State, table
from v2g.secc.session import Session
from v2g.secc.station import Station
from v2gexi import v2gtp

_EXCHANGES: Final = (
    session_setup.EXCHANGE,
    authorization_setup.EXCHANGE,
    authorization.EXCHANGE,
    certificate_installation.EXCHANGE,
    service_discovery.EXCHANGE,
    service_detail.EXCHANGE,
    service_selection.EXCHANGE,
    ac_charge_parameter_discovery.EXCHANGE,
    dc_charge_parameter_discovery.EXCHANGE,
    schedule_exchange.EXCHANGE,
    dc_cable_check.EXCHANGE,
    dc_pre_charge.EXCHANGE,
    power_delivery.EXCHANGE,
    ac_charge_loop.EXCHANGE,
    dc_charge_loop.EXCHANGE,
    metering_confirmation.EXCHANGE,
    dc_welding_detection.EXCHANGE,
    session_stop.EXCHANGE,
)
"""Both kinds of messages in both protocols: one of the other kind is out of order, and gets its answer."""


def _read(message: Any) -> tuple[bytes, Any]:
    return message.Header.SessionID, message


def _wrap(session: Session, response: Any) -> Any:
    return response


def _protocol(namespace: str, states: Mapping[str, State]) -> Protocol:
    def fitting(exchange: Exchange) -> Exchange:
        return replace(
            exchange, leads_to=tuple(state for state in exchange.leads_to if not state or state in states)
        )

    def fits(station: Station, tls_version: str) -> bool:
        if tls_version != ISO_20_TLS and not station.setup.iso20_without_tls:
            return False
        return bool(on_offer(station.setup, station, namespace == ISO_20_AC))

    return Protocol(
        namespace=namespace,
        fits=fits,
        version=(1, 0),
        message_set="iso20-common",
        states=states,
        exchanges=table(*map(fitting, _EXCHANGES)),
        first="WaitForSessionSetup",
        times=ISO20_TIMES,
        messages=ISO20_MESSAGES,
        read=_read,
        wrap=_wrap,
        message_sets={
            v2gtp.PayloadType.COMMON: "iso20-common",
            v2gtp.PayloadType.AC: "iso20-ac",
            v2gtp.PayloadType.DC: "iso20-dc",
            v2gtp.PayloadType.SCHEDULE_RENEGOTIATION: "iso20-common",
            v2gtp.PayloadType.METERING_CONFIRMATION: "iso20-common",
        },
    )


AC_PROTOCOL: Final = _protocol(ISO_20_AC, AC_STATES)
DC_PROTOCOL: Final = _protocol(ISO_20_DC, DC_STATES)
