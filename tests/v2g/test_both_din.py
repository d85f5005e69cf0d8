"""The EV's core against the station's: DIN SPEC 70121 over a link in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from tests.v2g import chaos
from tests.v2g.link import Link, joined
from v2g.common.terms import DIN, LinkWish
from v2g.evcc.din.protocol import PROTOCOL as EVCC
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2g.evcc.vehicle import Battery, Setup, Vehicle
from v2g.secc import effects as evse
from v2g.secc import station as secc_station
from v2g.secc.din.protocol import PROTOCOL as SECC
from v2g.secc.station import Station, StationError


def link(**more: object) -> Link:
    vehicle = Vehicle(setup=Setup(protocols=(DIN,)))
    station = Station(setup=secc_station.Setup(protocols=(DIN,)))
    made = joined([EVCC], [SECC], vehicle=vehicle, station=station, **more)
    made.connect()
    return made


def charging(made: Link) -> Link:
    """Run into the charge loop."""
    assert made.run(lambda: made.evcc.state == "CurrentDemand" and made.station.present_current_a > 1)
    return made


def settle(made: Link) -> None:
    """Run until both sides have ended and all is quiet."""
    made.run(within_ms=120_000)
    assert made.ended is not None
    assert made.vehicle.contactors_closed is False
    assert made.station.contactor_closed in (None, False)
    assert not made.vehicle.connector_locked
    assert made.evcc.deadline() is None
    assert made.secc.deadline() is None
    links = [each for each in made.evse_effects if isinstance(each, evse.Link)]
    assert len(links) == 1


@pytest.mark.parametrize("end", ["stop", "full", "error"])
def test_the_ev_ends_the_session(end: str) -> None:
    made = charging(link())
    if end == "stop":
        made.vehicle_changed(stop=True)
    elif end == "full":
        made.vehicle_changed(battery=Battery(soc_percent=100))
    else:
        from v2g.evcc.vehicle import EvError

        made.vehicle_changed(error=EvError.RESS_MALFUNCTION)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok is (end != "error")
    assert made.messages()[-3:] == ["PowerDeliveryReq", "WeldingDetectionReq", "SessionStopReq"]
    assert [each for each in made.evse_effects if isinstance(each, evse.Link)] == [
        evse.Link(LinkWish.TERMINATE)
    ]
    assert made.wishes()[-3:] == [PilotState("B"), Contactors(False), LockConnector(False)]


def test_the_station_ends_the_session() -> None:
    made = charging(link())
    made.station_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok
    assert made.messages()[-1] == "SessionStopReq"


@pytest.mark.parametrize("error", list(StationError))
def test_errors_of_the_station(error: StationError) -> None:
    made = charging(link())
    made.station_changed(error=error)
    settle(made)
    chaos.power_is_safe(made)


@pytest.mark.parametrize(
    "state",
    [
        "ServiceDiscovery",
        "ServicePaymentSelection",
        "ContractAuthentication",
        "ChargeParameterDiscovery",
        "CableCheck",
        "PreCharge",
        "PowerDeliveryStart",
        "CurrentDemand",
    ],
)
@pytest.mark.parametrize("end", ["stop", "cut", "abort", "station abort", "station stop", "pilot"])
def test_ends_in_every_state(state: str, end: str) -> None:
    made = link()
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


def test_a_session_does_not_grow_anything() -> None:
    made = link()
    for _ in range(5):
        charging(made)
        made.vehicle_changed(stop=True)
        made.run(within_ms=120_000)
        made.vehicle_changed(stop=False)
        made.station.cable_check = None
        made.connect()
    assert made.connections == 6


@settings(max_examples=120, deadline=None)
@given(what=chaos.chaos(chaos.DIN, 9_000))
def test_nothing_hangs_and_power_is_safe_whatever_happens(what: chaos.Chaos) -> None:
    chaos.ends_safely(link(), what)
