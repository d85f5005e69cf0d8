"""Current limits of basic charging and phase count switching (guide 15.16, 15.20).

All limits are amperes per phase; -1 is no limit.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Direction, Payload, Topic

TOPIC_GLOBAL_DYN_CURRENT_LIMIT: Final = Topic(
    "TOPIC_GLOBAL_DYN_CURRENT_LIMIT",
    "ci/global/dyn_current_limit/+",
    Direction.ACCEPTED,
    Payload.DECIMAL_1,
    "Current limit per phase of a load manager under a name of its choice. The first five names count until"
    " restart; -1 is no limit; below 6 A no current is offered.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=1000,
    unit="A",
)
TOPIC_EVSE_BASIC_MAXCURRENTLIMIT: Final = Topic(
    "TOPIC_EVSE_BASIC_MAXCURRENTLIMIT",
    "ci/evse/basic/maxcurrentlimit",
    Direction.ACCEPTED,
    Payload.DECIMAL_1,
    "Current limit per phase of the whole charge point from OCPP smart charging. -1 is no limit; below 6 A no"
    " current is offered.",
    "15.16",
    "portd",
    minimum=-1,
    maximum=1000,
    unit="A",
)
TOPIC_CABLE_CURRENT_LIMIT: Final = Topic(
    "TOPIC_CABLE_CURRENT_LIMIT",
    "port0/cable_current_limit",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Current that the plugged-in cable carries, from the proximity pilot; -1 with a fixed cable.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=1000,
    unit="A",
)
TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL: Final = Topic(
    "TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL",
    "port0/ci/evse/basic/grid_current_limit/actual",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Rating of the grid connection, from the rotary switch; published once.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=100000,
    unit="A",
)
TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL: Final = Topic(
    "TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL",
    "port0/ci/evse/basic/evse_current_limit/actual",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Rating of the station's internal cabling, from ports[0]/evse_current_limit; published once.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=1000,
    unit="A",
)
TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT: Final = Topic(
    "TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT",
    "port0/ci/evse/basic/offered_current_limit",
    Direction.PUBLISHED,
    Payload.DECIMAL_1,
    "Current per phase that is offered: the minimum of all limits; 0.0 when it is below 6 A.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=10000,
    unit="A",
)
TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT: Final = Topic(
    "TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT",
    "port0/ci/evse/basic/physical_current_limit",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Current per phase that could be offered without dynamic limits: the minimum of grid, EVSE and cable.",
    "15.16",
    "portd",
    retain=True,
    minimum=-1,
    maximum=10000,
    unit="A",
)

TOPIC_EVSE_PHASE_TARGET: Final = Topic(
    "TOPIC_EVSE_PHASE_TARGET",
    "port0/ci/evse/phase/target",
    Direction.ACCEPTED,
    Payload.INTEGER,
    "Number of phases to charge with, 1 or 3; anything else is ignored.",
    "15.20",
    "portd",
    minimum=1,
    maximum=3,
)
TOPIC_EVSE_PHASE_ACTUAL: Final = Topic(
    "TOPIC_EVSE_PHASE_ACTUAL",
    "port0/ci/evse/phase/actual",
    Direction.PUBLISHED,
    Payload.INTEGER,
    "Number of phases that are switched to the EV: 1 or 3; 0 while off.",
    "15.20",
    "portd",
    retain=True,
    minimum=0,
    maximum=3,
)
TOPIC_EVSE_PHASE_SWITCH_DELAY: Final = Topic(
    "TOPIC_EVSE_PHASE_SWITCH_DELAY",
    "port0/ci/evse/phase/switch_delay",
    Direction.ACCEPTED,
    Payload.INTEGER,
    "Pause between switching all phases off and offering current again; anything outside is ignored.",
    "15.20",
    "portd",
    minimum=10,
    maximum=300,
    unit="s",
)
