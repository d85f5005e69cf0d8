"""The session that a demonstration plays: from plugging in to unplugging, then an emergency and a trip.

It is written for the demonstration's configuration and a rotary switch on 16 A.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations import topics
from chargectl.sim.demo import (
    Expectation,
    Step,
    is_,
    is_about,
    never_said,
    no_hazard,
    pilot_volts,
    said,
    said_anything,
    says,
    says_about,
    went,
)

LIMIT_NAME: Final = "house"
FULL_A: Final = 16.0
"""What the rotary switch's position B allows; cable and station carry more."""
LESS_A: Final = 10.0
TOO_LITTLE_A: Final = 5.0

_PWM: Final = topics.TOPIC_CHARGE_PWM_STATUS
_STATE: Final = topics.TOPIC_CHARGE_CP_STATUS
_OFFERED: Final = topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT
_CONTACTOR: Final = topics.TOPIC_CONTACTOR_STATE_ACTUAL
_PLUG: Final = topics.TOPIC_CHARGE_PLUG_STATUS
_ERRORS: Final = topics.TOPIC_PORTD_ERRORS


def _duty(ampere: float) -> float:
    """Duty cycle in percent that offers a current up to 51 A (IEC 61851-1 Table A.7)."""
    return ampere / 0.6


def _rcd_test_passed() -> tuple[Expectation, ...]:
    return (
        said_anything(topics.TOPIC_RCD_TEST_TIMESTAMP),
        says(topics.TOPIC_RCD_ERROR, ""),
        never_said(topics.TOPIC_RCD_STATE_ACTUAL, False),
        went(("rcd_test", True), ("rcd_tripped", True), ("rcd_test", False), ("rcd_tripped", False)),
    )


def _flowing(ampere: float) -> tuple[Expectation, ...]:
    return (
        says(_OFFERED, ampere),
        says_about(_PWM, _duty(ampere), 0.05),
        says(_CONTACTOR, True),
        is_about("duty", _duty(ampere), 0.05),
        is_("contactor_1", True),
        is_about("current_a", ampere, 0.1),
    )


STEPS: Final[tuple[Step, ...]] = (
    Step(
        "start: the RCD is tested, nothing is plugged in",
        None,
        (
            says(_STATE, "A"),
            says(_ERRORS, []),
            said_anything(topics.TOPIC_RCD_TEST_TIMESTAMP),
            is_("rcd_test", False),
            pilot_volts(12.0),
            is_("contactor_1", False),
            is_("lock", "unlocked"),
        ),
        within_s=20.0,
    ),
    Step(
        "plug in: the car is seen, the cable's rating counts",
        lambda desk: desk.board.do("plug"),
        (
            says(_STATE, "B"),
            says(topics.TOPIC_CABLE_CURRENT_LIMIT, 32),
            says(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, int(FULL_A)),
            is_("plugged", True),
            pilot_volts(9.0),
            is_("duty", 100.0),
        ),
    ),
    Step("the RCD is tested before the session", None, _rcd_test_passed()),
    Step(
        "authorise: the lock is driven, then current is offered",
        lambda desk: desk.authorise(True),
        (
            said(_PLUG, "locked"),
            says(_OFFERED, FULL_A),
            says_about(_PWM, _duty(FULL_A), 0.05),
            went(("lock", "between"), ("lock", "locked"), ("pilot", "PWM")),
            is_about("duty", _duty(FULL_A), 0.05),
        ),
    ),
    Step(
        "the car asks for energy: the contactor closes and current flows",
        None,
        (
            says(_STATE, "C"),
            says(topics.TOPIC_CONTACTOR_STATE_TARGET, True),
            says(topics.TOPIC_CHARGING, True),
            pilot_volts(6.0),
            is_("car_asks", True),
            *_flowing(FULL_A),
        ),
    ),
    Step(
        f"limit to {LESS_A:g} A: the offer and the current follow",
        lambda desk: desk.limit(LIMIT_NAME, LESS_A),
        (says(topics.TOPIC_CHARGING, True), *_flowing(LESS_A)),
    ),
    Step(
        f"limit to {TOO_LITTLE_A:g} A: the offer ends, the contactor stays until the car leaves C",
        lambda desk: desk.limit(LIMIT_NAME, TOO_LITTLE_A),
        (
            says(_OFFERED, 0.0),
            says(_PWM, 100.0),
            said(_STATE, "B"),
            says(_CONTACTOR, False),
            went(("duty", 100.0), ("car_asks", False), ("contactor_1", False)),
            is_("lock", "locked"),
        ),
    ),
    Step(
        f"limit back to {FULL_A:g} A: charging goes on, 6 s after the contactor opened",
        lambda desk: desk.limit(LIMIT_NAME, FULL_A),
        (says(_STATE, "C"), *_flowing(FULL_A), no_hazard()),
        within_s=25.0,
    ),
    Step(
        "withdraw the authorization: the offer ends, the car stops, contactor and lock open",
        lambda desk: desk.authorise(False),
        (
            says(_PWM, 100.0),
            said(_STATE, "B"),
            said(_CONTACTOR, False),
            says(topics.TOPIC_CHARGING, False),
            says(_PLUG, "unlocked"),
            went(
                ("duty", 100.0),
                ("car_asks", False),
                ("contactor_1", False),
                ("lock", "between"),
                ("lock", "unlocked"),
            ),
            is_("current_a", 0.0),
        ),
    ),
    Step(
        "unplug",
        lambda desk: desk.board.do("unplug"),
        (says(_STATE, "A"), says(_ERRORS, []), is_("plugged", False), pilot_volts(12.0)),
    ),
    Step(
        "press the emergency switch: the port is out of service",
        lambda desk: desk.board.do("press_emergency"),
        (
            says(topics.TOPIC_EMERGENCY_SHUTDOWN, True),
            says(_ERRORS, ["EmergencyShutdown"]),
            says(_PWM, 0.0),
            is_("emergency", True),
            is_("pilot", "steady -12 V"),
            is_("contactor_1", False),
        ),
    ),
    Step(
        "release the emergency switch",
        lambda desk: desk.board.do("release_emergency"),
        (
            says(topics.TOPIC_EMERGENCY_SHUTDOWN, False),
            says(_ERRORS, []),
            says(_STATE, "A"),
            is_("emergency", False),
            pilot_volts(12.0),
        ),
    ),
    Step(
        "trip the RCD: the port is out of service",
        lambda desk: desk.board.do("trip_rcd"),
        (
            says(topics.TOPIC_RCD_STATE_ACTUAL, False),
            says(topics.TOPIC_RCD_ERROR, "SpuriousRcdError"),
            says(_PWM, 0.0),
            is_("rcd_tripped", True),
            is_("pilot", "steady -12 V"),
        ),
    ),
    Step(
        "reset the RCD: it is healthy again, the error stays",
        lambda desk: desk.board.do("reset_rcd"),
        (
            says(topics.TOPIC_RCD_STATE_ACTUAL, True),
            says(topics.TOPIC_RCD_ERROR, "SpuriousRcdError"),
            is_("rcd_tripped", False),
            is_("pilot", "steady -12 V"),
        ),
    ),
    Step(
        "ask for an RCD test: it passes, the port is back",
        lambda desk: desk.publish(topics.TOPIC_RCD_TEST_PERFORM, None),
        (
            *_rcd_test_passed(),
            says(_ERRORS, []),
            says(_STATE, "A"),
            pilot_volts(12.0),
            no_hazard(),
        ),
    ),
)
