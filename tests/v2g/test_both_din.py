"""The EV's core against the station's: DIN SPEC 70121 over a link in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.link import Link, joined
from v2g.common.terms import DIN, LinkWish
from v2g.evcc import effects as ev
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


def power_is_safe(made: Link) -> None:
    """The EV closes contactors only while the station's relays are, and both end open."""
    station = vehicle = False
    for _, effect in made.times:
        match effect:
            case evse.Contactor(closed):
                station = closed
            case ev.Contactors(closed):
                assert not closed or station, "the EV closes on a station that is off"
                vehicle = closed
            case _:
                pass
    assert not station
    assert not vehicle


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
    power_is_safe(made)
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
    power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok
    assert made.messages()[-1] == "SessionStopReq"


@pytest.mark.parametrize("error", list(StationError))
def test_errors_of_the_station(error: StationError) -> None:
    made = charging(link())
    made.station_changed(error=error)
    settle(made)
    power_is_safe(made)


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
    power_is_safe(made)
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


Chaos = st.lists(
    st.tuples(
        st.integers(0, 9_000),
        st.sampled_from(
            [
                "drop",
                "twice",
                "late",
                "halves",
                "cut",
                "stop",
                "abort",
                "station stop",
                "station abort",
                "garbage",
            ]
        ),
    ),
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(chaos=Chaos, delays=st.tuples(st.integers(0, 120), st.integers(0, 120)), obeys=st.booleans())
def test_nothing_hangs_and_power_is_safe_whatever_happens(
    chaos: list[tuple[int, str]], delays: tuple[int, int], obeys: bool
) -> None:
    made = link()
    made.obeys = obeys
    made.delays.to_station, made.delays.to_vehicle = delays
    next_frame: list[str] = []

    def spoil(from_vehicle: bool, data: bytes) -> Sequence[bytes]:
        how = next_frame.pop() if next_frame else ""
        if how == "drop":
            return ()
        if how == "twice":
            return (data, data)
        if how == "halves":
            return (data[: len(data) // 2], data[len(data) // 2 :])
        if how == "garbage":
            return (data[:8] + bytes(each ^ 0x5A for each in data[8:]),)
        return (data,)

    made.filter = spoil
    acts: dict[str, Callable[[], None]] = {
        "cut": made.cut,
        "stop": lambda: made.vehicle_changed(stop=True),
        "abort": lambda: made.vehicle_changed(abort=True),
        "station stop": lambda: made.station_changed(stop=True),
        "station abort": lambda: made.station_changed(abort=True),
        "late": lambda: setattr(made.delays, "to_vehicle", 400),
    }
    for after_ms, what in chaos:
        made.at(after_ms, acts.get(what) or (lambda what=what: next_frame.append(what)))  # type: ignore[misc]
    made.run(within_ms=20_000)
    if made.ended is None:
        made.vehicle_changed(stop=True)
    made.run(within_ms=200_000)
    assert made.ended is not None
    power_is_safe(made)
    assert made.evcc.deadline() is None
    assert made.secc.deadline() is None
