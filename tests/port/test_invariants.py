"""Over random settings and random events the port keeps the rules that protect people and cars.

Every step is held against the rules in ``world_oracle``. ``HYPOTHESIS_PROFILE=explore`` looks longer.
"""

from __future__ import annotations

from hypothesis import given, settings

from chargectl.port import events
from chargectl.port.events import LockPosition
from chargectl.port.settings import PortSettings
from tests.port.world_actions import Action, actions_strategy, perform, settings_strategy
from tests.port.world_plant import World

MEASURE = settings().max_examples
"""The profile's count of examples."""


@given(settings_strategy, actions_strategy)
@settings(max_examples=7 * MEASURE)
def test_every_step_of_any_story_is_safe(port: PortSettings, actions: list[Action]) -> None:
    world = World(port)
    for action in actions:
        perform(world, action)


@given(settings_strategy, actions_strategy, actions_strategy)
@settings(max_examples=MEASURE // 2)
def test_a_port_that_is_stopped_ends_charging_and_starts_no_more(
    port: PortSettings, before: list[Action], after: list[Action]
) -> None:
    world = World(port)
    for action in before:
        perform(world, action)
    world.send(events.Stop())
    stopped = world.now
    for action in after:
        perform(world, action)
    world.run(max(stopped + 3_000 - world.now, 0))
    assert not world.judge.relay1


@given(settings_strategy, actions_strategy)
@settings(max_examples=2 * MEASURE)
def test_after_any_story_a_repaired_port_frees_the_plug_and_charges_again(
    port: PortSettings, actions: list[Action]
) -> None:
    world = World(port)
    for action in actions:
        perform(world, action)
    world.repair()
    world.run(80_000)
    if world.judge.failed:
        # A contactor that once did not follow stays out of service until restart.
        assert not world.judge.relay1
        assert world.judge.duty == 0
        return
    if port.pluggable and not world.blind:
        assert world.judge.facts.lock is LockPosition.UNLOCKED
    world.send(events.RcdTestRequest())
    world.send(events.PhaseTarget(3))
    world.run(310_000)
    charges = world.charge()
    if world.judge.facts.least_limit_a(world.now) < 6:
        assert not charges
    elif world.judge.errors:
        # Without a test output nothing but a restart ends a spurious RCD error.
        assert [row.code for row in world.judge.errors] == ["SpuriousRcdError"]
        assert port.rcd.enable
        assert not port.rcd.test
    else:
        assert charges
