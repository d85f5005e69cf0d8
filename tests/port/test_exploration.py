"""Every state that a small alphabet can reach is safe, and none is a dead end.

The search visits all states of the port under the alphabet, not a sample of them: each test asserts that it
closed. What the alphabets leave out (sensors that lie, limits, late ticks) is for ``test_invariants``.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargectl.declarations import errors, locks
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import effects, events
from chargectl.port.effects import LockMotion
from chargectl.port.events import LockPosition
from chargectl.port.machine import Port
from chargectl.port.settings import AuthenticationMode, PhaseSettings, PortSettings, RcdSettings
from tests.port.world_states import Facts, Machine, Search, Word

GUARD_MS = 6_000
EV_STOP_MS = 3_000
DELAY_S = 10

# ------------------------------------------------------------------ the alphabet


def _pilot(state: str) -> Word:
    return lambda facts, _: (replace(facts, pilot=state), events.PilotSeen(CpState(state)))


def _authorize(allowed: bool) -> Word:
    said = events.Authorization(allowed, session=False)
    return lambda facts, _: (replace(facts, allowed=allowed), said)


def _emergency(asserted: bool) -> Word:
    return lambda facts, _: (replace(facts, emergency=asserted), events.EmergencyInput(asserted))


def _rcd(healthy: bool) -> Word:
    return lambda facts, _: (replace(facts, rcd=healthy), events.RcdFeedback(healthy))


def _trip_for_a_reason(facts: Facts, port: Port) -> tuple[Facts, events.Event]:
    reason = facts.pilot != "A" or port.outputs.rcd_test
    return (replace(facts, rcd=False), events.RcdFeedback(False)) if reason else (facts, events.Tick())


def _follow(facts: Facts, port: Port) -> tuple[Facts, events.Event]:
    on = port.outputs.relay1
    return replace(facts, closed=on), events.PrimarySense(on)


def _follow_secondary(facts: Facts, port: Port) -> tuple[Facts, events.Event]:
    on = bool(port.outputs.relay2)
    return replace(facts, secondary=on), events.SecondarySense(on)


def _move(facts: Facts, port: Port) -> tuple[Facts, events.Event]:
    if port.outputs.lock in (None, LockMotion.OFF):
        return facts, events.Tick()
    return _lock(facts, port.outputs.lock is LockMotion.LOCK)


def _force(facts: Facts, _port: Port) -> tuple[Facts, events.Event]:
    return _lock(facts, not facts.locked)


def _lock(facts: Facts, locked: bool) -> tuple[Facts, events.Event]:
    position = LockPosition.LOCKED if locked else LockPosition.UNLOCKED
    return replace(facts, locked=locked), events.LockSense(position)


def _phases(count: int) -> Word:
    return lambda facts, _: (replace(facts, phases=count), events.PhaseTarget(count))


EV = {state: _pilot(state) for state in "ABC"} | {"follow": _follow}
SHORT = {"E": _pilot("E")}
USER = {"allow": _authorize(True), "deny": _authorize(False)}
EMERGENCY = {"press": _emergency(True), "release": _emergency(False)}
RCD = {"trip": _rcd(False), "heal": _rcd(True)}
TEST: dict[str, Word] = {
    "test": lambda facts, _: (facts, events.RcdTestRequest()),
    "answer": lambda facts, port: _rcd(not port.outputs.rcd_test)(facts, port),
}
LOCK = {"move": _move}
FORCE = {"force": _force}
PHASES = {"one": _phases(1), "three": _phases(3), "follow secondary": _follow_secondary}

HARMLESS = (*EV, "time", "allow", "release", "heal", "test", "answer", *LOCK, *PHASES)
"""What people and obedient devices do to get a car charged."""
UNATTENDED = ("time", "follow", "move")

FIRST = (
    events.PrimarySense(False),
    events.SecondarySense(False),
    events.LockSense(LockPosition.UNLOCKED),
    events.LockCapacitor(True),
    events.ProximitySeen(Cable.A32),
    events.RcdFeedback(True),
)

# ------------------------------------------------------------------ what must hold


def _check(before: Facts, facts: Facts, port: Port, done: list[effects.Effect]) -> Facts:
    """Hold one step against the rules; return what is remembered of it."""
    facts = _remember(facts, port)
    on = port.outputs.relay1
    if effects.SetRelay(1, True) in done:
        _check_closing(facts, port)
        facts = replace(facts, phases_used=facts.phases)
    for effect in done:
        if isinstance(effect, effects.SetRelay) and effect.index == 2:
            assert effects.SetRelay(1, True) not in done[: done.index(effect)], "secondary after the primary"
            assert not on, "the secondary is switched while the primary is on"
            assert not facts.closed or port.path.failed, "the secondary is switched under load"
    if on:
        assert facts.pilot == "C", f"power in state {facts.pilot}"
        assert not facts.emergency, "power during an emergency"
        assert not port.settings.rcd.enable or facts.rcd, "power with a tripped RCD"
        assert not port.outputs.rcd_test, "power during an RCD test"
        facts = replace(facts, withdrawn=None if facts.allowed else facts.withdrawn or 0)
        assert facts.withdrawn is None or facts.withdrawn < EV_STOP_MS, "power 3 s without authorization"
    elif effects.SetRelay(1, False) in done or (before.closed and not facts.closed):
        facts = replace(facts, off=0, withdrawn=None)
    if port.outputs.lock is LockMotion.UNLOCK:
        assert not on, "unlocks while power is on"
        assert not facts.closed or port.path.failed, "unlocks while the contactor is closed"
    if facts.emergency:
        assert port.outputs.duty_centi == 0, "an emergency and the pilot is not at -12 V"
    elif port.outputs.duty_centi not in (0, 10_000):
        assert facts.allowed, "an offer without authorization"
        assert not facts.unplug_needed, "an offer after an emergency without unplugging"
        assert facts.pilot != "A", "an offer without an EV"
    return facts


def _remember(facts: Facts, port: Port) -> Facts:
    here = facts.pilot != "A"
    unplug_needed = facts.emergency or (here and facts.unplug_needed)
    tripped = not facts.rcd and port.rcd.error is errors.RCD_GROUND_FAILURE
    tripped_with_ev = here and (facts.tripped_with_ev or tripped)
    if (unplug_needed, tripped_with_ev) == (facts.unplug_needed, facts.tripped_with_ev):
        return facts
    return replace(facts, unplug_needed=unplug_needed, tripped_with_ev=tripped_with_ev)


def _check_closing(facts: Facts, port: Port) -> None:
    assert facts.off >= GUARD_MS, f"switched on {facts.off} ms after it was opened"
    assert not facts.closed, "switched on while it reads closed"
    assert facts.allowed, "switched on without authorization"
    assert not facts.unplug_needed, "switched on after an emergency without unplugging"
    assert not facts.tripped_with_ev, "switched on after a ground failure without unplugging"
    assert port.outputs.duty_centi not in (None, 0, 10_000), "switched on without an offer"
    if port.settings.pluggable:
        assert facts.locked, "switched on without a locked plug"
        assert port.outputs.lock is LockMotion.OFF, "switched on while the lock moves"
    if port.settings.phase_switching:
        assert facts.secondary is (facts.phases == 3), "switched on before the secondary"
        if facts.phases_used not in (None, facts.phases):
            assert facts.off >= DELAY_S * 1000, "switched on with other phases before the guard delay"


def _marks(facts: Facts, port: Port) -> frozenset[str]:
    """What the search looks for in a state."""
    free = not facts.locked and port.outputs.lock in (None, LockMotion.OFF)
    found = {
        "charging": port.outputs.relay1 and facts.closed,
        "free": free,
        "ev gone": facts.pilot == "A",
        "out of service": port.path.failed
        or (port.rcd.error is errors.SPURIOUS_RCD and not port.settings.rcd.test),
    }
    return frozenset(mark for mark, holds in found.items() if holds)


def _explore(settings: PortSettings, alphabet: dict[str, Word], most: int) -> Search:
    search = Search(
        Machine(settings, FIRST),
        Facts(
            allowed=settings.authentication is AuthenticationMode.FREE,
            off_held=DELAY_S * 1000 if settings.phase_switching else GUARD_MS,
        ),
        alphabet,
        _check,
        _marks,
    )
    assert search.run(most), f"more than {most} states"
    return search


FIXED = PortSettings(
    pluggable=False,
    evse_limit_a=16,
    authentication=AuthenticationMode.MQTT,
    emergency_enable=True,
)
SOCKET = replace(
    FIXED,
    pluggable=True,
    authentication=AuthenticationMode.FREE,
    # A drive and its settling time fill the same half second as the other timers: fewer different ages.
    lock=replace(locks.LOCKS[0], drive_ms=300),
)
CASES = {
    "fixed cable": (FIXED, EV | USER | EMERGENCY | SHORT, 15_000),
    "fixed cable, RCD": (
        replace(FIXED, rcd=RcdSettings(enable=True, test=False)),
        EV | USER | EMERGENCY | RCD,
        10_000,
    ),
    "fixed cable, RCD with test": (
        replace(FIXED, authentication=AuthenticationMode.FREE, rcd=RcdSettings(True, True, 500, 500, 500)),
        EV | RCD | TEST | {"trip": _trip_for_a_reason},
        20_000,
    ),
    "fixed cable, phase switching": (
        replace(FIXED, authentication=AuthenticationMode.FREE, phases=PhaseSettings(True, delay_s=DELAY_S)),
        EV | PHASES,
        20_000,
    ),
    "socket": (SOCKET, EV | LOCK, 20_000),
}


@pytest.fixture(scope="module", params=CASES)
def search(request: pytest.FixtureRequest) -> Search:
    return _explore(*CASES[request.param])


def test_a_car_can_be_charged_from_every_state_but_a_latched_failure(search: Search) -> None:
    stuck = (
        set(range(len(search.nodes)))
        - search.reaching("charging", HARMLESS)
        - search.marked("out of service")
    )
    assert not stuck, f"{len(stuck)} states, first after {search.story(min(stuck))}"


def test_the_plug_comes_free_by_itself_wherever_the_ev_is_gone(search: Search) -> None:
    caught = search.marked("ev gone") - search.reaching("free", UNATTENDED)
    assert not caught, f"{len(caught)} states, first after {search.story(min(caught))}"
