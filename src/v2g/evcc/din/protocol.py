"""DIN SPEC 70121 for the engine."""

from __future__ import annotations

from typing import Final

from v2g.common.terms import DIN
from v2g.common.timers import DIN_MESSAGES, DIN_TIMES
from v2g.evcc.din import (
    charge_parameter_discovery,
    contract_authentication,
    power_delivery,
    service_discovery,
    service_payment_selection,
    session_stop,
)
from v2g.evcc.protocol import Go, Protocol, table
from v2g.evcc.shared.cable_check import cable_check
from v2g.evcc.shared.current_demand import current_demand, ramp_down
from v2g.evcc.shared.messages import payload_type, read, wrapper
from v2g.evcc.shared.pre_charge import pre_charge
from v2g.evcc.shared.session_setup import session_setup
from v2g.evcc.shared.welding_detection import welding_detection
from v2gexi import din, v2gtp

PROTOCOL: Final = Protocol(
    namespace=DIN,
    version=(2, 0),
    steps=table(
        session_setup(din),
        service_discovery.STEP,
        service_payment_selection.STEP,
        contract_authentication.STEP,
        charge_parameter_discovery.STEP,
        cable_check(din),
        pre_charge(din),
        power_delivery.START,
        current_demand(din, lambda session, response: Go("CurrentDemand")),
        ramp_down(din, "RampDown", after="PowerDeliveryStop", stop="PowerDeliveryStop"),
        power_delivery.STOP,
        welding_detection(din),
        session_stop.STEP,
    ),
    first="SessionSetup",
    times=DIN_TIMES,
    messages=DIN_MESSAGES,
    message_sets={v2gtp.PayloadType.EXI: "din"},
    read=read,
    wrap=wrapper(din),
    payload_type=payload_type,
    pausable=False,
    dc=True,
)
