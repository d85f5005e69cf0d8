"""The EV's core against the station's: ISO 15118-2, AC and DC, over a link in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g import chaos
from tests.v2g.link import Link, joined
from tests.v2g.test_both_din import settle
from v2g.common.terms import DIN, ISO_2, EnergyMode, LinkWish
from v2g.evcc import effects as ev
from v2g.evcc.din.protocol import PROTOCOL as EVCC_DIN
from v2g.evcc.iso2.protocol import PROTOCOL as EVCC
from v2g.evcc.vehicle import Setup, Vehicle
from v2g.secc import effects as evse
from v2g.secc import station as secc_station
from v2g.secc.din.protocol import PROTOCOL as SECC_DIN
from v2g.secc.iso2.protocol import PROTOCOL as SECC
from v2g.secc.station import Station, StationError

MODES = {True: (EnergyMode.DC_EXTENDED,), False: (EnergyMode.AC_THREE_PHASE,)}
LOOP = {True: "CurrentDemand", False: "ChargingStatus"}
STEPS = {
    True: (
        "ServiceDiscovery",
        "PaymentServiceSelection",
        "Authorization",
        "ChargeParameterDiscovery",
        "CableCheck",
        "PreCharge",
        "PowerDeliveryStart",
        "CurrentDemand",
    ),
    False: (
        "ServiceDiscovery",
        "PaymentServiceSelection",
        "Authorization",
        "ChargeParameterDiscovery",
        "PowerDeliveryStart",
        "ChargingStatus",
    ),
}
STATES = [(dc, state) for dc, states in STEPS.items() for state in states]


def link(dc: bool, *, connect: bool = True, **more: Any) -> Link:
    vehicle = Vehicle(setup=Setup(protocols=(ISO_2, DIN), energy_modes=MODES[dc]))
    station = Station(setup=secc_station.Setup(protocols=(ISO_2, DIN), energy_modes=MODES[dc]))
    made = joined([EVCC, EVCC_DIN], [SECC, SECC_DIN], vehicle=vehicle, station=station, **more)
    if connect:
        made.connect()
    return made


def charging(made: Link, dc: bool) -> Link:
    """Run well into the charge loop."""
    assert made.run(lambda: made.evcc.state == LOOP[dc])
    made.run(within_ms=3_000)
    assert made.evcc.state == LOOP[dc]
    return made


@pytest.mark.parametrize("dc", [True, False])
@pytest.mark.parametrize("who", ["EV", "station"])
def test_ends(dc: bool, who: str) -> None:
    made = charging(link(dc), dc)
    if who == "EV":
        made.vehicle_changed(stop=True)
    else:
        made.station_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok
    assert made.messages()[-1] == "SessionStopReq"
    assert [each for each in made.evse_effects if isinstance(each, evse.Link)] == [
        evse.Link(LinkWish.TERMINATE)
    ]


@pytest.mark.parametrize("dc", [True, False])
@pytest.mark.parametrize("error", list(StationError))
def test_errors_of_the_station(dc: bool, error: StationError) -> None:
    made = charging(link(dc), dc)
    made.station_changed(error=error)
    settle(made)
    chaos.power_is_safe(made)


@pytest.mark.parametrize(("dc", "state"), STATES)
@pytest.mark.parametrize("end", ["stop", "cut", "abort", "station abort", "station stop", "pilot"])
def test_ends_in_every_state(dc: bool, state: str, end: str) -> None:
    made = link(dc)
    assert made.run(lambda: made.evcc.state == state)
    acts: dict[str, Callable[[], None]] = {
        "stop": lambda: made.vehicle_changed(stop=True),
        "cut": made.cut,
        "abort": lambda: made.vehicle_changed(abort=True),
        "station abort": lambda: made.station_changed(abort=True),
        "station stop": lambda: made.station_changed(stop=True),
        "pilot": lambda: made.vehicle_changed(pilot_ok=False),
    }
    acts[end]()
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    if end == "stop":
        assert made.ended.ok
        assert made.messages()[-1] == "SessionStopReq"


@pytest.mark.parametrize("dc", [True, False])
@pytest.mark.parametrize("who", ["EV", "station"])
def test_renegotiation(dc: bool, who: str) -> None:
    made = charging(link(dc), dc)
    first = len(made.ev_effects)
    if who == "EV":
        made.vehicle_changed(renegotiate=True)
    else:
        made.station_changed(renegotiate=True)
    assert made.run(lambda: made.evcc.state == "ChargeParameterDiscovery")
    charging(made, dc)
    states = [each.state for each in made.ev_effects[first:] if isinstance(each, ev.StateChanged)]
    assert states.count("PowerDeliveryRenegotiate") == 1
    assert evse.Reached(evse.Milestone.RENEGOTIATION) in made.evse_effects
    made.vehicle_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok


@pytest.mark.parametrize("dc", [True, False])
def test_pause_and_resume(dc: bool) -> None:
    made = charging(link(dc), dc)
    made.vehicle_changed(pause=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.paused is not None
    assert [each for each in made.evse_effects if isinstance(each, evse.Link)] == [evse.Link(LinkWish.PAUSE)]
    chaos.power_is_safe(made)
    made.vehicle_changed(pause=False)
    made.connect()
    charging(made, dc)
    assert "the paused session goes on" in [each.text for each in made.ev_effects if hasattr(each, "text")]
    made.vehicle_changed(stop=True)
    settle_again = made.run(within_ms=60_000)
    assert settle_again
    assert made.ended.paused is None
    chaos.power_is_safe(made)


def test_the_station_forgot_the_paused_session() -> None:
    made = charging(link(True), True)
    made.vehicle_changed(pause=True)
    made.run(within_ms=60_000)
    made.vehicle_changed(pause=False)
    made.secc.forget_paused()
    made.connect()
    charging(made, True)
    assert any("cannot be joined again" in each.text for each in made.ev_effects if hasattr(each, "text"))


def test_din_is_agreed_where_the_station_has_nothing_else() -> None:
    made = link(True, connect=False)
    made.station.setup = secc_station.Setup(protocols=(DIN,), energy_modes=MODES[True])
    made.connect()
    assert made.run(lambda: made.evcc.state == "CurrentDemand")
    assert ev.ProtocolSelected(DIN) in made.ev_effects


@settings(max_examples=120, deadline=None)
@given(dc=st.booleans(), what=chaos.chaos(chaos.ISO_2, 12_000))
def test_nothing_hangs_and_power_is_safe_whatever_happens(dc: bool, what: chaos.Chaos) -> None:
    chaos.ends_safely(link(dc), what)
