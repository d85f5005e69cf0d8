"""DIN SPEC 70121 for the engine."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.timers import DIN_MESSAGES, DIN_TIMES
from v2g.secc.din import (
    charge_parameter_discovery,
    contract_authentication,
    current_demand,
    power_delivery,
    service_discovery,
    service_payment_selection,
    session_setup,
    session_stop,
)
from v2g.secc.din.states import STATES
from v2g.secc.protocol import Protocol, table
from v2g.secc.session import Session
from v2g.secc.shared.cable_check import cable_check
from v2g.secc.shared.pre_charge import pre_charge
from v2g.secc.shared.welding_detection import welding_detection
from v2g.secc.station import Station
from v2gexi import din


def _read(message: Any) -> tuple[bytes, Any]:
    return message.Header.SessionID, message.Body.BodyElement


def _wrap(session: Session, response: Any) -> Any:
    return din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=session.session_id), Body=din.BodyType(BodyElement=response)
    )


def _fits(station: Station, tls_version: str) -> bool:
    return any(mode.dc for mode in station.setup.energy_modes)


PROTOCOL: Final = Protocol(
    namespace="urn:din:70121:2012:MsgDef",
    version=(2, 0),
    message_set="din",
    states=STATES,
    exchanges=table(
        session_setup.EXCHANGE,
        service_discovery.EXCHANGE,
        service_payment_selection.EXCHANGE,
        contract_authentication.EXCHANGE,
        charge_parameter_discovery.EXCHANGE,
        cable_check(din),
        pre_charge(din),
        power_delivery.EXCHANGE,
        current_demand.EXCHANGE,
        welding_detection(din),
        session_stop.EXCHANGE,
    ),
    first="WaitForSessionSetup",
    times=DIN_TIMES,
    messages=DIN_MESSAGES,
    read=_read,
    wrap=_wrap,
    fits=_fits,
)
