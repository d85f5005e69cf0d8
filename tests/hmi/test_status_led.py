"""The station's status LED over time."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations.leds import COLORS, CONDITION_NAMES, MODES, SHIPPED_LEDS
from chargectl.hmi.status_led import Behaviour, Indicator, StatusLed

ONE = (84,)
RGB = (84, 85, 86)


def shipped() -> StatusLed:
    (led,) = cast("list[dict[str, Any]]", SHIPPED_LEDS)
    return StatusLed(tuple(led["gpios"]), tuple(Behaviour(**item) for item in led["behaviors"]))


def indicator(*behaviours: Behaviour, gpios: tuple[int, ...] = ONE) -> Indicator:
    return Indicator([StatusLed(gpios, behaviours)])


def levels_over(leds: Indicator, conditions: set[str], times: range) -> list[bool]:
    lit = False
    seen = []
    for now in times:
        lit = leds.update(conditions, now).get(84, lit)
        seen.append(lit)
    return seen


@pytest.mark.spec(296)
def test_ready_is_solid() -> None:
    leds = Indicator([shipped()])
    assert leds.update({"ready"}, 0) == {84: True}
    assert leds.deadline is None
    assert leds.update({"ready"}, 3_600_000) == {}


@pytest.mark.spec(296, 297)
@pytest.mark.parametrize(
    ("condition", "half_ms"), [("charge_1", 1000), ("ventilation_1", 1000), ("error", 100), ("failure", 100)]
)
def test_charging_blinks_slowly_and_errors_fast(condition: str, half_ms: int) -> None:
    leds = Indicator([shipped()])
    seen = levels_over(leds, {"ready", condition}, range(0, 4 * half_ms, 50))
    part = half_ms // 50
    assert seen == ([True] * part + [False] * part) * 2


@pytest.mark.spec(296)
def test_the_deadline_is_the_next_toggle() -> None:
    leds = Indicator([shipped()])
    now, changes = 500, []
    for _ in range(5):
        changes.append((now, leds.update({"charge_1"}, now)))
        assert leds.deadline is not None
        now = leds.deadline
    assert changes == [
        (500, {84: True}),
        (1500, {84: False}),
        (2500, {84: True}),
        (3500, {84: False}),
        (4500, {84: True}),
    ]


def test_a_late_call_keeps_the_rhythm() -> None:
    leds = indicator(Behaviour("error", "blink_fast", "white"))
    leds.update({"error"}, 0)
    assert leds.update({"error"}, 130) == {84: False}
    assert leds.deadline == 200
    assert leds.update({"error"}, 360) == {}
    assert leds.deadline == 400


@pytest.mark.spec(297)
def test_the_fifteen_conditions_by_priority() -> None:
    """Each condition shows over all below it: the one whose turn it is lights, all others are dark."""
    for index, shown in enumerate(CONDITION_NAMES):
        behaviours = [
            Behaviour(name, "solid", "white" if name == shown else "black") for name in CONDITION_NAMES
        ]
        leds = indicator(*behaviours)
        assert leds.update(set(CONDITION_NAMES[index:]), 0) == {84: True}
        assert leds.update(set(CONDITION_NAMES), 1) == ({} if index == 0 else {84: False})
    assert len(CONDITION_NAMES) == 15


@pytest.mark.spec(297)
@pytest.mark.parametrize("color", COLORS)
def test_colors_on_red_green_blue(color: str) -> None:
    red, green, blue = COLORS[color]
    leds = indicator(Behaviour("ready", "solid", color), gpios=RGB)
    assert leds.update({"ready"}, 0) == {84: red, 85: green, 86: blue}


@pytest.mark.spec(297)
def test_the_order_of_gpios_is_red_green_blue() -> None:
    behaviours = [Behaviour("error", "solid", "red"), Behaviour("ready", "solid", "cyan")]
    leds = indicator(*behaviours, gpios=(89, 85, 84))
    assert leds.update({"ready"}, 0) == {89: False, 85: True, 84: True}
    assert leds.update({"ready", "error"}, 1) == {89: True, 85: False, 84: False}


def test_nothing_to_show_is_dark() -> None:
    leds = indicator(Behaviour("ready", "solid", "white"))
    assert leds.update({"connected"}, 0) == {84: False}
    assert leds.deadline is None


@pytest.mark.spec(298)
def test_a_timed_behaviour_ends_and_the_lower_one_resumes() -> None:
    leds = indicator(
        Behaviour("ready", "solid", "green"),
        Behaviour("auth_accepted", "solid", "blue", duration=30),
        gpios=RGB,
    )
    assert leds.update({"ready"}, 0) == {84: False, 85: True, 86: False}
    held = {"ready", "auth_accepted"}
    assert leds.update(held, 1000) == {85: False, 86: True}
    assert leds.deadline == 4000
    assert leds.update(held, 3999) == {}
    assert leds.update(held, 4000) == {85: True, 86: False}
    assert leds.deadline is None
    assert leds.update(held, 60_000) == {}, "it does not come again while the condition lasts"
    leds.update({"ready"}, 61_000)
    assert leds.update(held, 62_000) == {85: False, 86: True}
    assert leds.deadline == 65_000


@pytest.mark.spec(298)
def test_duration_0_lasts_as_long_as_the_condition() -> None:
    leds = indicator(Behaviour("auth_accepted", "solid", "white", duration=0))
    assert leds.update({"auth_accepted"}, 0) == {84: True}
    assert leds.update({"auth_accepted"}, 10**9) == {}
    assert leds.deadline is None


@pytest.mark.spec(298)
def test_a_timed_behaviour_counts_while_a_higher_one_hides_it() -> None:
    leds = indicator(
        Behaviour("auth_accepted", "solid", "red", duration=10), Behaviour("error", "solid", "black")
    )
    leds.update({"auth_accepted", "error"}, 0)
    assert leds.update({"auth_accepted"}, 500) == {84: True}
    assert leds.deadline == 1000
    assert leds.update({"auth_accepted", "error"}, 600) == {84: False}
    assert leds.update({"auth_accepted"}, 1000) == {}, "its time is over"


def test_a_timed_blinking_ends_between_two_toggles() -> None:
    leds = indicator(Behaviour("auth_rejected", "blink_slow", "white", duration=15))
    leds.update({"auth_rejected"}, 0)
    assert leds.deadline == 1000
    leds.update({"auth_rejected"}, 1000)
    assert leds.deadline == 1500
    assert leds.update({"auth_rejected"}, 1500) == {}
    assert leds.deadline is None


def test_two_behaviours_of_one_condition_follow_each_other() -> None:
    leds = indicator(
        Behaviour("error", "solid", "red", duration=5), Behaviour("error", "solid", "blue"), gpios=RGB
    )
    assert leds.update({"error"}, 0) == {84: True, 85: False, 86: False}
    assert leds.update({"error"}, 500) == {84: False, 86: True}


def test_each_led_has_its_own_behaviours() -> None:
    leds = Indicator(
        [
            StatusLed((84,), (Behaviour("ready", "solid", "white"),)),
            StatusLed(
                (85,), (Behaviour("error", "blink_fast", "white"), Behaviour("ready", "blink_slow", "red"))
            ),
        ]
    )
    assert leds.update({"ready", "error"}, 0) == {84: True, 85: True}
    assert leds.deadline == 100
    assert leds.update({"ready", "error"}, 100) == {85: False}


def test_a_level_that_could_not_be_written_comes_again() -> None:
    leds = indicator(Behaviour("ready", "solid", "white"))
    leds.update({"ready"}, 0)
    assert leds.update({"ready"}, 1) == {}
    leds.forget(84)
    leds.forget(85)
    assert leds.update({"ready"}, 2) == {84: True}


@pytest.mark.parametrize(
    ("condition", "mode", "color", "duration", "message"),
    [
        ("charging", "solid", "red", 0, "LED condition 'charging': one of failure, error"),
        ("ready", "blink", "red", 0, "LED mode 'blink': one of solid, blink_slow, blink_fast is allowed"),
        ("ready", "solid", "orange", 0, "LED color 'orange': one of black, white"),
        ("ready", "solid", "red", -1, "LED duration -1: 0 or more is allowed"),
    ],
)
def test_what_is_not_declared_is_refused(
    condition: str, mode: str, color: str, duration: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Behaviour(condition, mode, color, duration)


@pytest.mark.parametrize("gpios", [(), (84, 85, 86, 87)])
def test_an_led_has_one_to_three_channels(gpios: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 3"):
        StatusLed(gpios, ())


behaviours = st.builds(
    Behaviour,
    st.sampled_from(CONDITION_NAMES),
    st.sampled_from(sorted(MODES)),
    st.sampled_from(sorted(COLORS)),
    st.integers(0, 30),
)


@given(
    st.lists(behaviours, max_size=6),
    st.lists(
        st.tuples(st.sets(st.sampled_from(CONDITION_NAMES), max_size=4), st.integers(0, 5000)), max_size=8
    ),
)
def test_between_two_deadlines_nothing_changes(
    items: list[Behaviour], steps: list[tuple[set[str], int]]
) -> None:
    """Who calls at the deadlines alone sees what who calls every 50 ms sees."""
    lazy = Indicator([StatusLed(RGB, tuple(items))])
    eager = Indicator([StatusLed(RGB, tuple(items))])
    lazy_levels: dict[int, bool] = {}
    eager_levels: dict[int, bool] = {}
    now = 0
    for conditions, lasting in steps:
        lazy_levels |= lazy.update(conditions, now)
        for moment in range(now, now + lasting, 50):
            eager_levels |= eager.update(conditions, moment)
            while lazy.deadline is not None and lazy.deadline <= moment:
                lazy_levels |= lazy.update(conditions, lazy.deadline)
            assert lazy_levels == eager_levels
        now += -(-lasting // 100) * 100
