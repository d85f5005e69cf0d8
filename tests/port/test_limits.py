"""Current limits of basic AC charging (guide 15.16)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.bus.payload import decode, encode
from chargectl.declarations import topics
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import Note, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.limits import NO_LIMIT, CurrentLimits
from chargectl.port.settings import AuthenticationMode, PortSettings
from chargectl.port.timing import EV_STOP_MS
from tests.port.bench import Bench

WIDE = PortSettings(pluggable=False, fixed_cable_limit_a=63, evse_limit_a=63, grid_limit_a=63)


def dynamic(bench: Bench, *ampere: float) -> Bench:
    for number, value in enumerate(ampere, start=1):
        bench.send(events.DynamicLimit(f"limit_{number}", value))
    return bench


def offered(bench: Bench) -> object:
    return bench.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT)


# ------------------------------------------------------------------ the least of all


@pytest.mark.spec(78)
@pytest.mark.parametrize("least", ["grid", "station", "cable", "ocpp", "dynamic", "failsafe"])
def test_the_least_of_all_limits_applies(least: str) -> None:
    value = {name: 10 if name == least else 32 for name in ("grid", "station", "cable", "ocpp", "failsafe")}
    settings = PortSettings(
        pluggable=False,
        grid_limit_a=value["grid"],
        evse_limit_a=value["station"],
        fixed_cable_limit_a=value["cable"],
        failsafe_limit_a=value["failsafe"],
    )
    bench = Bench(settings)
    if least != "failsafe":
        bench.send(events.StationLimit(value["ocpp"]), events.DynamicLimit("a", 25))
        if least == "dynamic":
            bench.send(events.DynamicLimit("b", 10))
    assert offered(bench) == 10.0
    bench.plug()
    assert bench.duty_centi == 1666


@pytest.mark.spec(78)
@pytest.mark.parametrize("unlimited", ["grid", "station", "cable", "ocpp", "dynamic", "failsafe"])
def test_minus_one_is_no_limit(unlimited: str) -> None:
    settings = PortSettings(
        pluggable=False,
        grid_limit_a=-1 if unlimited == "grid" else 20,
        evse_limit_a=-1 if unlimited == "station" else 20,
        fixed_cable_limit_a=-1 if unlimited == "cable" else 20,
        failsafe_limit_a=-1,
    )
    bench = Bench(settings)
    if unlimited == "ocpp":
        bench.send(events.StationLimit(10), events.StationLimit(-1))
    if unlimited == "dynamic":
        bench.send(events.DynamicLimit("a", 10), events.DynamicLimit("a", -1))
    assert offered(bench) == 20.0
    assert NO_LIMIT == -1


def test_with_no_limit_at_all_nothing_is_offered() -> None:
    settings = replace(WIDE, grid_limit_a=-1, evse_limit_a=-1, fixed_cable_limit_a=-1)
    assert offered(Bench(settings)) == 0.0


limits_a = st.just(-1.0) | st.floats(0, 100).map(lambda value: round(value, 1))


@pytest.mark.spec(78, 84)
@given(st.integers(6, 80), st.lists(limits_a, max_size=5), limits_a)
def test_the_offer_is_the_minimum_or_nothing(station_a, dynamic_a, ocpp_a):
    limits = CurrentLimits(replace(WIDE, evse_limit_a=station_a))
    limits.set_station(ocpp_a)
    for number, value in enumerate(dynamic_a):
        assert limits.set_dynamic(str(number), value, 0)
    least = min(value for value in [63, station_a, ocpp_a, *dynamic_a] if value != -1)
    assert limits.offered_a(0) == (least if least >= 6 else 0)


# ------------------------------------------------------------------ what is published


@pytest.mark.spec(79)
def test_the_grid_limit_is_published_once() -> None:
    bench = dynamic(Bench(replace(WIDE, grid_limit_a=40)).charge(), 10, 20).unplug()
    assert bench.history(topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL) == [40]
    assert bench.published[0][0] == 0
    assert encode(topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL, 40) == "40"


@pytest.mark.spec(80)
def test_the_stations_own_limit_is_published_once_and_is_6_a_by_default() -> None:
    bench = dynamic(Bench(PortSettings()).plug(), 10, 20).unplug()
    assert bench.history(topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL) == [6]
    assert encode(topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL, 6) == "6"


@pytest.mark.spec(80)
def test_the_stations_own_limit_applies() -> None:
    assert Bench(PortSettings(evse_limit_a=13)).plug().duty_centi == 2166


@pytest.mark.spec(81)
def test_the_limit_of_smart_charging() -> None:
    bench = Bench(WIDE).plug()
    ampere = decode(topics.TOPIC_EVSE_BASIC_MAXCURRENTLIMIT, b"20.2")
    assert topics.TOPIC_EVSE_BASIC_MAXCURRENTLIMIT.path == "ci/evse/basic/maxcurrentlimit"
    assert isinstance(ampere, float)
    bench.send(events.StationLimit(ampere))
    assert offered(bench) == 20.2
    assert bench.duty_centi == 3366
    bench.send(events.StationLimit(63))
    assert offered(bench) == 63.0


@pytest.mark.spec(85)
def test_the_offer_is_published_on_each_change_and_only_then() -> None:
    bench = Bench(WIDE)
    for ampere in (20.25, 20.25, 5, 0, 40, 80):
        bench.send(events.DynamicLimit("a", ampere))
    assert bench.history(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == [63.0, 20.25, 0.0, 40.0, 63.0]


@pytest.mark.spec(85)
@pytest.mark.parametrize(("ampere", "text"), [(63.0, "63.0"), (20.2, "20.2"), (6.0, "6.0"), (0.0, "0.0")])
def test_the_offer_has_one_decimal(ampere: float, text: str) -> None:
    bench = dynamic(Bench(WIDE), ampere)
    value = offered(bench)
    assert isinstance(value, int | float)
    assert encode(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, value) == text


@pytest.mark.spec(86)
def test_the_physical_limit_ignores_what_changes_at_runtime() -> None:
    bench = dynamic(Bench(PortSettings(evse_limit_a=40, grid_limit_a=50)), 6, 7)
    bench.send(events.StationLimit(8))
    assert bench.value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == 40
    assert bench.plug(Cable.A20).value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == 20
    assert bench.unplug().value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == 40
    assert bench.plug(Cable.A63).value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == 40
    assert encode(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, 40) == "40"


@pytest.mark.spec(86)
@pytest.mark.parametrize(
    ("grid", "station", "cable", "least"), [(10, 20, 30, 10), (20, 10, 30, 10), (30, 20, 10, 10)]
)
def test_the_physical_limit_is_the_least_of_three(grid: int, station: int, cable: int, least: int) -> None:
    settings = replace(WIDE, grid_limit_a=grid, evse_limit_a=station, fixed_cable_limit_a=cable)
    assert Bench(settings).value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == least


@pytest.mark.spec(86)
def test_the_physical_limit_is_published_anew_at_plug_in() -> None:
    bench = Bench(WIDE).plug().unplug().plug()
    assert bench.history(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT) == [63, 63, 63]


# ------------------------------------------------------------------ the customer's limits


@pytest.mark.spec(82, 89)
def test_the_example_of_the_guide() -> None:
    bench = Bench(WIDE)
    for name, ampere in (
        ("internal_example_limit", 6),
        ("custom_ocpp_limit", 13),
        ("special_limit", 20),
        ("custom_limit_1", 32),
        ("custom_limit_2", 63),
        ("ignored_limit", 1),
    ):
        bench.send(events.DynamicLimit(name, ampere))
    assert offered(bench) == 6.0
    bench.send(events.DynamicLimit("internal_example_limit", 20))
    assert offered(bench) == 13.0


@pytest.mark.spec(82)
def test_a_sixth_name_is_ignored_and_noted_and_known_names_still_count() -> None:
    bench = dynamic(Bench(WIDE), 60, 60, 60, 60, 60)
    bench.send(events.DynamicLimit("sixth", 7))
    assert offered(bench) == 60.0
    assert [effect for _, effect in bench.log if isinstance(effect, Note) and "'sixth'" in effect.text]
    bench.send(events.DynamicLimit("limit_5", 9))
    assert offered(bench) == 9.0


@pytest.mark.spec(82)
def test_a_name_without_a_limit_is_still_a_name() -> None:
    bench = dynamic(Bench(WIDE), -1, -1, -1, -1, -1)
    bench.send(events.DynamicLimit("sixth", 7))
    assert offered(bench) == 63.0


@pytest.mark.spec(83)
def test_names_and_values_are_lost_at_restart() -> None:
    dynamic(Bench(WIDE), 10, 10, 10, 10, 10)
    restarted = Bench(WIDE)
    assert offered(restarted) == 63.0
    restarted.send(events.DynamicLimit("another", 8))
    assert offered(restarted) == 8.0


# ------------------------------------------------------------------ below 6 A


@pytest.mark.spec(84)
@pytest.mark.parametrize("ampere", [0, 1, 5, 5.9])
def test_below_6_a_the_duty_is_100_and_a_closed_contactor_stays_closed(ampere: float) -> None:
    bench = Bench(WIDE).charge()
    limited = bench.now
    bench.send(events.DynamicLimit("a", ampere)).run(3_600_000)
    assert offered(bench) == 0.0
    assert bench.duty_centi == 10_000
    assert bench.charging
    assert not [effect for effect in bench.since(limited) if isinstance(effect, SetRelay)]


@pytest.mark.spec(84)
def test_below_6_a_an_open_contactor_stays_open() -> None:
    bench = Bench(WIDE).plug().send(events.StationLimit(5.9)).pilot(CpState.C, 3_600_000)
    assert not bench.relay[1]
    assert bench.duty_centi == 10_000
    bench.send(events.StationLimit(6)).run(1_000)
    assert bench.charging
    assert bench.duty_centi == 1_000


@pytest.mark.spec(84)
def test_below_6_a_an_ev_that_leaves_state_c_is_switched_off_and_stays_off() -> None:
    bench = Bench(WIDE).charge().send(events.StationLimit(3)).run(60_000).pilot(CpState.B, 1_000)
    assert not bench.charging
    bench.pilot(CpState.C, 60_000)
    assert not bench.relay[1]


@pytest.mark.spec(84)
def test_below_6_a_the_contactor_stays_only_while_everything_else_allows_it() -> None:
    settings = replace(WIDE, authentication=AuthenticationMode.MQTT)
    bench = Bench(settings).send(events.Authorization(True, session=True)).charge()
    bench.send(events.StationLimit(3)).run(60_000)
    withdrawn = bench.now
    bench.send(events.Authorization(False, session=True)).run(60_000)
    assert bench.times(SetRelay(1, False))[-1] == withdrawn + EV_STOP_MS


@pytest.mark.spec(84)
def test_below_6_a_the_plug_stays_locked_and_the_offer_comes_back() -> None:
    bench = Bench(PortSettings(evse_limit_a=16)).charge().send(events.StationLimit(0)).run(60_000)
    assert bench.lock_position is LockPosition.LOCKED
    back = bench.now
    bench.send(events.StationLimit(-1))
    assert bench.duty_centi == 2666
    assert bench.charging
    assert len(bench.since(back)) == 1


# ------------------------------------------------------------------ failsafe and silence


@pytest.mark.spec(87)
@pytest.mark.parametrize("first", [events.StationLimit(20), events.DynamicLimit("a", 20)])
def test_the_failsafe_limit_holds_until_the_first_limit_arrives(first: events.Event) -> None:
    bench = Bench(replace(WIDE, failsafe_limit_a=8)).charge().run(3_600_000)
    assert offered(bench) == 8.0
    bench.send(first)
    assert offered(bench) == 20.0
    bench.unplug().run(3_600_000).plug()
    assert offered(bench) == 20.0


@pytest.mark.spec(87)
def test_the_failsafe_limit_is_off_by_default() -> None:
    assert PortSettings().failsafe_limit_a == -1
    assert offered(Bench(WIDE)) == 63.0


@pytest.mark.spec(87)
def test_a_failsafe_limit_of_0_offers_nothing() -> None:
    assert offered(Bench(replace(WIDE, failsafe_limit_a=0))) == 0.0


def test_a_silent_publisher_falls_to_the_failsafe_limit_and_may_come_back() -> None:
    bench = Bench(replace(WIDE, failsafe_limit_a=8, dynamic_limit_maximum_age_s=60))
    dynamic(bench, 20).run(59_999)
    assert offered(bench) == 20.0
    bench.run(1)
    assert offered(bench) == 8.0
    dynamic(bench, 20)
    assert offered(bench) == 20.0


def test_a_silent_publisher_without_a_failsafe_limit_ends_the_offer() -> None:
    bench = dynamic(Bench(replace(WIDE, dynamic_limit_maximum_age_s=60)), 20).run(60_000)
    assert offered(bench) == 0.0
    assert bench.port.limits.silent(bench.now) == ("limit_1",)


def test_limits_do_not_age_by_default() -> None:
    assert PortSettings().dynamic_limit_maximum_age_s == 0
    bench = dynamic(Bench(WIDE), 20).run(10 * 24 * 3_600_000)
    assert offered(bench) == 20.0
    assert bench.port.limits.silent(bench.now) == ()


# ------------------------------------------------------------------ phases, numbers


@pytest.mark.spec(88)
@pytest.mark.parametrize("phases", [1, 3])
def test_a_limit_counts_for_each_phase_whatever_their_number(phases: int) -> None:
    bench = dynamic(Bench(replace(WIDE, phase_count=phases)), 12).plug()
    assert offered(bench) == 12.0
    assert bench.duty_centi == 2_000


@pytest.mark.spec(90)
@pytest.mark.parametrize(("payload", "ampere"), [(b"20.2", 20.2), (b"20", 20.0), (b"-1", 63.0)])
def test_integers_and_one_decimal_with_a_point_are_taken(payload: bytes, ampere: float) -> None:
    value = decode(topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT, payload)
    assert isinstance(value, float)
    bench = dynamic(Bench(WIDE), value)
    assert offered(bench) == ampere
    assert "," not in encode(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, ampere)
