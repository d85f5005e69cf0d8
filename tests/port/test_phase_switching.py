"""Switching between three phases and one (guide 15.20, Tables 81, 82)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import Note, SetPilot, SetRelay
from chargectl.port.settings import Feedback, PhaseSettings, PortSettings, VentilationSettings
from chargectl.port.timing import CONTACTOR_REACTION_MS, EV_STOP_MS, PHASE_SWITCH_DELAY_S, WAKE_UP_AFTER_MS
from tests.port.bench import CONTACTOR_MS, Bench

SWITCHING = PortSettings(evse_limit_a=16, grid_limit_a=16, phases=PhaseSettings(enable=True))
OFFER = SetPilot(2666)
NO_OFFER = SetPilot(10_000)


def relays(bench: Bench, moment: int = 0) -> list[SetRelay]:
    return [effect for effect in bench.since(moment) if isinstance(effect, SetRelay)]


def switch(bench: Bench, count: int) -> Bench:
    return bench.send(events.PhaseTarget(count))


@pytest.mark.spec(50)
def test_phase_switching_is_off_by_default() -> None:
    bench = switch(Bench().charge(), 1).run(60_000)
    assert not PortSettings().phases.enable
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 3
    assert SetRelay(2, True) not in bench.since(0)


@pytest.mark.spec(50)
def test_phase_switching_takes_relay_2_from_the_ventilation() -> None:
    bench = Bench(SWITCHING).send(events.VentilationTarget(True), events.VentilationAvailable(True))
    assert not bench.relay[2]
    assert bench.value(topics.TOPIC_VENTILATION_AVAILABLE) is False
    assert bench.history(topics.TOPIC_VENTILATION_STATE_TARGET) == []
    bench.plug().pilot(CpState.D, 10_000)
    assert not bench.relay[2]
    assert not bench.charging


@pytest.mark.spec(51)
@pytest.mark.parametrize(
    "settings",
    [
        replace(SWITCHING, phase_count=1),
        replace(SWITCHING, basic_charging=False),
        replace(SWITCHING, ventilation=VentilationSettings(enable=True)),
        replace(SWITCHING, phases=replace(SWITCHING.phases, two_relays=False)),
        replace(SWITCHING, phases=replace(SWITCHING.phases, enable=False)),
    ],
    ids=["one phase", "high-level charging", "ventilation", "one relay", "disabled"],
)
def test_without_a_precondition_the_target_is_ignored(settings: PortSettings) -> None:
    bench = Bench(settings).charge()
    phases = bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL)
    assert phases == settings.phase_count
    asked = bench.now
    switch(bench, 1 if phases == 3 else 3).send(events.PhaseSwitchDelay(10)).run(60_000)
    assert bench.since(asked) == []
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == phases
    assert len([effect for _, effect in bench.log if isinstance(effect, Note)]) == 2


@pytest.mark.spec(51)
def test_a_board_with_one_relay_never_drives_a_second() -> None:
    bench = Bench(replace(SWITCHING, phases=replace(SWITCHING.phases, two_relays=False))).charge().unplug()
    assert {effect.index for effect in relays(bench)} == {1}


@pytest.mark.spec(52)
@pytest.mark.parametrize("count", [-1, 0, 2, 4, 1_000])
def test_a_count_other_than_1_and_3_is_ignored(count: int) -> None:
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    switch(bench, count).run(60_000)
    assert bench.since(asked) == []
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 3


@pytest.mark.spec(53)
def test_the_actual_count_is_0_while_off() -> None:
    bench = Bench(SWITCHING)
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 0
    bench.charge()
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 3
    switch(bench, 1).run(10_000)
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 0
    bench.run(20_000)
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 1
    bench.unplug()
    assert bench.history(topics.TOPIC_EVSE_PHASE_ACTUAL) == [0, 3, 0, 1, 0]


@pytest.mark.spec(53)
def test_without_phase_switching_the_count_is_the_installations() -> None:
    for phases in (1, 3):
        bench = Bench(PortSettings(evse_limit_a=16, phase_count=phases)).charge()
        assert bench.history(topics.TOPIC_EVSE_PHASE_ACTUAL) == [0, phases]


def pause_ms(bench: Bench) -> int:
    """From the primary's opening to the offer that follows."""
    off = bench.times(SetRelay(1, False))[-1]
    return min(time for time in bench.times(OFFER) if time > off) - off


@pytest.mark.spec(54)
def test_the_guard_delay_is_20_s_by_default() -> None:
    bench = switch(Bench(SWITCHING).charge(), 1).run(60_000)
    assert pause_ms(bench) == 20_000


