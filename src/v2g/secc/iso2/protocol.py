"""ISO 15118-2 for the engine."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import ISO_2
from v2g.common.timers import ISO2_MESSAGES, ISO2_TIMES
from v2g.secc.iso2 import (
    authorization,
    certificates,
    charge_parameter_discovery,
    charging_status,
    current_demand,
    metering_receipt,
    payment_details,
    payment_service_selection,
    power_delivery,
    service_detail,
    service_discovery,
    session_setup,
    session_stop,
)
from v2g.secc.iso2.states import STATES
from v2g.secc.protocol import Protocol, table
from v2g.secc.session import Session
from v2g.secc.shared.cable_check import cable_check
from v2g.secc.shared.pre_charge import pre_charge
from v2g.secc.shared.welding_detection import welding_detection
from v2gexi import iso2


def _read(message: Any) -> tuple[bytes, Any]:
    return message.Header.SessionID, message.Body.BodyElement


def _wrap(session: Session, response: Any) -> Any:
    # Only a certificate from a backend is signed, and not by the station.
    signature = session.agreed.pop("signature", None)
    return iso2.V2G_Message(
        Header=iso2.MessageHeaderType(SessionID=session.session_id, Signature=signature),
        Body=iso2.BodyType(BodyElement=response),
    )


PROTOCOL: Final = Protocol(
    namespace=ISO_2,
    version=(2, 0),
    message_set="iso2",
    states=STATES,
    exchanges=table(
        session_setup.EXCHANGE,
        service_discovery.EXCHANGE,
        service_detail.EXCHANGE,
        payment_service_selection.EXCHANGE,
        certificates.INSTALLATION,
        certificates.UPDATE,
        payment_details.EXCHANGE,
        authorization.EXCHANGE,
        charge_parameter_discovery.EXCHANGE,
        power_delivery.EXCHANGE,
        charging_status.EXCHANGE,
        cable_check(iso2),
        pre_charge(iso2),
        current_demand.EXCHANGE,
        metering_receipt.EXCHANGE,
        welding_detection(iso2),
        session_stop.EXCHANGE,
    ),
    first="WaitForSessionSetup",
    times=ISO2_TIMES,
    messages=ISO2_MESSAGES,
    read=_read,
    wrap=_wrap,
)
