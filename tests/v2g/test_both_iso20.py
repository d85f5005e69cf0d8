"""The EV's core against the station's: ISO 15118-20, AC, DC and MCS, over a link in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g import chaos
from tests.v2g.link import Link, joined
from tests.v2g.test_both_din import settle
from v2g.common.terms import DIN, ISO_20_AC, ISO_20_DC, EnergyMode, LinkWish
from v2g.evcc import effects as ev
from v2g.evcc.din.protocol import PROTOCOL as EVCC_DIN
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.evcc.vehicle import Battery, OnBoardCharger, Setup, Vehicle
from v2g.secc import effects as evse
from v2g.secc import station as secc_station
from v2g.secc.facts import EvFact
from v2g.secc.iso20.protocol import AC_PROTOCOL as SECC_AC
from v2g.secc.iso20.protocol import DC_PROTOCOL as SECC_DC
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import AcLimits, DcLimits, Station, StationError

MODES = {
    "ac": (EnergyMode.AC_THREE_PHASE,),
    "dc": (EnergyMode.DC_EXTENDED,),
    "mcs": (EnergyMode.MCS,),
}
BOTH_WAYS = {"ac": EnergyMode.AC_BPT, "dc": EnergyMode.DC_BPT, "mcs": EnergyMode.MCS_BPT}
BEFORE = ("AuthorizationSetup", "Authorization", "ServiceDiscovery", "ServiceDetail", "ServiceSelection")
STEPS = {
    "ac": (*BEFORE, "ChargeParameterDiscovery", "ScheduleExchange", "PowerDeliveryStart", "ChargeLoop"),
    "dc": (
        *BEFORE,
        "ChargeParameterDiscovery",
        "ScheduleExchange",
        "CableCheck",
        "PreCharge",
        "PowerDeliveryStart",
        "ChargeLoop",
    ),
}
STATES = [(kind, state) for kind, states in STEPS.items() for state in states]
CONTROL = [pytest.param(True, id="dynamic"), pytest.param(False, id="scheduled")]
NAMESPACES = (ISO_20_DC, ISO_20_AC, DIN)


def link(kind: str, *, dynamic: bool = True, bpt: bool = False, connect: bool = True, **more: Any) -> Link:
    setup = Setup(
        protocols=NAMESPACES,
        energy_modes=MODES[kind],
        dynamic_mode=dynamic,
        bidirectional=bpt,
        iso20_without_tls=True,
    )
    vehicle = Vehicle(
        setup=setup,
        battery=Battery(discharge_current_a=40.0, discharge_power_w=15_000.0),
        charger=OnBoardCharger(discharge_power_w=7_000.0),
    )
    if kind == "mcs":
        vehicle.battery = Battery(
            voltage_v=800.0,
            target_voltage_v=900.0,
            target_current_a=2_000.0,
            maximum_voltage_v=1_000.0,
            maximum_current_a=2_500.0,
            maximum_power_w=2_000_000.0,
        )
    modes = MODES[kind] if not bpt else (*MODES[kind], BOTH_WAYS[kind])
    station = Station(
        setup=secc_station.Setup(
            protocols=NAMESPACES, energy_modes=modes, iso20_without_tls=True, **more.pop("station", {})
        ),
        dc=DcLimits(discharge_current_a=30.0, discharge_power_w=10_000.0),
        ac=AcLimits(discharge_power_w=6_000.0),
    )
    if kind == "mcs":
        station.dc = DcLimits(
            maximum_voltage_v=1_250.0, maximum_current_a=3_000.0, maximum_power_w=3_000_000.0
        )
    protocols = [DC_PROTOCOL, AC_PROTOCOL, EVCC_DIN]
    made = joined(protocols, [SECC_AC, SECC_DC], vehicle=vehicle, station=station, **more)
    if connect:
        made.connect()
    return made


def charging(made: Link, for_ms: int = 3_000) -> Link:
    """Run well into the charge loop."""
    assert made.run(lambda: made.evcc.state == "ChargeLoop" or made.ended is not None)
    made.run(within_ms=for_ms)
    assert made.ended is None, made.ended
    assert made.evcc.state == "ChargeLoop"
    assert made.vehicle.contactors_closed
    return made


def logs(made: Link) -> list[str]:
    return [each.text for each in made.ev_effects if hasattr(each, "text")]


def told(made: Link, fact: EvFact) -> Any:
    """What the station was last told of a fact."""
    found = [each for each in made.evse_effects if isinstance(each, evse.EvTold) and each.fact is fact]
    return found[-1].value if found else None


ORDER = {
    "ac": ["AC_ChargeParameterDiscoveryReq", "ScheduleExchangeReq", "PowerDeliveryReq", "AC_ChargeLoopReq"],
    "dc": [
        "DC_ChargeParameterDiscoveryReq",
        "ScheduleExchangeReq",
        "DC_CableCheckReq",
        "DC_PreChargeReq",
        "PowerDeliveryReq",
        "DC_ChargeLoopReq",
    ],
}
ENDS = {"ac": ["PowerDeliveryReq"], "dc": ["PowerDeliveryReq", "DC_WeldingDetectionReq"]}


@pytest.mark.spec(336)
@pytest.mark.parametrize("dynamic", CONTROL)
@pytest.mark.parametrize("bpt", [pytest.param(False, id="one way"), pytest.param(True, id="both ways")])
@pytest.mark.parametrize("kind", list(MODES))
def test_the_order_of_messages(kind: str, dynamic: bool, bpt: bool) -> None:
    made = link(kind, dynamic=dynamic, bpt=bpt)
    if kind == "mcs":
        made.station.dc.discharge_power_w = made.vehicle.battery.discharge_power_w = 1e6
        made.station.dc.discharge_current_a = made.vehicle.battery.discharge_current_a = 1e3
    charging(made)
    made.vehicle_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    current = "ac" if kind == "ac" else "dc"
    assert made.messages() == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "AuthorizationSetupReq",
        "AuthorizationReq",
        "ServiceDiscoveryReq",
        "ServiceDetailReq",
        "ServiceSelectionReq",
        *ORDER[current],
        *ENDS[current],
        "SessionStopReq",
    ]
    assert made.ended == ev.SessionEnded("the EV stops", ok=True)
    services = {"ac": (1, 5), "dc": (2, 6), "mcs": (8, 9)}
    assert ev.ChargerTold(ChargerFact.SELECTED_SERVICE, services[kind][bpt]) in made.ev_effects
    assert told(made, EvFact.CONTROL_MODE) == ("Dynamic" if dynamic else "Scheduled")
    assert [each for each in made.evse_effects if isinstance(each, evse.Link)] == [
        evse.Link(LinkWish.TERMINATE)
    ]


@pytest.mark.spec(337)
def test_dynamic_control_with_mobility_needs_of_the_ev() -> None:
    made = charging(link("mcs"))
    assert told(made, EvFact.CONTROL_MODE) == "Dynamic"
    assert told(made, EvFact.MOBILITY_NEEDS) == "ProvidedByEvcc"


@pytest.mark.spec(335)
def test_the_evs_id_is_free_text() -> None:
    made = link("dc", connect=False)
    made.vehicle.setup = Setup(protocols=NAMESPACES, evcc_id="CB-F0-CHARGEMODULE-0-2", iso20_without_tls=True)
    made.connect()
    charging(made)
    assert told(made, EvFact.EVCC_ID) == "CB-F0-CHARGEMODULE-0-2"


def test_dc_dynamic_the_station_sets_the_power() -> None:
    made = charging(link("dc"))
    made.station_changed(dc_target_power_w=20_000.0)
    made.run(within_ms=1_000)
    power = made.station.present_voltage_v * made.station.present_current_a
    assert power == pytest.approx(20_000.0, rel=0.02)


def test_dc_scheduled_the_ev_keeps_to_the_schedule() -> None:
    made = link("dc", dynamic=False, connect=False)
    made.station.schedules = (Schedule(1, (Period(0, 10_000.0),), 86_400),)
    made.connect()
    charging(made)
    assert 0 < made.station.present_current_a * 350.0 <= 10_100.0
    assert told(made, EvFact.CHARGING_PROFILE)["entries"][0][1] == 10_000.0


def test_ac_dynamic_the_station_sets_the_power() -> None:
    made = charging(link("ac"))
    made.station_changed(ac_target_power_w=6_900.0)
    made.run(within_ms=1_000)
    draws = [each.current_a for each in made.ev_effects if isinstance(each, ev.DrawCurrent)]
    assert (draws[0], draws[-1]) == (32.0, 10.0)


def test_ac_scheduled_the_ev_keeps_to_the_schedule() -> None:
    made = link("ac", dynamic=False, connect=False)
    made.station.schedules = (Schedule(1, (Period(0, 6_900.0), Period(60, 13_800.0)), 86_400),)
    made.connect()
    charging(made)
    made.run(within_ms=62_000)
    draws = [each.current_a for each in made.ev_effects if isinstance(each, ev.DrawCurrent)]
    assert draws == [10.0, 20.0]


@pytest.mark.parametrize("kind", ["ac", "dc"])
def test_power_comes_back(kind: str) -> None:
    made = charging(link(kind, bpt=True))
    made.station_changed(**{f"{kind}_target_power_w": -5_000.0})
    made.run(within_ms=1_000)
    if kind == "ac":
        draws = [each.current_a for each in made.ev_effects if isinstance(each, ev.DrawCurrent)]
        assert draws[-1] == pytest.approx(-5_000 / 690, abs=0.06)
    else:
        assert made.station.present_current_a < -10
    made.station_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)


@pytest.mark.parametrize("kind", list(MODES))
@pytest.mark.parametrize("who", ["EV", "station"])
@pytest.mark.parametrize("dynamic", CONTROL)
def test_ends(kind: str, who: str, dynamic: bool) -> None:
    made = charging(link(kind, dynamic=dynamic))
    if who == "EV":
        made.vehicle_changed(stop=True)
    else:
        made.station_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok
    assert made.messages()[-1] == "SessionStopReq"


@pytest.mark.parametrize("kind", ["ac", "dc"])
@pytest.mark.parametrize("error", list(StationError))
def test_errors_of_the_station(kind: str, error: StationError) -> None:
    made = charging(link(kind))
    made.station_changed(error=error)
    settle(made)
    chaos.power_is_safe(made)


@pytest.mark.parametrize(("kind", "state"), STATES)
@pytest.mark.parametrize("end", ["stop", "cut", "abort", "station abort", "station stop", "pilot"])
def test_ends_in_every_state(kind: str, state: str, end: str) -> None:
    made = link(kind)
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


@pytest.mark.parametrize("kind", ["ac", "dc"])
@pytest.mark.parametrize("who", ["EV", "station"])
@pytest.mark.parametrize("dynamic", CONTROL)
def test_schedules_are_renegotiated_with_power_on(kind: str, who: str, dynamic: bool) -> None:
    made = charging(link(kind, dynamic=dynamic))
    first = len(made.ev_effects)
    made.station.parameters_ready = False
    if who == "EV":
        made.vehicle_changed(renegotiate=True)
    else:
        made.station_changed(renegotiate=True)
    made.run(within_ms=3_000)
    after = made.ev_effects[first:]
    states = [each.state for each in after if isinstance(each, ev.StateChanged)]
    assert states[0] == "ScheduleRenegotiation"
    assert states.count("ScheduleRenegotiation") == 1
    assert states.count("ScheduleExchangeInLoop") >= 2
    assert states[-2:] == ["NewPowerProfile", "ChargeLoop"]
    assert not [each for each in after if isinstance(each, ev.Contactors | ev.PilotState)]
    assert evse.Reached(evse.Milestone.RENEGOTIATION) in made.evse_effects
    sent = [each.data for each in after if isinstance(each, ev.Send)]
    assert any(data[2:4] == b"\x81\x01" for data in sent)
    made.vehicle_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended is not None
    assert made.ended.ok


def test_a_renegotiation_that_does_not_end_is_given_up() -> None:
    made = charging(link("dc"))
    made.delays.authorization = 10**7
    made.station.parameters_ready = False
    made.vehicle_changed(renegotiate=True)
    made.run(within_ms=70_000)
    assert any(line.startswith("schedules stay as they were") for line in logs(made))
    assert made.evcc.state == "ChargeLoop"
    assert made.ended is None


@pytest.mark.parametrize("kind", ["ac", "dc"])
def test_the_service_is_selected_anew(kind: str) -> None:
    made = charging(link(kind))
    made.station_changed(renegotiate_service=True)
    assert made.run(lambda: made.messages().count("ServiceSelectionReq") == 2)
    assert not made.vehicle.contactors_closed
    charging(made)
    session = made.evcc.session
    assert session is not None
    assert made.secc.session is not None
    assert session.session_id == made.secc.session.session_id
    made.vehicle_changed(stop=True)
    settle(made)
    chaos.power_is_safe(made)
    assert made.ended == ev.SessionEnded("the EV stops", ok=True)


@pytest.mark.parametrize("kind", list(MODES))
@pytest.mark.parametrize("who", ["EV", "station"])
@pytest.mark.parametrize("dynamic", CONTROL)
def test_pause_and_resume(kind: str, who: str, dynamic: bool) -> None:
    made = charging(link(kind, dynamic=dynamic))
    if who == "EV":
        made.vehicle_changed(pause=True)
    else:
        made.station_changed(pause=True)
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.paused is not None
    assert [each for each in made.evse_effects if isinstance(each, evse.Link)] == [evse.Link(LinkWish.PAUSE)]
    chaos.power_is_safe(made)
    made.vehicle.pause = made.station.pause = False
    made.ev_effects.clear()
    made.connect()
    charging(made)
    assert "the paused session goes on" in logs(made)
    assert "ServiceSelectionReq" not in made.messages()
    made.vehicle_changed(stop=True)
    assert made.run(within_ms=60_000)
    assert made.ended.paused is None
    chaos.power_is_safe(made)


def test_the_station_asks_to_pause_before_it_charges() -> None:
    made = link("dc", connect=False)
    made.station.pause = True
    made.connect()
    made.run(within_ms=60_000)
    assert made.ended is not None
    assert made.ended.ok
    assert made.ended.paused is not None
    assert "DC_CableCheckReq" not in made.messages()


def test_the_station_forgot_the_paused_session() -> None:
    made = charging(link("dc"))
    made.vehicle_changed(pause=True)
    made.run(within_ms=60_000)
    made.vehicle_changed(pause=False)
    made.secc.forget_paused()
    made.ev_effects.clear()
    made.connect()
    charging(made)
    assert any("cannot be joined again" in line for line in logs(made))
    assert "ServiceSelectionReq" in made.messages()


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["ac", "dc"]),
    dynamic=st.booleans(),
    bpt=st.booleans(),
    what=chaos.chaos(chaos.ISO_20, 12_000),
)
def test_nothing_hangs_and_power_is_safe_whatever_happens(
    kind: str, dynamic: bool, bpt: bool, what: chaos.Chaos
) -> None:
    chaos.ends_safely(link(kind, dynamic=dynamic, bpt=bpt), what)