@pytest.mark.spec(54)
@pytest.mark.parametrize("delay_s", PHASE_SWITCH_DELAY_S)
def test_the_guard_delay_is_configured(delay_s: int) -> None:
    settings = replace(SWITCHING, phases=replace(SWITCHING.phases, delay_s=delay_s))
    assert pause_ms(switch(Bench(settings).charge(), 1).run(400_000)) == delay_s * 1_000


@pytest.mark.spec(54)
@pytest.mark.parametrize(("seconds", "taken"), [(9, 20), (10, 10), (300, 300), (301, 20), (0, 20), (-10, 20)])
def test_the_guard_delay_is_set_at_runtime(seconds: int, taken: int) -> None:
    bench = Bench(SWITCHING).charge().send(events.PhaseSwitchDelay(seconds))
    switch(bench, 1).run(400_000)
    assert pause_ms(bench) == taken * 1_000
    assert PHASE_SWITCH_DELAY_S == (10, 300)


@pytest.mark.spec(54)
def test_the_guard_delay_counts_too_when_the_ev_had_just_stopped() -> None:
    bench = Bench(SWITCHING).charge().pilot(CpState.B, 1_000)
    switch(bench, 1).run(60_000)
    assert pause_ms(bench) == 20_000
    assert bench.pilot(CpState.C, 1_000).value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 1


@pytest.mark.spec(54)
def test_a_change_long_after_the_last_charge_needs_no_pause() -> None:
    bench = Bench(SWITCHING).run(60_000)
    switch(bench, 1).plug(settle_ms=2_000)
    assert bench.duty_centi == 2666
    assert bench.pilot(CpState.C, 1_000).value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 1


@pytest.mark.spec(55)
def test_power_on_is_secondary_first_and_primary_when_the_secondary_is_closed() -> None:
    bench = Bench(SWITCHING).plug()
    bench.contactor_follows[2] = False
    started = bench.now
    bench.pilot(CpState.C, CONTACTOR_REACTION_MS - 1)
    assert relays(bench, started) == [SetRelay(2, True)]
    bench.show_contactor(2, True)
    assert relays(bench, started) == [SetRelay(2, True), SetRelay(1, True)]


@pytest.mark.spec(55)
def test_power_on_with_one_phase_leaves_the_secondary_open() -> None:
    bench = switch(Bench(SWITCHING), 1).run(60_000).plug()
    started = bench.now
    bench.pilot(CpState.C, 10_000)
    assert relays(bench, started) == [SetRelay(1, True)]


@pytest.mark.spec(56)
def test_power_off_is_primary_first_and_secondary_when_the_primary_is_open() -> None:
    bench = Bench(SWITCHING).charge()
    bench.contactor_follows[1] = False
    stopped = bench.now
    bench.pilot(CpState.B, CONTACTOR_REACTION_MS - 1)
    assert relays(bench, stopped) == [SetRelay(1, False)]
    bench.show_contactor(1, False)
    assert relays(bench, stopped) == [SetRelay(1, False), SetRelay(2, False)]


@pytest.mark.spec(56)
@pytest.mark.parametrize("failing", [1, 2])
def test_the_order_holds_in_a_failure_too(failing: int) -> None:
    bench = Bench(SWITCHING).charge()
    stopped = bench.now
    bench.show_contactor(failing, False).run(5_000)
    assert relays(bench, stopped) == [SetRelay(1, False), SetRelay(2, False)]
    assert bench.error_codes == ["PowerSwitchFailure"]


@pytest.mark.spec(57)
def test_a_change_in_mid_charge_pauses_switches_off_waits_and_offers_again() -> None:
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    switch(bench, 1).run(1_000)
    assert bench.since(asked) == [NO_OFFER]
    assert bench.charging, "the EV has its time to stop"
    bench.pilot(CpState.B, 5_000)
    assert bench.since(asked) == [NO_OFFER, SetRelay(1, False), SetRelay(2, False)]
    bench.run(14_999)
    assert bench.duty_centi == 10_000
    bench.run(1)
    assert bench.since(asked)[3:] == [OFFER]
    bench.pilot(CpState.C, 1_000)
    assert bench.since(asked)[4:] == [SetRelay(1, True)]
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 1


@pytest.mark.spec(57)
def test_an_ev_that_ignores_the_pause_is_switched_off_and_back_on() -> None:
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    switch(bench, 1).run(60_000)
    assert bench.since(asked) == [
        NO_OFFER,
        SetRelay(1, False),
        SetRelay(2, False),
        OFFER,
        SetRelay(1, True),
    ]
    assert bench.times(SetRelay(1, False))[-1] == asked + EV_STOP_MS
    assert bench.times(SetRelay(2, False))[-1] == asked + EV_STOP_MS + CONTACTOR_MS


