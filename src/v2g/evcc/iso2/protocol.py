"""ISO 15118-2 for the engine."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import ISO_2
from v2g.common.timers import ISO2_MESSAGES, ISO2_TIMES
from v2g.evcc.iso2 import (
    authorization,
    certificates,
    charge_parameter_discovery,
    charging_status,
    metering_receipt,
    payment_details,
    payment_service_selection,
    power_delivery,
    service_detail,
    service_discovery,
    session_stop,
)
from v2g.evcc.protocol import Go, Move, Protocol, Step, table
from v2g.evcc.session import Session
from v2g.evcc.shared.cable_check import cable_check
from v2g.evcc.shared.current_demand import current_demand, ramp_down
from v2g.evcc.shared.messages import payload_type, read, wrapper
from v2g.evcc.shared.pre_charge import pre_charge
from v2g.evcc.shared.session_setup import session_setup
from v2g.evcc.shared.welding_detection import welding_detection
from v2gexi import iso2, v2gtp


def _after_demand(session: Session, response: Any) -> Move:
    return metering_receipt.meter(session, response, "CurrentDemand") or Go("CurrentDemand")


def _ramp_down(name: str, after: str) -> Step:
    def receipt(session: Session, response: Any) -> Move | None:
        return metering_receipt.meter(session, response, name)

    return ramp_down(
        iso2, name, after, stop="PowerDeliveryStop", first=receipt, leads_to=("MeteringReceipt",)
    )


PROTOCOL: Final = Protocol(
    namespace=ISO_2,
    version=(2, 0),
    steps=table(
        session_setup(iso2),
        service_discovery.STEP,
        service_detail.STEP,
        payment_service_selection.STEP,
        certificates.INSTALLATION,
        certificates.UPDATE,
        payment_details.STEP,
        authorization.STEP,
        charge_parameter_discovery.STEP,
        cable_check(iso2),
        pre_charge(iso2),
        power_delivery.START,
        current_demand(
            iso2,
            _after_demand,
            "MeteringReceipt",
            "RampDownToRenegotiate",
            renegotiate="RampDownToRenegotiate",
        ),
        charging_status.STEP,
        metering_receipt.STEP,
        _ramp_down("RampDownToRenegotiate", "PowerDeliveryRenegotiate"),
        charging_status.ramp_down_ac(
            "RampDownAcToRenegotiate", after="PowerDeliveryRenegotiate", stop="PowerDeliveryStop"
        ),
        power_delivery.RENEGOTIATE,
        _ramp_down("RampDown", "PowerDeliveryStop"),
        charging_status.ramp_down_ac("RampDownAc", after="PowerDeliveryStop", stop="PowerDeliveryStop"),
        power_delivery.STOP,
        welding_detection(iso2),
        session_stop.STEP,
    ),
    first="SessionSetup",
    times=ISO2_TIMES,
    messages=ISO2_MESSAGES,
    message_sets={v2gtp.PayloadType.EXI: "iso2"},
    read=read,
    wrap=wrapper(iso2),
    payload_type=payload_type,
    kept=("service", "schedule_id"),
)
