from __future__ import annotations

import pytest

from chargectl.declarations.keys import by_path
from chargectl.declarations.leds import (
    COLORS,
    CONDITION_NAMES,
    CONDITIONS,
    DURATION_UNIT_MS,
    MODES,
    SHIPPED_LEDS,
)
from chargectl.declarations.locks import DEFAULT_LOCK, LOCK_NAMES, LOCKS, by_name
from chargectl.declarations.rotary import ROTARY_TABLE
from chargectl.declarations.types import ConfigFile, JsonValue, LockFeedback

NO, NC, NONE = LockFeedback.NORMALLY_OPEN, LockFeedback.NORMALLY_CLOSED, LockFeedback.NONE


@pytest.mark.spec(27)
@pytest.mark.parametrize(
    ("name", "drive_ms", "unlocked_mv", "locked_mv", "feedback"),
    [
        ("KUESTER-02S", 600, (2900, 3300), (0, 700), NO),
        ("EV-T2M3S-E-LOCK12V", 600, (2900, 3300), (0, 700), NO),
        ("EV-T2M3SM-E-LOCK12V", 600, (2900, 3300), (0, 700), NO),
        ("KUESTER-04S", 600, (2700, 3300), (0, 1950), NO),
        ("HELLA-MICRO-ACTUATOR-1", 400, (2900, 3300), (0, 950), NC),
        ("WALTHER-WERKE-9798999009", 400, (2900, 3300), (0, 950), NC),
        ("INTRAMCO-603205", 400, (2900, 3300), (0, 950), NC),
        ("SCAME-200.23260BS", 500, (2900, 3300), (0, 700), NO),
        ("SCAME-200.23261BS", 500, (2900, 3300), (0, 700), NO),
        ("SCAME-200.23261BP", 500, (2700, 3300), (0, 950), NO),
        ("SCAME-200.23261BL", 500, (0, 3300), (0, 3300), NONE),
    ],
)
def test_lock_figures(
    name: str,
    drive_ms: int,
    unlocked_mv: tuple[int, int],
    locked_mv: tuple[int, int],
    feedback: LockFeedback,
):
    lock = by_name(name)
    assert lock is not None
    assert (lock.drive_ms, lock.unlocked_mv, lock.locked_mv, lock.feedback) == (
        drive_ms,
        unlocked_mv,
        locked_mv,
        feedback,
    )


@pytest.mark.spec(27)
def test_eleven_lock_types_can_be_selected():
    assert len(LOCK_NAMES) == len(set(LOCK_NAMES)) == 11
    key = by_path(ConfigFile.CUSTOMER, "ports[0]/plug_lock/type")
    assert key is not None
    assert set(key.allowed) == set(LOCK_NAMES)
    assert key.default == DEFAULT_LOCK == "EV-T2M3S-E-LOCK12V"


def test_lock_windows_overlap_only_without_feedback():
    for lock in LOCKS:
        apart = lock.locked_mv[1] < lock.unlocked_mv[0]
        assert apart == (lock.feedback is not LockFeedback.NONE), lock.name


def test_an_unknown_lock_is_not_found():
    assert by_name("KUESTER") is None
    assert by_name("kuester-02s") is None


@pytest.mark.spec(19)
def test_rotary_positions():
    currents = (6, 10, 13, 16, 20, 32, 40, 63)
    assert list(ROTARY_TABLE) == [(1, a) for a in currents] + [(3, a) for a in currents]


def test_rotary_keys_default_to_the_table():
    for position, (phases, limit) in enumerate(ROTARY_TABLE):
        phase_count = by_path(ConfigFile.ROTARY, f"rotary_switch_1[{position}]/phase_count")
        current_limit = by_path(ConfigFile.ROTARY, f"rotary_switch_1[{position}]/current_limit")
        assert phase_count is not None
        assert current_limit is not None
        assert (phase_count.default, current_limit.default) == (phases, limit)
        assert (current_limit.minimum, current_limit.maximum) == (1, 10000)
        assert {phase_count.minimum, phase_count.maximum, *phase_count.also_allowed} == {1, 3}


def test_led_conditions_are_those_of_the_guide():
    assert len(CONDITIONS) == 15
    assert set(CONDITION_NAMES) == {
        "init",
        "updating",
        "auth_pending",
        "auth_accepted",
        "auth_rejected",
        "ready",
        "deactivated",
        "reserved",
        "connected",
        "charge_request",
        "ventilation_request",
        "charge_1",
        "ventilation_1",
        "error",
        "failure",
    }


def test_led_priorities():
    assert [condition.priority for condition in CONDITIONS] == list(range(1, 16))
    order = {condition.name: condition.priority for condition in CONDITIONS}
    assert (
        order["failure"] < order["error"] < min(v for k, v in order.items() if k not in ("failure", "error"))
    )
    assert order["ready"] == 15
    lasting = ("charge_1", "ventilation_1", "charge_request", "ventilation_request", "connected", "reserved")
    for answer in ("auth_pending", "auth_accepted", "auth_rejected"):
        assert all(order[answer] < order[name] for name in lasting)


def test_led_modes_and_colors():
    assert {name: (mode.on_ms, mode.off_ms) for name, mode in MODES.items()} == {
        "solid": (0, 0),
        "blink_slow": (1000, 1000),
        "blink_fast": (100, 100),
    }
    assert {name: "".join("rgb"[i] for i in range(3) if rgb[i]) for name, rgb in COLORS.items()} == {
        "black": "",
        "white": "rgb",
        "red": "r",
        "green": "g",
        "blue": "b",
        "cyan": "gb",
        "yellow": "rg",
        "magenta": "rb",
    }
    assert DURATION_UNIT_MS == 100


def shipped_led() -> dict[str, JsonValue]:
    (led,) = SHIPPED_LEDS
    assert isinstance(led, dict)
    return led


def test_the_shipped_led_shows_ready_charging_and_error_on_output_1():
    led = shipped_led()
    assert led["gpios"] == [84]
    behaviors = led["behaviors"]
    assert isinstance(behaviors, list)
    shown: dict[JsonValue, JsonValue] = {}
    for behavior in behaviors:
        assert isinstance(behavior, dict)
        assert behavior["color"] != "black"
        assert behavior["duration"] == 0
        shown[str(behavior["condition"])] = behavior["mode"]
    assert shown == {
        "ready": "solid",
        "charge_1": "blink_slow",
        "ventilation_1": "blink_slow",
        "error": "blink_fast",
        "failure": "blink_fast",
    }


def test_shipped_leds_use_declared_keys_only():
    led = shipped_led()
    behaviors = led["behaviors"]
    assert isinstance(behaviors, list)
    for behavior in behaviors:
        assert isinstance(behavior, dict)
        for name, value in behavior.items():
            key = by_path(ConfigFile.LEDS, f"leds[0]/behaviors[0]/{name}")
            assert key is not None
            assert not key.allowed or value in key.allowed
