"""Phases, wishes and facts of a high-level session."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.declarations.port_link import PortTrouble, SessionWish
from chargectl.declarations.types import Topic
from chargectl.hlc import effects
from chargectl.hlc.settings import HlcSettings
from chargectl.hlc.timing import INIT_PARAMETERS_MS
from tests.hlc.bench import LOCKED, HlcBench
from v2g.common.terms import ISO_2, EnergyMode, LinkWish, Payment, Phase
from v2g.secc import effects as secc
from v2g.secc.facts import EvFact
from v2g.secc.schedule import Schedule
from v2g.secc.station import Authorization, StationError

SCHEDULE = {"SAScheduleTupled": 1, "Start": [0], "Duration": 3600, "PMax": [11], "PMaxMultiplier": [3]}
AMPERE_10 = {"Multiplier": 0, "Value": 10}
SESSION_ID = topics.TOPIC_EVSE_INIT_SESSIONID
EVSE_ID = topics.TOPIC_EVSE_INIT_EVSEID
TIME = topics.TOPIC_EVSE_INIT_DATETIMENOW
OPTIONS = topics.TOPIC_EVSE_INIT_PAYMENTOPTIONS
SERVICE = topics.TOPIC_EVSE_INIT_CHARGESERVICE
AUTH = topics.TOPIC_EVSE_AUTH_EVSEPROCESSING
AUTH_ERROR = topics.TOPIC_EVSE_AUTH_ERROR
PARAMETER = topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING
NOTIFICATION = topics.TOPIC_EVSE_CHARGE_NOTIFICATION


# ---------------------------------------------------------------------- phases


@pytest.mark.spec(152)
@pytest.mark.spec(153)
def test_the_phases_are_published_in_their_order() -> None:
    bench = HlcBench().plug().join()
    assert bench.phases == ["init started"], "from plug-in on, not from the connection on"
    bench.phase(Phase.AUTH).phase(Phase.PARAMETER).told(secc.PhaseChanged(Phase.PARAMETER, False))
    bench.told(secc.PhaseChanged(Phase.CHARGE, True)).told(secc.PhaseChanged(Phase.CHARGE, False)).end()
    assert bench.phases == [
        f"{phase} {status}"
        for phase in ("init", "auth", "parameter", "charge")
        for status in ("started", "finished")
    ]


@pytest.mark.spec(152)
def test_an_ev_that_leaves_finishes_its_phase() -> None:
    bench = HlcBench().plug()
    bench.port(connected=False, pilot="A")
    assert bench.phases == ["init started", "init finished"]


def test_a_connection_that_only_opens_and_closes_is_another_beginning() -> None:
    bench = HlcBench().plug().join()
    bench.told(secc.PhaseChanged(Phase.INIT, False)).take(bench.core.tcp(False))
    bench.join()
    assert bench.phases == ["init started", "init finished", "init started"]


@pytest.mark.spec(65)
def test_the_protocol_is_announced_with_each_plug_in() -> None:
    bench = HlcBench()
    assert bench.published(topics.TOPIC_CHARGE_INIT_PROTOCOL) == []
    bench.plug().port(connected=False, pilot="A").plug()
    assert bench.published(topics.TOPIC_CHARGE_INIT_PROTOCOL) == ["ISO15118", "ISO15118"]
    again = [e.again for e in bench.all if isinstance(e, effects.Publish) and e.value == "ISO15118"]
    assert again == [True, True]


@pytest.mark.spec(154)
def test_the_connection_is_published() -> None:
    bench = HlcBench().plug().join()
    bench.take(bench.core.tcp(False))
    assert bench.published(topics.TOPIC_CHARGE_TCP_STATUS) == [False, True, False]


def test_the_evs_modem_is_published() -> None:
    bench = HlcBench().plug()
    bench.take(bench.core.matched(bytes.fromhex("00123456789a")))
    assert bench.published(topics.TOPIC_V2G_MAC) == ["00:12:34:56:78:9A"]


# ---------------------------------------------------------------------- initialisation


def test_what_nobody_has_said_is_harmless() -> None:
    station = HlcBench().plug().station
    assert station.setup.notification_max_delay_s == 0
    assert not station.receipt_required
    assert not station.stop
    assert not station.renegotiate
    assert not station.abort
    assert not station.rcd_tripped
    assert station.schedules == ()
    assert station.meter is None
    assert not station.setup.free_service


@pytest.mark.spec(159)
def test_the_parameters_of_the_initialisation() -> None:
    bench = HlcBench().port(connected=True, pilot="B")
    bench.say(SESSION_ID, 1234567890).say(EVSE_ID, "DE*ABC*E12 34").say(TIME, 1_700_000_000_500)
    assert bench.core.session_id == (1234567890).to_bytes(8, "big")
    assert bench.station.setup.evse_id == "DE*ABC*E12 34"
    assert bench.core.unix_s(bench.now, 5) == 1_700_000_000
    assert bench.core.unix_s(bench.now + 60_000, 5) == 1_700_000_060


@pytest.mark.spec(160)
def test_what_comes_later_than_three_seconds_does_not_count() -> None:
    bench = HlcBench(HlcSettings(evse_id="configured"))
    bench.port(connected=True, pilot="B")
    assert not bench.wish.link_ready, "no EV is faster than the parameters"
    bench.later(INIT_PARAMETERS_MS - 1)
    assert not bench.wish.link_ready
    bench.say(SESSION_ID, 7)
    bench.later(1)
    assert bench.wish.link_ready
    bench.say(EVSE_ID, "too late").say(TIME, 1).say(OPTIONS, {"PaymentOption0": 1}).say(SERVICE, {})
    assert bench.station.setup.evse_id == "configured"
    assert bench.core.session_id == bytes((0, 0, 0, 0, 0, 0, 0, 7))
    assert bench.core.unix_s(bench.now, 5) == 5
    assert len(bench.notes) == 4
    assert bench.notes[0].startswith("port0/ci/evse/init/evseid: ignored: it came later than 3 s")


@pytest.mark.spec(160)
def test_once_all_have_come_nobody_waits() -> None:
    bench = HlcBench().port(connected=True, pilot="B")
    bench.say(SESSION_ID, 1).say(EVSE_ID, "DE*ABC*E1").say(TIME, 1).say(OPTIONS, {"PaymentOption0": 1})
    assert not bench.wish.link_ready
    bench.say(SERVICE, {"ServiceID": 1})
    assert bench.wish.link_ready
    assert bench.core.deadline() is None


def test_without_an_ev_nothing_counts() -> None:
    bench = HlcBench().say(PARAMETER, 0).say(AUTH_ERROR, True)
    assert len(bench.notes) == 2
    bench.plug()
    assert not bench.station.parameters_ready
    assert not bench.station.abort


def test_what_was_retained_does_not_count() -> None:
    bench = HlcBench(HlcSettings(authentication="mqtt"), LOCKED).plug()
    bench.take(bench.core.message(AUTH, 0, bench.now, retained=True))
    assert not bench.wish.authorized
    assert bench.notes == [f"{AUTH.path}: ignored: it was retained; what concerns one session is not to be"]


@pytest.mark.spec(161)
def test_only_external_payment() -> None:
    bench = HlcBench().port(connected=True, pilot="B").say(OPTIONS, {"PaymentOption0": 0})
    (note,) = bench.notes
    assert note.startswith('port0/ci/evse/init/paymentoptions: allowed is {"PaymentOption0": 1}')
    assert bench.station.setup.payments == (Payment.EXTERNAL,)


@pytest.mark.spec(162)
def test_the_charge_service() -> None:
    bench = HlcBench().port(connected=True, pilot="B")
    assert bench.station.setup.energy_modes == (EnergyMode.AC_THREE_PHASE, EnergyMode.AC_SINGLE_PHASE)
    bench.say(SERVICE, {"ServiceID": 1, "FreeService": True, "SupportedEnergyTransferType0": 0})
    assert bench.station.setup.energy_modes == (EnergyMode.AC_SINGLE_PHASE,)
    assert bench.station.setup.free_service


def test_one_phase_offers_one_phase() -> None:
    assert HlcBench().port(phases=1).station.setup.energy_modes == (EnergyMode.AC_SINGLE_PHASE,)


@pytest.mark.spec(147)
@pytest.mark.spec(150)
@pytest.mark.spec(174)
def test_what_a_session_is_set_up_with() -> None:
    setup = HlcBench(HlcSettings(evse_id="DE*INT* ECH 1234567890")).station.setup
    assert setup.protocols == (ISO_2,)
    assert setup.payments == (Payment.EXTERNAL,)
    assert not setup.pause
    assert setup.evse_id == "DE*INT* ECH 1234567890"


@pytest.mark.parametrize(
    "topic",
    [
        topics.TOPIC_EVSE_INIT_SERVICELIST,
        topics.TOPIC_EVSE_INIT_SERVICEPARAMETERLIST,
        topics.TOPIC_EVSE_AUTH_GENCHALLENGE,
        topics.TOPIC_EVSE_PARAMETER_SALESTARIFF,
    ],
)
def test_what_is_not_supported_says_why(topic: Topic) -> None:
    bench = HlcBench().plug().say(topic, {})
    assert [note.partition(":")[0] for note in bench.notes] == [topic.path]


# ---------------------------------------------------------------------- authentication


@pytest.mark.spec(157)
def test_free_charging_finishes_the_authentication() -> None:
    assert HlcBench().plug().station.authorization is Authorization.ACCEPTED


@pytest.mark.spec(156)
def test_the_authentication_is_ongoing_until_it_is_finished() -> None:
    bench = HlcBench(HlcSettings(authentication="mqtt"), LOCKED).plug().join().phase(Phase.AUTH)
    assert bench.station.authorization is Authorization.ONGOING
    bench.say(AUTH, 2)
    assert bench.station.authorization is Authorization.WAITING_FOR_CUSTOMER
    bench.say(AUTH, 1)
    assert bench.station.authorization is Authorization.ONGOING
    assert not bench.wish.authorized
    bench.say(AUTH, 0)
    assert bench.wish.authorized
    assert bench.station.authorization is Authorization.ONGOING, "the port decides"
    bench.port(authorized=True)
    assert bench.station.authorization is Authorization.ACCEPTED


@pytest.mark.parametrize("mode", ["ocpp", "key-switch"])
def test_where_a_person_has_to_come_the_ev_is_told_to_wait(mode: str) -> None:
    bench = HlcBench(HlcSettings(authentication=mode), LOCKED).plug()
    assert bench.station.authorization is Authorization.WAITING_FOR_CUSTOMER


@pytest.mark.spec(158)
def test_an_error_aborts_the_session() -> None:
    bench = HlcBench().plug().join().told(secc.Contactor(True))
    assert bench.wish.power
    bench.say(AUTH_ERROR, True)
    assert bench.station.abort
    assert effects.StationChanged() in bench.last
    assert isinstance(bench.last[0], effects.Wish), "power first"
    assert bench.wish == SessionWish()


@pytest.mark.spec(158)
def test_no_session_begins_while_the_error_stands() -> None:
    bench = HlcBench().plug().join().say(AUTH_ERROR, True).end(LinkWish.ERROR).later(10_000)
    assert not bench.wish.link_ready
    bench.say(AUTH_ERROR, False)
    assert bench.wish.link_ready
    bench.say(AUTH_ERROR, True).port(connected=False, pilot="A").plug()
    assert bench.wish.link_ready, "the next EV has done nothing wrong"


def test_an_error_before_the_connection_ends_the_link() -> None:
    bench = HlcBench().plug()
    bench.take(bench.core.link(True))
    bench.say(AUTH_ERROR, True)
    assert effects.Leave() in bench.last


def test_a_withdrawn_authorization_asks_the_ev_to_stop() -> None:
    bench = HlcBench().plug().join().phase(Phase.AUTH)
    bench.port(authorized=False)
    assert not bench.station.stop, "within the authentication it is only not yet there"
    bench.port(authorized=True).phase(Phase.PARAMETER).port(authorized=False)
    assert bench.station.stop


# ---------------------------------------------------------------------- parameters


@pytest.mark.spec(156)
@pytest.mark.spec(175)
def test_the_parameters_are_ongoing_until_they_are_finished_and_the_port_is_ready() -> None:
    bench = HlcBench().plug().join()
    assert not bench.station.parameters_ready
    bench.port(locked=False, ready=False).say(PARAMETER, 0)
    assert not bench.station.parameters_ready
    bench.port(locked=True, ready=True)
    assert bench.station.parameters_ready
    assert bench.station.connector_locked
    bench.say(PARAMETER, 2)
    assert not bench.station.parameters_ready


def test_what_was_said_ends_with_the_session() -> None:
    bench = HlcBench().plug().join().say(PARAMETER, 0).say(AUTH, 0).end(LinkWish.ERROR)
    assert not bench.station.parameters_ready
    assert not bench.wish.authorized
    assert bench.phases[-1] == "init started"


@pytest.mark.spec(163)
def test_the_schedule() -> None:
    bench = HlcBench().plug().say(topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST, SCHEDULE)
    (schedule,) = bench.station.schedules
    assert isinstance(schedule, Schedule)
    assert (schedule.tuple_id, schedule.periods[0].maximum_power_w, schedule.duration_s) == (1, 11_000, 3600)
    bench.say(topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST, [])
    assert bench.station.schedules == ()


@pytest.mark.spec(164)
def test_current_and_voltage() -> None:
    bench = HlcBench().plug()
    assert bench.station.ac.maximum_current_a == 16
    assert bench.station.ac.nominal_voltage_v == 230
    bench.say(topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT, AMPERE_10)
    bench.say(topics.TOPIC_EVSE_PARAMETER_NOMINALVOLTAGE, {"Multiplier": -1, "Value": 2335})
    assert bench.station.ac.maximum_current_a == 10
    assert bench.station.ac.nominal_voltage_v == 233.5
    bench.port(offered_a=7)
    assert bench.station.ac.maximum_current_a == 7, "never more than the port offers"
    bench.say(topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT, {"Multiplier": 0, "Value": 0})
    assert bench.station.ac.maximum_current_a == 0
    bench.say(topics.TOPIC_EVSE_PARAMETER_MAXCURRENTLIMIT, AMPERE_10)
    bench.port(offered_a=0)
    assert bench.station.ac.maximum_current_a == 0


@pytest.mark.spec(165)
def test_rcd_notification_and_its_delay() -> None:
    bench = HlcBench().plug()
    bench.say(topics.TOPIC_EVSE_PARAMETER_RCD, True)
    assert bench.station.rcd_tripped
    bench.say(topics.TOPIC_EVSE_PARAMETER_RCD, False).port(rcd_tripped=True)
    assert bench.station.rcd_tripped
    for topic in (
        topics.TOPIC_EVSE_PARAMETER_NOTIFICATIONMAXDELAY,
        topics.TOPIC_EVSE_CHARGE_NOTIFICATIONMAXDELAY,
    ):
        bench.say(topic, 30)
        assert bench.station.setup.notification_max_delay_s == 30
        bench.say(topic, 0)
    for topic in (topics.TOPIC_EVSE_PARAMETER_NOTIFICATION, NOTIFICATION):
        bench.say(topic, 1)
        assert bench.station.stop
        bench.say(topic, 0)
        assert not bench.station.stop


@pytest.mark.spec(166)
def test_meter_and_receipt() -> None:
    bench = HlcBench().plug()
    bench.say(topics.TOPIC_EVSE_CHARGE_METERINFO, {"MeterID": "M1", "MeterReading": 12345, "TMeter": 17})
    bench.say(topics.TOPIC_EVSE_CHARGE_RECEIPTREQUIRED, True)
    meter = bench.station.meter
    assert (meter.meter_id, meter.reading_wh, meter.unix_s) == ("M1", 12345, 17)
    assert bench.station.receipt_required


# ---------------------------------------------------------------------- renegotiation and stop


@pytest.mark.spec(173)
@pytest.mark.parametrize("number", [2, 3])
def test_renegotiation_is_2_or_3(number: int) -> None:
    bench = HlcBench().plug().join().say(NOTIFICATION, number)
    assert bench.station.renegotiate
    assert not bench.station.stop
    assert effects.StationChanged() in bench.last
    bench.say(NOTIFICATION, 0)
    assert not bench.station.renegotiate


@pytest.mark.spec(173)
def test_a_renegotiation_wants_the_parameters_anew() -> None:
    bench = HlcBench().plug().join().say(PARAMETER, 0)
    bench.say(topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST, SCHEDULE).say(NOTIFICATION, 3)
    assert bench.station.parameters_ready
    bench.station.renegotiate = False
    bench.told(secc.Reached(secc.Milestone.RENEGOTIATION))
    assert not bench.station.parameters_ready
    assert bench.station.schedules == ()
    assert not bench.station.renegotiate
    bench.told(secc.PhaseChanged(Phase.PARAMETER, True))
    assert bench.phases[-1] == "parameter started"
    bench.say(PARAMETER, 0)
    assert bench.station.parameters_ready


@pytest.mark.spec(172)
def test_who_was_asked_to_stop_is_not_served_again() -> None:
    bench = HlcBench().plug().join().say(NOTIFICATION, 1).end(LinkWish.ERROR).later(60_000)
    assert not bench.wish.link_ready
    bench.port(connected=False, pilot="A").plug()
    assert bench.wish.link_ready


def test_after_an_orderly_end_the_ev_has_to_be_unplugged() -> None:
    bench = HlcBench().plug().join().end()
    bench.take(bench.core.modem(False))
    bench.take(bench.core.modem(True))
    assert not bench.later(60_000).wish.link_ready
    bench.port(connected=False, pilot="A").plug()
    assert bench.wish.link_ready


def test_after_an_error_the_next_session_begins_when_its_parameters_may_have_come() -> None:
    bench = HlcBench().plug().join().end(LinkWish.ERROR)
    assert not bench.wish.link_ready
    bench.later(INIT_PARAMETERS_MS)
    assert bench.wish.link_ready


# ---------------------------------------------------------------------- the port


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (PortTrouble.NONE, None),
        (PortTrouble.CONTACTOR, StationError.CONTACTOR),
        (PortTrouble.EMERGENCY, StationError.EMERGENCY_SHUTDOWN),
        (PortTrouble.RCD, StationError.RCD),
        (PortTrouble.OTHER, StationError.MALFUNCTION),
    ],
)
def test_what_is_wrong_with_the_port(trouble: PortTrouble, error: StationError | None) -> None:
    assert HlcBench().plug().port(trouble=trouble).station.error is error


def test_the_facts_of_the_port_reach_the_session() -> None:
    bench = HlcBench().plug()
    bench.port(pilot="C", contactor_closed=True, stop=True)
    assert bench.station.pilot == "C"
    assert bench.station.contactor_closed is True
    assert bench.station.stop
    assert effects.Pilot("C") in bench.last
    assert effects.StationChanged() in bench.last
    assert bench.take(bench.core.port(bench.status, bench.now)) == [], "what is no news changes nothing"


def test_without_the_port_there_is_no_session() -> None:
    bench = HlcBench().plug().join().told(secc.Contactor(True))
    bench.port(None)
    assert bench.station.abort
    assert bench.station.contactor_closed is None
    assert effects.Pilot("F") in bench.last
    assert bench.wish == SessionWish()


def test_power_is_wished_as_the_session_wants_it() -> None:
    bench = HlcBench().plug().join()
    assert bench.wish == SessionWish(link_ready=True, active=True)
    bench.told(secc.Contactor(True))
    assert bench.wish.power
    bench.told(secc.Contactor(False), secc.PhaseChanged(Phase.CHARGE, False))
    assert isinstance(bench.last[0], effects.Wish)
    assert not bench.wish.power


def test_an_ev_that_is_not_heard_is_counted() -> None:
    bench = HlcBench().plug()
    bench.take(bench.core.nobody_heard())
    assert bench.wish.error_routines == 1


# ---------------------------------------------------------------------- what the EV says


def test_the_state_of_charge_is_unknown_without_an_ev_and_never_told_in_ac() -> None:
    bench = HlcBench()
    soc = topics.TOPIC_EV_SOC_ACTUAL
    assert bench.published(soc) == [-1]
    bench.plug().join().phase(Phase.AUTH).phase(Phase.PARAMETER)
    bench.told(secc.PhaseChanged(Phase.PARAMETER, False))
    assert bench.published(soc) == [-1, -2]
    bench.port(connected=False, pilot="A")
    assert bench.published(soc) == [-1, -2, -1]
    times = [e for e in bench.all if isinstance(e, effects.PublishTime)]
    assert times == [effects.PublishTime(topics.TOPIC_EV_SOC_TIMESTAMP)] * 3


def test_a_state_of_charge_that_is_told_is_published() -> None:
    bench = HlcBench().plug().join().phase(Phase.AUTH).phase(Phase.PARAMETER)
    bench.told(secc.EvTold(EvFact.SOC, 42)).told(secc.EvTold(EvFact.SOC, 43))
    bench.told(secc.PhaseChanged(Phase.PARAMETER, False))
    assert bench.published(topics.TOPIC_EV_PARAMETER_RESSSOC) == [42]
    assert bench.published(topics.TOPIC_EV_SOC_ACTUAL) == [-1, 43]
