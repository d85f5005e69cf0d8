"""High-level charging (ISO 15118) on the test bench: 5 %, a session's wishes, and what goes before them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations import topics
from chargectl.declarations.port_link import LEASE_MS, RENEW_MS, PortStatus, PortTrouble, SessionWish
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.effects import SetPilot, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.session_status import status_of
from chargectl.port.settings import AuthenticationMode, Feedback, PortSettings, RcdSettings
from chargectl.port.timing import EV_STOP_MS, HIGH_LEVEL_STOP_MS, T_STEP_EF_MS, T_STEP_X1_MS
from tests.port.bench import Bench

HLC = 500
STEADY = 10_000
SETTINGS = PortSettings(evse_limit_a=32, grid_limit_a=32, high_level=True, basic_charging=False)
READY = SessionWish(link_ready=True)
TALKING = SessionWish(link_ready=True, active=True)
POWER = SessionWish(link_ready=True, active=True, power=True)


class Session(Bench):
    """A bench with a daemon that renews what it wishes, until it dies."""

    def __init__(self, settings: PortSettings = SETTINGS) -> None:
        self.wished: SessionWish | None = None
        super().__init__(settings)

    def wish(self, wish: SessionWish | None) -> Session:
        """The daemon says this from now on; None: it has gone."""
        self.wished = wish
        self.send(events.SessionWished(wish))
        return self

    def change(self, **fields: object) -> Session:
        assert self.wished is not None
        return self.wish(replace(self.wished, **fields))  # type: ignore[arg-type]

    def hang(self) -> Session:
        """The daemon says nothing any more."""
        self.wished = None
        return self

    def run(self, ms: int) -> Session:
        end = self.now + ms
        while self.wished is not None and end - self.now > RENEW_MS:
            super().run(RENEW_MS)
            self.send(events.SessionWished(self.wished))
        super().run(end - self.now)
        return self

    def charge(self) -> Session:
        """Bring it to charging: plugged, link, session, state C, contactor closed."""
        self.wish(READY)
        self.plug()
        self.wish(TALKING).run(1_000)
        self.pilot(CpState.C, 100)
        self.wish(POWER).run(200)
        assert self.charging, self.describe()
        return self

    @property
    def status(self) -> PortStatus:
        return status_of(self.port, self.now)


# ---------------------------------------------------------------------- the pilot


@pytest.mark.spec(64)
def test_the_pilot_has_100_percent_until_the_link_is_ready() -> None:
    bench = Session()
    bench.plug().run(30_000)
    assert bench.duty_centi == STEADY
    bench.wish(READY)
    assert bench.duty_centi == HLC
    bench.wish(replace(READY, link_ready=False))
    assert bench.duty_centi == STEADY


@pytest.mark.spec(64)
def test_without_an_ev_the_pilot_has_100_percent() -> None:
    bench = Session()
    bench.wish(READY).run(5_000)
    assert bench.duty_centi == STEADY
    assert bench.times(SetPilot(HLC)) == []
    bench.plug()
    assert bench.duty_centi == HLC
    bench.unplug()
    assert bench.duty_centi == STEADY


@pytest.mark.spec(62)
def test_no_current_is_ever_offered_by_the_duty_cycle() -> None:
    bench = Session().charge()
    bench.send(events.StationLimit(10.0)).run(1_000)
    duties = {effect.duty_centi for _, effect in bench.log if isinstance(effect, SetPilot)}
    assert duties == {HLC, STEADY}
    assert bench.value(topics.TOPIC_CHARGE_PWM_STATUS) == 5.0


def test_between_two_times_of_5_percent_are_three_seconds() -> None:
    bench = Session()
    bench.wish(READY)
    bench.plug()
    gone = bench.now
    bench.wish(replace(READY, link_ready=False)).run(100)
    bench.wish(READY).run(10_000)
    assert bench.times(SetPilot(HLC))[-1] == gone + T_STEP_X1_MS


def test_the_next_ev_need_not_wait() -> None:
    bench = Session()
    bench.wish(READY)
    bench.plug()
    bench.pilot(CpState.A)
    back = bench.now
    bench.pilot(CpState.B)
    assert bench.times(SetPilot(HLC))[-1] == back


def test_no_session_begins_without_current() -> None:
    bench = Session()
    bench.wish(READY)
    bench.send(events.StationLimit(0)).plug().run(10_000)
    assert bench.duty_centi == STEADY
    bench.send(events.StationLimit(16))
    assert bench.duty_centi == HLC


def test_a_limit_below_six_ampere_ends_no_session() -> None:
    bench = Session().charge()
    bench.send(events.StationLimit(3)).run(20_000)
    assert bench.charging
    assert (bench.duty_centi, bench.status.offered_a) == (HLC, 0)
    bench.send(events.StationLimit(10)).run(100)
    assert bench.status.offered_a == 10


def test_the_rcd_is_tested_before_5_percent() -> None:
    bench = Session(replace(SETTINGS, rcd=RcdSettings(enable=True)))
    bench.wish(READY)
    bench.send(events.ProximitySeen(Cable.A32)).pilot(CpState.B, 200)
    assert (bench.duty_centi, bench.rcd_test_output) == (STEADY, True)
    bench.run(3_000)
    assert (bench.duty_centi, bench.port.rcd.testing) == (HLC, False)


def test_an_ev_that_is_not_heard_is_woken_through_state_e() -> None:
    bench = Session()
    bench.wish(READY)
    bench.plug()
    asked = bench.now
    bench.change(error_routines=1).run(T_STEP_EF_MS + 1_000)
    assert bench.times(SetPilot(None)) == [asked]
    assert bench.times(SetPilot(HLC))[-1] == asked + T_STEP_EF_MS
    assert bench.error_codes == []
    bench.run(60_000)
    assert len(bench.times(SetPilot(None))) == 1


def test_a_count_that_a_new_daemon_brings_along_wakes_nobody() -> None:
    bench = Session()
    bench.plug()
    bench.wish(replace(READY, error_routines=2)).run(5_000)
    assert bench.times(SetPilot(None)) == []


def test_an_error_routine_never_interrupts_a_session() -> None:
    bench = Session().charge()
    bench.change(error_routines=7).run(1_000)
    assert bench.charging
    assert bench.duty_centi == HLC


def test_the_wake_up_of_basic_charging_has_no_place_here() -> None:
    bench = Session(replace(SETTINGS, force_wake_up=True, wake_up_after_timeout=True))
    bench.wish(READY)
    bench.plug().run(60_000)
    assert bench.times(SetPilot(None)) == []


# ---------------------------------------------------------------------- the contactor


def test_power_needs_the_session_and_the_ev() -> None:
    bench = Session()
    bench.wish(TALKING)
    bench.plug().pilot(CpState.C, 5_000)
    assert not bench.charging
    bench.wish(POWER).run(100)
    assert bench.charging
    bench = Session()
    bench.wish(POWER)
    bench.plug().run(5_000)
    assert not bench.charging
    bench.pilot(CpState.C, 100)
    assert bench.charging


@pytest.mark.spec(66)
@pytest.mark.parametrize("state", [CpState.B, CpState.A, CpState.E, CpState.F])
def test_an_ev_that_leaves_state_c_has_no_power_at_once(state: CpState) -> None:
    bench = Session().charge()
    left = bench.now
    bench.send(events.PilotSeen(state))
    assert bench.times(SetRelay(1, False))[-1] == left


@pytest.mark.spec(66)
def test_back_in_state_c_only_a_new_wish_counts() -> None:
    bench = Session().charge()
    bench.pilot(CpState.B, 100).pilot(CpState.C, 20_000)
    assert not bench.charging
    bench.wish(TALKING)
    bench.wish(POWER).run(100)
    assert bench.charging


def test_the_session_ends_power_at_once() -> None:
    bench = Session().charge()
    ended = bench.now
    bench.wish(TALKING)
    assert bench.times(SetRelay(1, False))[-1] == ended


def test_a_daemon_that_dies_leaves_the_ev_its_time_to_stop() -> None:
    bench = Session().charge()
    died = bench.now
    bench.wish(None).run(20_000)
    assert bench.times(SetPilot(STEADY))[-1] == died
    assert bench.times(SetRelay(1, False))[-1] == died + EV_STOP_MS
    assert bench.error_codes == []


def test_an_ev_that_stops_is_switched_off_with_the_dead_daemon() -> None:
    bench = Session().charge()
    bench.wish(None).run(500)
    stopped = bench.now
    bench.pilot(CpState.B, 100)
    assert bench.times(SetRelay(1, False))[-1] == stopped


def test_a_daemon_that_hangs_loses_its_wish_with_the_lease() -> None:
    bench = Session().charge()
    bench.send(events.SessionWished(POWER))
    last = bench.now
    bench.hang().run(20_000)
    assert bench.times(SetPilot(STEADY))[-1] == last + LEASE_MS
    assert bench.times(SetRelay(1, False))[-1] == last + LEASE_MS + EV_STOP_MS


def test_a_daemon_that_comes_back_with_the_old_wish_does_not_undo_the_end() -> None:
    bench = Session().charge()
    died = bench.now
    bench.wish(None).run(500)
    bench.wish(POWER).run(30_000)
    assert bench.times(SetRelay(1, False))[-1] == died + EV_STOP_MS
    assert not bench.charging


def test_after_a_lost_daemon_a_new_session_charges() -> None:
    bench = Session().charge()
    bench.wish(None).run(1_000).pilot(CpState.B, 10_000)
    bench.wish(READY).run(5_000)
    assert bench.duty_centi == HLC
    bench.wish(TALKING).pilot(CpState.C, 100)
    bench.wish(POWER).run(200)
    assert bench.charging


@pytest.mark.spec(175)
def test_power_needs_the_locked_plug() -> None:
    bench = Session()
    bench.lock_jammed = True
    bench.wish(POWER)
    bench.plug().pilot(CpState.C, 5_000)
    assert not bench.status.locked
    assert not bench.status.ready
    assert not bench.charging


def test_a_fixed_cable_needs_no_lock() -> None:
    bench = Session(replace(SETTINGS, pluggable=False, fixed_cable_limit_a=16))
    bench.wish(POWER)
    bench.pilot(CpState.B, 1_000).pilot(CpState.C, 100)
    assert bench.charging
    assert bench.status.locked


def test_the_authorization_is_the_ports() -> None:
    bench = Session(replace(SETTINGS, authentication=AuthenticationMode.OCPP))
    bench.wish(replace(POWER, authorized=True))
    bench.plug().pilot(CpState.C, 5_000)
    assert bench.duty_centi == HLC, "the session may ask for the authorization"
    assert not bench.charging
    bench.send(events.Authorization(True, session=True)).run(2_000)
    assert bench.charging


def test_a_customer_may_authorize_within_the_session() -> None:
    bench = Session(replace(SETTINGS, authentication=AuthenticationMode.MQTT))
    bench.wish(TALKING)
    bench.plug()
    assert not bench.status.authorized
    bench.change(authorized=True).run(2_000)
    assert bench.status.authorized
    assert bench.lock_position is LockPosition.LOCKED
    bench.unplug()
    bench.plug()
    assert not bench.status.authorized, "what still stands is not for the next EV"


def test_an_authorization_that_was_taken_back_is_not_given_again() -> None:
    bench = Session(replace(SETTINGS, authentication=AuthenticationMode.MQTT))
    bench.wish(TALKING)
    bench.plug()
    bench.change(authorized=True).run(100)
    bench.send(events.Authorization(False, session=True)).run(5_000)
    assert not bench.status.authorized


@pytest.mark.parametrize("mode", [AuthenticationMode.OCPP, AuthenticationMode.KEY_SWITCH])
def test_where_others_decide_the_session_authorizes_nobody(mode: AuthenticationMode) -> None:
    bench = Session(replace(SETTINGS, authentication=mode))
    bench.wish(replace(TALKING, authorized=True))
    bench.plug()
    assert not bench.status.authorized


def test_a_withdrawn_authorization_leaves_the_session_its_time() -> None:
    bench = Session(replace(SETTINGS, authentication=AuthenticationMode.MQTT))
    bench.send(events.Authorization(True, session=True))
    bench.charge()
    withdrawn = bench.now
    bench.send(events.Authorization(False, session=True)).run(30_000)
    assert bench.times(SetRelay(1, False))[-1] == withdrawn + HIGH_LEVEL_STOP_MS
    assert bench.duty_centi == HLC


def test_the_end_of_the_program_is_the_end_of_the_5_percent() -> None:
    bench = Session().charge()
    stopped = bench.now
    bench.send(events.Stop())
    assert bench.duty_centi == STEADY
    assert bench.status.stop
    bench.run(5_000)
    assert bench.times(SetRelay(1, False))[-1] == stopped + EV_STOP_MS


def test_the_contactor_rests_for_six_seconds_and_says_so() -> None:
    bench = Session().charge()
    bench.wish(TALKING)
    bench.pilot(CpState.B, 100)
    opened = bench.now
    assert not bench.status.ready
    bench.run(5_000)
    assert not bench.status.ready
    bench.run(1_500)
    assert bench.status.ready
    bench.pilot(CpState.C)
    bench.wish(POWER).run(100)
    assert bench.times(SetRelay(1, True))[-1] >= opened + 5_900
    assert bench.charging


# ---------------------------------------------------------------------- errors go before


def test_an_emergency_goes_before_the_session() -> None:
    bench = Session(replace(SETTINGS, emergency_enable=True)).charge()
    pressed = bench.now
    bench.send(events.EmergencyInput(True))
    assert bench.times(SetRelay(1, False))[-1] == pressed
    assert bench.status.trouble is PortTrouble.EMERGENCY
    assert bench.duty_centi != HLC
    bench.send(events.EmergencyInput(False)).run(20_000)
    assert not bench.charging
    assert bench.duty_centi != HLC, "not before the EV was unplugged"
    assert bench.status.stop


def test_a_residual_current_goes_before_the_session() -> None:
    bench = Session(replace(SETTINGS, rcd=RcdSettings(enable=True)))
    bench.charge()
    tripped = bench.now
    bench.trip_rcd()
    assert bench.times(SetRelay(1, False))[-1] == tripped
    assert bench.status.rcd_tripped
    assert bench.status.trouble is PortTrouble.RCD
    assert bench.duty_centi != HLC


def test_a_welded_contactor_is_told() -> None:
    bench = Session().charge()
    bench.contactor_follows[1] = False
    bench.wish(TALKING).run(1_000)
    assert bench.status.trouble is PortTrouble.CONTACTOR
    assert bench.status.contactor_closed is True
    assert bench.duty_centi == 0


def test_after_an_error_that_has_gone_the_session_begins_anew() -> None:
    bench = Session().charge()
    bench.send(events.BoardFault("pilot_adc", True)).run(500)
    assert bench.status.trouble is PortTrouble.OTHER
    assert not bench.charging
    bench.send(events.BoardFault("pilot_adc", False)).run(20_000)
    assert bench.status.trouble is PortTrouble.NONE
    assert bench.duty_centi == HLC
    assert not bench.charging, "what was wanted before the error closes nothing after it"


# ---------------------------------------------------------------------- what the session is told


def test_what_the_session_is_told() -> None:
    bench = Session()
    assert status_of(bench.port, bench.now) == PortStatus(
        pilot="A", contactor_closed=False, authorized=True, offered_a=32
    )
    bench.charge()
    assert bench.status == PortStatus(
        pilot="C",
        connected=True,
        contactor_closed=True,
        locked=True,
        ready=True,
        authorized=True,
        offered_a=32,
        phases=3,
    )


def test_a_contactor_without_feedback_moves_for_its_reaction_time() -> None:
    bench = Session(replace(SETTINGS, contactor_feedback=Feedback.NONE))
    bench.wish(READY)
    bench.plug()
    bench.wish(TALKING).pilot(CpState.C, 100)
    bench.wish(POWER).run(100)
    assert bench.status.contactor_closed is False
    bench.run(500)
    assert bench.status.contactor_closed is True
    bench.wish(TALKING).run(100)
    assert bench.status.contactor_closed is True
    bench.run(500)
    assert bench.status.contactor_closed is False


def test_a_feedback_that_cannot_be_read_is_not_told() -> None:
    bench = Session().charge()
    bench.send(events.BoardFault("relay1_sense", True))
    assert bench.status.contactor_closed is None


@pytest.mark.spec(65)
def test_the_protocol_is_left_to_the_session() -> None:
    bench = Session().charge()
    assert bench.history(topics.TOPIC_CHARGE_INIT_PROTOCOL) == []
    assert Bench().plug().history(topics.TOPIC_CHARGE_INIT_PROTOCOL)[-1] == "IEC61851"


@pytest.mark.parametrize("mode", list(AuthenticationMode))
def test_wishes_change_nothing_in_basic_charging(mode: AuthenticationMode) -> None:
    settings = replace(SETTINGS, high_level=False, basic_charging=True, authentication=mode)
    plain, asked = Bench(settings), Bench(settings)
    asked.send(events.SessionWished(replace(POWER, authorized=True)))
    for bench in (plain, asked):
        bench.plug().pilot(CpState.C, 5_000)
    assert asked.log == plain.log


# ---------------------------------------------------------------------- whatever happens

_STATES = st.sampled_from([CpState.A, CpState.B, CpState.C, CpState.D, CpState.E])
_WISHES = st.none() | st.builds(
    SessionWish,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
_EVENTS = st.one_of(
    _STATES.map(events.PilotSeen),
    _WISHES.map(events.SessionWished),
    st.booleans().map(lambda allowed: events.Authorization(allowed, True)),
    st.sampled_from([0.0, 10.0, -1.0]).map(events.StationLimit),
    st.booleans().map(events.EmergencyInput),
    st.booleans().map(events.RcdFeedback),
    st.sampled_from(list(LockPosition)[:2]).map(events.LockSense),
)


@given(st.lists(st.tuples(_EVENTS, st.sampled_from([0, 20, 700, 2_500, 7_000])), max_size=40))
def test_power_only_where_everybody_wants_it(steps: list[tuple[events.Event, int]]) -> None:
    settings = replace(
        SETTINGS, authentication=AuthenticationMode.MQTT, emergency_enable=True, rcd=RcdSettings(enable=True)
    )
    bench = Bench(settings)
    bench.send(events.Authorization(True, True), events.SessionWished(TALKING))
    bench.plug().pilot(CpState.C, 1_000)
    heard, wish = bench.now, TALKING
    state, emergency = CpState.C, False
    for event, pause_ms in [(events.SessionWished(POWER), 100), *steps]:
        match event:
            case events.SessionWished(said):
                heard, wish = bench.now, said or SessionWish()
            case events.PilotSeen(seen):
                state = seen
            case events.EmergencyInput(asserted):
                emergency = asserted
        before = len(bench.log)
        bench.send(event)
        closing = [effect for _, effect in bench.log[before:] if effect == SetRelay(1, True)]
        if closing:
            assert wish.power, event
            assert bench.now - heard < LEASE_MS, event
            assert state in (CpState.C, CpState.D), event
            assert not emergency, event
            assert bench.port.lock.locked, event
            assert bench.port.authorization.allowed, event
        if state not in (CpState.C, CpState.D) or emergency:
            assert not bench.relay[1], event
        bench.run(pause_ms)
        if bench.now - heard >= LEASE_MS + EV_STOP_MS:
            assert not bench.relay[1], event
        duty = bench.duty_centi
        assert duty in (None, 0, HLC, STEADY)
        if duty == HLC:
            assert wish.link_ready, event
            assert bench.now - heard < LEASE_MS, event
