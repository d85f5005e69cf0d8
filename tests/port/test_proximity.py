"""The plugged cable: its limit and the three proximity errors (guide 3.3.4.34-36, Table 74)."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.settings import PortSettings
from chargectl.port.timing import PROXIMITY_MATING_MS, PROXIMITY_STABLE_MS
from tests.port.bench import Bench

FIXED = PortSettings(pluggable=False, fixed_cable_limit_a=20, evse_limit_a=63, grid_limit_a=63)
WIDE = PortSettings(evse_limit_a=100, grid_limit_a=100)
CODES = {Cable.NONE: "ProximityNoCable", Cable.INVALID: "ProximityInvalid"}


def limit(bench: Bench) -> object:
    return bench.value(topics.TOPIC_CABLE_CURRENT_LIMIT)


def show(bench: Bench, cable: Cable) -> Bench:
    return bench.send(events.ProximitySeen(cable)).run(PROXIMITY_STABLE_MS)


def error(bench: Bench) -> object:
    return bench.value(topics.TOPIC_SESSION_PROXIMITY_ERROR)


@pytest.mark.spec(73)
@pytest.mark.parametrize(
    ("cable", "phases", "ampere"),
    [
        (Cable.A13, 3, 13),
        (Cable.A20, 3, 20),
        (Cable.A32, 3, 32),
        (Cable.A63, 3, 63),
        (Cable.A63, 1, 70),
    ],
)
def test_the_cable_limits_the_offer_and_is_published(cable: Cable, phases: int, ampere: int) -> None:
    settings = PortSettings(evse_limit_a=100, grid_limit_a=100, phase_count=phases)
    bench = Bench(settings).plug(cable)
    assert limit(bench) == ampere
    assert bench.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == ampere
    bench.unplug()
    assert bench.history(topics.TOPIC_CABLE_CURRENT_LIMIT) == [-1, ampere, -1]


@pytest.mark.spec(73)
def test_a_cable_is_believed_after_its_reading_was_stable() -> None:
    bench = Bench(WIDE).send(events.ProximitySeen(Cable.A63)).run(PROXIMITY_STABLE_MS - 1)
    assert limit(bench) == -1
    bench.send(events.ProximitySeen(Cable.A20)).run(PROXIMITY_STABLE_MS - 1)
    assert limit(bench) == -1
    bench.run(1)
    assert limit(bench) == 20


@pytest.mark.spec(74)
def test_a_fixed_cable_has_its_configured_limit_and_the_topic_says_minus_1() -> None:
    bench = Bench(FIXED).plug(Cable.A13).pilot(CpState.C, 1_000)
    assert bench.history(topics.TOPIC_CABLE_CURRENT_LIMIT) == [-1]
    assert bench.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == 20.0
    for cable in (Cable.NONE, Cable.INVALID, Cable.A13):
        bench.send(events.ProximitySeen(cable)).run(5_000)
    assert bench.charging
    assert bench.error_codes == []
    assert bench.duty_centi == 3333


@pytest.mark.spec(74)
def test_the_fixed_cable_carries_6_a_by_default() -> None:
    bench = Bench(PortSettings(pluggable=False, evse_limit_a=63))
    assert bench.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == 6.0


@pytest.mark.parametrize("cable", CODES)
@pytest.mark.spec(75, 76)
def test_an_ev_without_a_cable_does_not_charge_and_the_lock_stays_open(cable: Cable) -> None:
    bench = Bench(WIDE).plug(cable, settle_ms=PROXIMITY_MATING_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == [CODES[cable]]
    assert error(bench) == CODES[cable]
    bench.pilot(CpState.C, 60_000)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    assert DriveLock(LockMotion.LOCK) not in bench.since(0)
    assert bench.unplug().error_codes == []
    assert error(bench) == ""


@pytest.mark.parametrize("cable", CODES)
@pytest.mark.spec(75, 76)
def test_a_cable_lost_while_charging_interrupts_and_stays_locked(cable: Cable) -> None:
    bench = Bench(WIDE).charge()
    lost = bench.now
    show(bench, cable)
    assert bench.error_codes == [CODES[cable]]
    assert error(bench) == CODES[cable]
    assert bench.since(lost)[0] == SetRelay(1, False)
    bench.run(60_000)
    assert bench.duty_centi == 10_000
    assert bench.lock_position is LockPosition.LOCKED
    bench.unplug()
    assert bench.error_codes == []
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.charge().charging


@pytest.mark.parametrize("cable", CODES)
@pytest.mark.spec(75, 76)
def test_a_cable_that_comes_back_does_not_end_the_error_before_unplugging(cable: Cable) -> None:
    bench = show(Bench(WIDE).charge(), cable)
    show(bench, Cable.A32).run(60_000)
    assert bench.error_codes == [CODES[cable]]
    assert not bench.charging
    assert bench.duty_centi == 10_000


@pytest.mark.parametrize("cable", CODES)
@pytest.mark.spec(75, 76)
def test_a_cable_lost_in_a_pause_ends_the_offer_and_stays_locked(cable: Cable) -> None:
    bench = show(Bench(WIDE).charge().pilot(CpState.B, 1_000), cable)
    assert bench.error_codes == [CODES[cable]]
    assert bench.duty_centi == 10_000
    bench.pilot(CpState.C, 60_000)
    assert not bench.relay[1]
    assert bench.lock_position is LockPosition.LOCKED


def test_a_contact_that_mates_late_is_no_error() -> None:
    bench = Bench(WIDE).plug(Cable.NONE, settle_ms=PROXIMITY_MATING_MS - PROXIMITY_STABLE_MS - 1)
    show(bench, Cable.A32).run(60_000)
    assert error(bench) == ""
    assert bench.duty_centi == 5333


def test_a_cable_without_an_ev_is_no_error() -> None:
    bench = show(Bench(WIDE), Cable.A32).run(60_000)
    assert bench.error_codes == []
    show(bench, Cable.INVALID).run(60_000)
    assert bench.error_codes == []


def test_a_flicker_while_charging_is_no_error() -> None:
    bench = Bench(WIDE).charge()
    for _ in range(5):
        bench.send(events.ProximitySeen(Cable.NONE)).run(PROXIMITY_STABLE_MS - 1)
        bench.send(events.ProximitySeen(Cable.A32)).run(10)
    assert bench.charging
    assert error(bench) == ""


@pytest.mark.spec(77)
def test_a_lower_cable_while_charging_reduces_the_limit_and_charging_goes_on() -> None:
    bench = Bench(WIDE).charge()
    changed = bench.now
    show(bench, Cable.A13).run(60_000)
    assert bench.error_codes == ["ProximityChanged"]
    assert error(bench) == "ProximityChanged"
    assert limit(bench) == 13
    assert bench.duty_centi == 2166
    assert bench.charging
    assert len(bench.since(changed)) == 1


@pytest.mark.spec(77)
def test_a_higher_cable_while_charging_raises_nothing() -> None:
    bench = show(Bench(WIDE).plug(Cable.A20).pilot(CpState.C, 1_000), Cable.A63).run(60_000)
    assert bench.error_codes == ["ProximityChanged"]
    assert limit(bench) == 20
    assert bench.duty_centi == 3333


@pytest.mark.spec(77)
def test_the_reduced_limit_holds_until_unplugged() -> None:
    bench = show(Bench(WIDE).charge(), Cable.A20)
    show(bench, Cable.A32).pilot(CpState.B, 20_000).pilot(CpState.C, 20_000)
    assert bench.charging
    assert limit(bench) == 20
    assert error(bench) == "ProximityChanged"
    bench.unplug()
    assert error(bench) == ""
    assert limit(bench.plug()) == 32


@pytest.mark.spec(77)
def test_a_change_in_a_pause_reduces_the_limit_too() -> None:
    bench = show(Bench(WIDE).charge(), Cable.A20).pilot(CpState.B, 1_000)
    assert limit(show(bench, Cable.A13)) == 13
    assert limit(show(bench, Cable.A63)) == 13


def test_after_a_change_a_cable_lost_in_a_pause_is_an_error() -> None:
    bench = show(Bench(WIDE).charge(), Cable.A20).pilot(CpState.B, 1_000)
    show(bench, Cable.NONE)
    assert bench.error_codes == ["ProximityNoCable"]
    assert not bench.pilot(CpState.C, 60_000).charging
