"""The session that a demonstration of ISO 15118 plays: plug in, match, negotiate, charge, stop, unplug.

It is written for the demonstration's configuration with ``charging_type`` highlevel and a rotary switch on
16 A. The customer's software, here the desk, releases the phases by EVSEProcessing as guide 15.22 says.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations import topics
from chargectl.sim.demo import Step, is_, is_about, no_hazard, pilot_volts, said, said_anything, says, went
from chargectl.sim.stage_desk import Desk

FULL_A: Final = 16.0
"""What the rotary switch's position B allows; cable and car carry more."""
HLC_DUTY: Final = 5.0
_STOP: Final = 1


def _release_authorisation(desk: Desk) -> None:
    desk.authorise(True)
    desk.release(topics.TOPIC_EVSE_AUTH_EVSEPROCESSING)


DIGITAL_STEPS: Final[tuple[Step, ...]] = (
    Step(
        "start: the RCD is tested, nothing is plugged in",
        None,
        (
            says(topics.TOPIC_CHARGE_CP_STATUS, "A"),
            says(topics.TOPIC_PORTD_ERRORS, []),
            is_("rcd_test", False),
            pilot_volts(12.0),
            is_("contactor_1", False),
        ),
        within_s=20.0,
    ),
    Step(
        "plug in: the modem is ready, 5 % duty asks for communication",
        lambda desk: desk.board.do("plug"),
        (
            says(topics.TOPIC_CHARGE_CP_STATUS, "B"),
            said(topics.TOPIC_CHARGE_PWM_STATUS, HLC_DUTY),
            went(("duty", HLC_DUTY)),
        ),
        within_s=20.0,
    ),
    Step(
        "station and car match over the power line; the car connects",
        None,
        (
            said_anything(topics.TOPIC_V2G_MAC),
            said(topics.TOPIC_CHARGE_INIT_PROTOCOL, "ISO15118"),
            said(topics.TOPIC_CHARGE_INIT_STATUS, "started"),
            says(topics.TOPIC_CHARGE_TCP_STATUS, True),
        ),
        within_s=30.0,
    ),
    Step(
        "authorise: the session goes on to its parameters",
        _release_authorisation,
        (
            said(topics.TOPIC_CHARGE_AUTH_STATUS, "finished"),
            says(topics.TOPIC_CHARGE_PARAMETER_STATUS, "started"),
        ),
        within_s=20.0,
    ),
    Step(
        "release the parameters: lock, state C, contactor, and current flows",
        lambda desk: desk.release(topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING),
        (
            says(topics.TOPIC_CHARGE_CHARGE_STATUS, "started"),
            says(topics.TOPIC_CHARGE_CP_STATUS, "C"),
            says(topics.TOPIC_CONTACTOR_STATE_ACTUAL, True),
            says(topics.TOPIC_CHARGING, True),
            went(("contactor_1", True)),
            is_("lock", "locked"),
            is_("duty", HLC_DUTY),
            is_about("current_a", FULL_A, 0.1),
        ),
        within_s=20.0,
    ),
    Step(
        "ask the car to stop: it stops drawing, the contactor opens, the session ends",
        lambda desk: desk.publish(topics.TOPIC_EVSE_CHARGE_NOTIFICATION, _STOP),
        (
            said(topics.TOPIC_CHARGE_CHARGE_STATUS, "finished"),
            said(topics.TOPIC_CHARGE_CP_STATUS, "B"),
            said(topics.TOPIC_CONTACTOR_STATE_ACTUAL, False),
            said_anything(topics.TOPIC_EV_STOP_PROGRESS),
            went(("contactor_1", False)),
            is_("current_a", 0.0),
        ),
        within_s=20.0,
    ),
    Step(
        "withdraw the authorization: the plug is free",
        lambda desk: desk.authorise(False),
        (says(topics.TOPIC_CHARGE_PLUG_STATUS, "unlocked"), is_("lock", "unlocked")),
        within_s=20.0,
    ),
    Step(
        "unplug",
        lambda desk: desk.board.do("unplug"),
        (
            says(topics.TOPIC_CHARGE_CP_STATUS, "A"),
            says(topics.TOPIC_CHARGE_TCP_STATUS, False),
            says(topics.TOPIC_PORTD_ERRORS, []),
            pilot_volts(12.0),
            no_hazard(),
        ),
    ),
)
