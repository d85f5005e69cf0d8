"""Random settings, random actions, and carrying an action out in a world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from chargectl.declarations.locks import LOCKS
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.events import LockPosition
from chargectl.port.settings import (
    AuthenticationMode,
    Feedback,
    PhaseSettings,
    PortSettings,
    RcdSettings,
    VentilationSettings,
)
from tests.port.world_plant import World

Action = tuple[Any, ...]

SOURCES = ("pilot_adc", "relay1_sense", "relay2_sense", "rcd_feedback", "lock_adc", "emergency")
LONG_MS = (50, 99, 100, 101, 499, 500, 999, 1_000, 2_999, 3_000, 5_999, 6_000, 10_000, 30_000, 90_000_000)

_bools = st.booleans()
_feedback = st.sampled_from(Feedback)
_limit = st.sampled_from((6, 6, 16, 32, 63, 80, -1))
_ampere = st.one_of(
    st.sampled_from((-1.0, 0.0, -0.5, 5.9, 6.0, 13.0, 16.0, 20.2, 32.0, 80.0)),
    st.floats(min_value=-1, max_value=1000, allow_nan=False),
)
_time = st.one_of(st.integers(0, 7_000), st.sampled_from(LONG_MS), st.integers(0, 90_000_000))

_phases = st.builds(
    PhaseSettings, enable=st.just(True), feedback=_feedback, delay_s=st.sampled_from((10, 20))
)
_common: dict[str, st.SearchStrategy[Any]] = {
    "pluggable": _bools,
    "fixed_cable_limit_a": st.sampled_from((6, 16, 32)),
    "evse_limit_a": _limit,
    "grid_limit_a": st.sampled_from((5, 6, 16, 32, 63, 100)),
    "failsafe_limit_a": st.sampled_from((-1, -1, 0, 6, 10)),
    "dynamic_limit_maximum_age_s": st.sampled_from((0, 0, 1, 5, 60)),
    "contactor_feedback": _feedback,
    "emergency_enable": st.sampled_from((True, True, False)),
    "lock": st.sampled_from(LOCKS),
    "authentication": st.sampled_from(AuthenticationMode),
    "force_wake_up": _bools,
    "wake_up_after_timeout": _bools,
    "rcd": st.builds(
        RcdSettings,
        enable=_bools,
        test=_bools,
        trigger_ms=st.sampled_from((815, 50)),
        check_tripped_ms=st.sampled_from((810, 750)),
        check_normal_ms=st.sampled_from((2000, 820)),
    ),
}
_state_d = st.builds(VentilationSettings, always_accept_state_d=_bools)
_with_ventilation = st.builds(
    PortSettings,
    phase_count=st.sampled_from((1, 3)),
    basic_charging=_bools,
    ventilation=st.builds(
        VentilationSettings,
        enable=_bools,
        external=_bools,
        feedback=_feedback,
        always_accept_state_d=st.sampled_from((False, False, True)),
    ),
    phases=st.one_of(st.just(PhaseSettings()), _phases),
    **_common,
)
_with_phase_switching = st.builds(
    PortSettings, phase_count=st.just(3), ventilation=_state_d, phases=_phases, **_common
)
_with_one_relay = st.builds(
    PortSettings,
    phase_count=st.sampled_from((1, 3)),
    ventilation=_state_d,
    phases=st.just(PhaseSettings(two_relays=False)),
    **_common,
)
settings_strategy = st.one_of(_with_ventilation, _with_phase_switching, _with_one_relay)


def _act(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Action]:
    return st.tuples(st.just(name), *arguments)


_run = st.one_of(
    _act("run", _time, st.just(0)),
    _act("run", _time, st.sampled_from((0, 1, 40, 700, 7_000))),
    _act("sleep", _time),
)
_event = st.one_of(
    _act("show", st.sampled_from(CpState), st.sampled_from((True, True, True, False))),
    _act("show", st.sampled_from((CpState.A, CpState.B, CpState.C, CpState.D)), st.just(True)),
    _act("proximity", st.sampled_from(Cable)),
    _act("primary", _bools),
    _act("secondary", _bools),
    _act("lock", st.sampled_from(LockPosition)),
    _act("capacitor", _bools),
    _act("driver", _bools),
    _act("trip", _bools),
    _act("rcd", _bools),
    _act("mute", _bools),
    _act("emergency", _bools),
    _act("key", _bools),
    _act("authorize", _bools, _bools),
    _act("dynamic", st.sampled_from("abcdefg"), _ampere),
    _act("station", _ampere),
    _act("available", _bools),
    _act("target", _bools),
    _act("phases", st.one_of(st.sampled_from((1, 3)), st.integers())),
    _act("delay", st.one_of(st.sampled_from((10, 300)), st.integers())),
    _act("test"),
    _act("fault", st.sampled_from(SOURCES), _bools),
    _act("stuck", st.sampled_from((1, 2)), _bools),
    _act("jam", _bools),
    _act("line", _bools),
)
_story = st.one_of(
    _act("charge"),
    _act("charge"),
    _act("unplug"),
    _act("plug", st.sampled_from(Cable)),
    _act("allow", _bools),
)
_action = st.one_of(_event, _event, _run, _story)
actions_strategy = st.tuples(*[st.lists(_action, max_size=30)] * 5).map(lambda parts: [*chain(*parts)])
"""Several short lists make a long one: hypothesis keeps the average of a single list at five."""


def perform(world: World, action: Sequence[Any]) -> None:
    """Carry out one action."""
    name, *arguments = action
    if name in _EVENTS:
        world.send(_EVENTS[name](*arguments))
    else:
        _DEEDS[name](world, *arguments)


def _show(world: World, state: CpState, diode_ok: bool) -> None:
    world.show(state, diode_ok=diode_ok)


def _lock(world: World, position: LockPosition) -> None:
    # A lock without position switch has no position to tell.
    if not world.blind:
        world.lock = position
    world.tell_lock()


def _rcd(world: World, healthy: bool) -> None:
    if world.settings.rcd.enable:
        world.send(events.RcdFeedback(healthy))


def _stick(world: World, index: int, stuck: bool) -> None:
    if stuck:
        world.stuck[index] = True
    else:
        world.release(index)


_DEEDS: dict[str, Callable[..., object]] = {
    "run": World.run,
    "sleep": World.sleep,
    "charge": World.charge,
    "plug": World.plug,
    "unplug": World.unplug,
    "allow": World.allow,
    "trip": World.trip,
    "show": _show,
    "lock": _lock,
    "rcd": _rcd,
    "stuck": _stick,
    "mute": lambda world, mute: setattr(world, "rcd_mute", mute),
    "jam": lambda world, jammed: setattr(world, "jammed", jammed),
    "line": lambda world, shown: setattr(world, "line_shows_output", shown),
}
_EVENTS: dict[str, Callable[..., events.Event]] = {
    "proximity": events.ProximitySeen,
    "primary": events.PrimarySense,
    "secondary": events.SecondarySense,
    "capacitor": events.LockCapacitor,
    "driver": events.LockDriverFault,
    "emergency": events.EmergencyInput,
    "key": events.KeySwitch,
    "authorize": events.Authorization,
    "dynamic": events.DynamicLimit,
    "station": events.StationLimit,
    "available": events.VentilationAvailable,
    "target": events.VentilationTarget,
    "phases": events.PhaseTarget,
    "delay": events.PhaseSwitchDelay,
    "test": events.RcdTestRequest,
    "fault": events.BoardFault,
}