@pytest.mark.spec(57)
@pytest.mark.parametrize("force", [False, True])
def test_an_ev_that_does_not_react_after_the_pause_is_not_woken_up(force: bool) -> None:
    bench = Bench(replace(SWITCHING, force_wake_up=force, wake_up_after_timeout=True)).plug()
    bench.run(WAKE_UP_AFTER_MS if force else 0).pilot(CpState.C, 1_000)
    asked = bench.now
    switch(bench, 1).run(1_000).pilot(CpState.B, 600_000)
    assert SetPilot(None) not in bench.since(asked)
    assert bench.duty_centi == 2666


def test_a_change_without_an_ev_does_not_spend_the_wake_up_of_the_next_one() -> None:
    bench = Bench(replace(SWITCHING, wake_up_after_timeout=True)).run(60_000)
    switch(bench, 1).plug().run(WAKE_UP_AFTER_MS)
    assert bench.times(SetPilot(None)) != []


@pytest.mark.spec(57)
def test_back_to_three_phases_in_mid_charge() -> None:
    bench = switch(Bench(SWITCHING), 1).run(60_000).charge()
    asked = bench.now
    switch(bench, 3).run(60_000)
    assert bench.since(asked) == [
        NO_OFFER,
        SetRelay(1, False),
        OFFER,
        SetRelay(2, True),
        SetRelay(1, True),
    ]
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 3


def test_a_change_taken_back_before_switching_off_goes_on_charging() -> None:
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    switch(bench, 1).run(1_000)
    switch(bench, 3).run(60_000)
    assert bench.since(asked) == [NO_OFFER, OFFER]


def test_a_change_taken_back_during_the_pause_still_waits() -> None:
    bench = Bench(SWITCHING).charge()
    switch(bench, 1).run(10_000)
    switch(bench, 3).run(60_000)
    assert pause_ms(bench) == 20_000
    assert bench.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == 3


def test_a_repeated_target_changes_nothing() -> None:
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    for _ in range(5):
        switch(bench, 3).run(1_000)
    assert bench.since(asked) == []


@pytest.mark.spec(58)
@pytest.mark.parametrize("primary", [Feedback.NORMALLY_OPEN, Feedback.NORMALLY_CLOSED])
@pytest.mark.parametrize("secondary", [Feedback.NORMALLY_OPEN, Feedback.NORMALLY_CLOSED])
def test_each_contactor_has_its_own_feedback_logic(primary: Feedback, secondary: Feedback) -> None:
    settings = replace(
        SWITCHING, contactor_feedback=primary, phases=replace(SWITCHING.phases, feedback=secondary)
    )
    bench = Bench(settings).charge()
    switch(bench, 1).run(60_000)
    assert bench.charging
    assert bench.error_codes == []
    bench.send(events.SecondarySense(secondary is Feedback.NORMALLY_OPEN)).run(1_000)
    assert bench.error_codes == ["PowerSwitchFailure"]


@pytest.mark.spec(58)
def test_the_secondarys_feedback_is_normally_open_by_default() -> None:
    assert PhaseSettings().feedback is Feedback.NORMALLY_OPEN


@pytest.mark.parametrize("closed", [False, True])
def test_a_secondary_that_does_not_follow_is_a_power_switch_failure(closed: bool) -> None:
    bench = Bench(SWITCHING).plug()
    if closed:
        bench.pilot(CpState.C, 1_000)
    bench.contactor_follows[2] = False
    bench.pilot(CpState.B if closed else CpState.C, 2_000)
    assert bench.error_codes == ["PowerSwitchFailure"]
    assert not bench.relay[1]
    assert bench.duty_centi == 0


def test_a_welded_secondary_never_lets_the_primary_close_on_one_phase() -> None:
    bench = switch(Bench(SWITCHING), 1).run(60_000).plug()
    bench.show_contactor(2, True).pilot(CpState.C, 10_000)
    assert bench.error_codes == ["PowerSwitchFailure"]
    assert not bench.charging


@pytest.mark.spec(59)
def test_smart_charging_has_no_way_to_the_phase_count() -> None:
    assert set(events.StationLimit.__dataclass_fields__) == {"ampere"}
    bench = Bench(SWITCHING).charge()
    asked = bench.now
    for ampere in (1.0, 3.0, 6.0, 16.0, -1.0, 0.0):
        bench.send(events.StationLimit(ampere)).run(30_000)
    assert relays(bench, asked) == []
    assert bench.port.path.wanted_phases == 3
