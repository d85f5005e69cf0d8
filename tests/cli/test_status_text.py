"""What the status says, from values of topics alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargectl.cli.status_text import as_json, lines, status_of
from chargectl.declarations import topics

ONLINE: dict[str, Any] = {topics.TOPIC_PORTD_ONLINE.path: True, topics.TOPIC_PORTD_ERRORS.path: []}
STATE = topics.TOPIC_CHARGE_CP_STATUS.path
DUTY = topics.TOPIC_CHARGE_PWM_STATUS.path
OFFERED = topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT.path
CHARGING = topics.TOPIC_CHARGING.path
LOCK_TARGET = topics.TOPIC_PLUG_LOCK.path
VENTILATION = topics.TOPIC_VENTILATION_AVAILABLE.path
ERRORS = topics.TOPIC_PORTD_ERRORS.path


@pytest.mark.parametrize(
    ("values", "state", "text"),
    [
        ({STATE: "A", DUTY: 100.0}, "available", "no car"),
        (
            {STATE: "B", DUTY: 100.0, OFFERED: 16.0, LOCK_TARGET: False},
            "waiting_authorization",
            "car connected, waiting for authorisation",
        ),
        (
            {STATE: "B", DUTY: 100.0, OFFERED: 16.0, LOCK_TARGET: True},
            "preparing",
            "car connected, the session is being prepared",
        ),
        (
            {STATE: "B", DUTY: 26.66, OFFERED: 16.0},
            "waiting_car",
            "car connected, waiting for the car to ask for energy",
        ),
        (
            {STATE: "C", DUTY: 26.66, OFFERED: 16.0, CHARGING: False},
            "starting",
            "the car asks for energy, power is about to be switched on",
        ),
        ({STATE: "C", DUTY: 26.66, OFFERED: 16.0, CHARGING: True}, "charging", "charging at 16.0 A"),
        (
            {STATE: "C", DUTY: 100.0, OFFERED: 0.0, CHARGING: True},
            "paused",
            "power is on, but a limit below 6 A offers no current",
        ),
        (
            {STATE: "B", DUTY: 100.0, OFFERED: 0.0, LOCK_TARGET: True},
            "paused",
            "car connected, but a limit below 6 A offers no current",
        ),
        (
            {STATE: "D", DUTY: 100.0, OFFERED: 16.0, LOCK_TARGET: True, VENTILATION: False},
            "unventilated",
            "the car needs ventilation, which is not available",
        ),
        ({STATE: "F", DUTY: 0.0}, "unavailable", "out of service: the control pilot is in state F"),
        ({}, "unknown", "portd has not told the state of the control pilot"),
        (
            {STATE: "F", DUTY: 0.0, ERRORS: ["EmergencyShutdown"]},
            "error",
            "error: the emergency switch is asserted",
        ),
        (
            {STATE: "C", DUTY: 21.66, OFFERED: 13.0, CHARGING: True, ERRORS: ["ProximityChanged"]},
            "charging",
            "charging at 13.0 A",
        ),
    ],
)
def test_state_in_words(values: dict[str, Any], state: str, text: str) -> None:
    status = status_of({**ONLINE, **values})
    assert (status.state, status.text, status.online) == (state, text, True)


@pytest.mark.parametrize("online", [{}, {topics.TOPIC_PORTD_ONLINE.path: False}])
def test_what_portd_left_behind_is_no_status(online: dict[str, Any]) -> None:
    left = {STATE: "C", CHARGING: True, ERRORS: ["EmergencyShutdown"], **online}
    assert status_of(left).state == "offline"
    assert lines(left) == ["portd is offline"]


def test_errors_come_with_their_meaning_and_how_they_end() -> None:
    values = {**ONLINE, STATE: "F", ERRORS: ["ReaderFailure", "FromTheFuture"]}
    assert lines(values)[-3:] == [
        "errors:",
        "  ReaderFailure: the RFID reader does not answer; it ends when the cause is gone",
        "  FromTheFuture: this version does not know this error; it ends unknown",
    ]


def test_lines_hold_what_was_published_and_nothing_else() -> None:
    values: dict[str, Any] = {
        **ONLINE,
        STATE: "C",
        DUTY: 16.66,
        CHARGING: True,
        OFFERED: 10.0,
        topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT.path: 16,
        topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL.path: 16,
        topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL.path: 32,
        topics.TOPIC_CABLE_CURRENT_LIMIT.path: -1,
        "ci/global/dyn_current_limit/house": 10.0,
        "ci/global/dyn_current_limit/sun": -1.0,
        topics.TOPIC_CHARGE_PLUG_STATUS.path: "locked",
        topics.TOPIC_CONTACTOR_STATE_ACTUAL.path: True,
        topics.TOPIC_EVSE_PHASE_ACTUAL.path: 3,
        topics.TOPIC_EMERGENCY_SHUTDOWN.path: False,
    }
    assert lines(values) == [
        "charging at 10.0 A",
        "  pilot           state C, PWM 16.66 %",
        "  current         offered 10 A, physical limit 16 A",
        "  limits          grid 16 A, EVSE 32 A, cable no limit",
        "  dynamic limits  house 10 A, sun no limit",
        "  plug lock       locked",
        "  contactor       closed, 3 phases",
        "  emergency       no",
    ]


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ({topics.TOPIC_RCD_STATE_ACTUAL.path: True}, "ok"),
        ({topics.TOPIC_RCD_STATE_ACTUAL.path: False}, "tripped"),
        (
            {topics.TOPIC_RCD_STATE_ACTUAL.path: True, topics.TOPIC_RCD_FEEDBACK_AVAILABLE.path: False},
            "not monitored",
        ),
    ],
)
def test_an_rcd_that_nobody_watches_is_not_called_ok(values: dict[str, Any], row: str) -> None:
    assert lines({**ONLINE, STATE: "A", **values})[-1] == f"  RCD    {row}"


def test_json_has_stable_names_and_every_topic() -> None:
    moment = datetime(2023, 6, 23, 6, 54, 55, 123_000, tzinfo=UTC)
    values: dict[str, Any] = {
        **ONLINE,
        STATE: "F",
        ERRORS: ["EmergencyShutdown"],
        topics.TOPIC_RCD_TEST_TIMESTAMP.path: moment,
    }
    assert as_json(values) == {
        "state": "error",
        "text": "error: the emergency switch is asserted",
        "online": True,
        "errors": [
            {
                "code": "EmergencyShutdown",
                "meaning": "the emergency switch is asserted",
                "ends": "when the cause is gone; power returns only after the EV was unplugged",
            }
        ],
        "topics": {
            "chargectl/portd/errors": ["EmergencyShutdown"],
            "chargectl/portd/online": True,
            "port0/ci/charge/cp/status": "F",
            "port0/rcd/test/timestamp": "2023-06-23T06:54:55.123Z",
        },
    }
