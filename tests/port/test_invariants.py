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


@given(settings_strategy, actions_strategy)
@settings(max_examples=900)
def test_every_step_of_any_story_is_safe(port: PortSettings, actions: list[Action]) -> None:
    world = World(port)
    for action in actions:
        perform(world, action)


@given(settings_strategy, actions_strategy)
@settings(max_examples=250)
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
