"""Sessions by ISO 15118-2 with a whole station: portd on a simulated board, iso15118d, MQTT, a car."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chargectl.declarations import topics
from tests.broker import PrivateBroker
from tests.daemons.hlc_rig import CAR_MAC, EVSE_ID, Station, station
from v2g.net import sdp
from v2g.sdp import SdpRequester, Security
from v2g.security.tls import CarTls, car_context

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes network interfaces")

PARAMETER = topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING
NOTIFICATION = topics.TOPIC_EVSE_CHARGE_NOTIFICATION
LIMIT = "ci/global/dyn_current_limit/house"


def run(
    folder: Path,
    broker: PrivateBroker,
    scenario: Callable[[Station], Awaitable[None]],
    port: dict[str, Any] | None = None,
) -> None:
    """Play a scenario with a station of its own."""

    async def play() -> None:
        async with station(folder / "station", broker, port) as made:
            await scenario(made)
            assert "Traceback" not in made.processes.log
            assert made.board.hazards() == []

    asyncio.run(play())


def last_limit_a(station: Station) -> float | None:
    """EVSEMaxCurrent of the last ChargingStatusRes."""
    answers = station.car.answers("ChargingStatusRes")
    if not answers:
        return None
    value = answers[-1].EVSEMaxCurrent
    return float(value.Value * 10.0**value.Multiplier)


def notifications(station: Station) -> set[str]:
    """What the car was asked for in the charge loop."""
    return {each.AC_EVSEStatus.EVSENotification for each in station.car.answers("ChargingStatusRes")}


@pytest.mark.spec(65)
@pytest.mark.spec(152)
@pytest.mark.spec(153)
@pytest.mark.spec(154)
@pytest.mark.spec(159)
@pytest.mark.spec(167)
@pytest.mark.spec(169)
@pytest.mark.spec(170)
@pytest.mark.spec(171)
def test_a_session_from_plug_to_unplug(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        station.board.do("plug")
        await station.published(topics.TOPIC_CHARGE_INIT_STATUS, "started")
        assert station.duty == "100.00", "the customer's parameters come first"
        station.tell(topics.TOPIC_EVSE_INIT_SESSIONID, 1234567890)
        station.tell(topics.TOPIC_EVSE_INIT_DATETIMENOW, 1_700_000_000_000)
        await station.published(topics.TOPIC_CHARGE_PWM_STATUS, "5.00")
        station.car.begin()
        await station.published(topics.TOPIC_CHARGE_PARAMETER_STATUS, "started")
        await station.wait(
            lambda: len(station.car.answers("ChargeParameterDiscoveryRes")) > 2, "the car asks again"
        )
        answers = station.car.answers("ChargeParameterDiscoveryRes")
        assert {each.EVSEProcessing for each in answers} == {"Ongoing"}
        assert station.said(topics.TOPIC_CHARGE_CHARGE_STATUS) == []
        station.tell(PARAMETER, 0)
        await station.wait(lambda: bool(station.car.answers("ChargingStatusRes")), "the charge loop")
        assert station.closed
        assert last_limit_a(station) == 16
        (setup,) = station.car.answers("SessionSetupRes")
        assert setup.EVSEID == EVSE_ID
        assert 1_700_000_000 <= setup.EVSETimeStamp < 1_700_000_060
        await station.wait(lambda: bool(station.board.fact("contactor_1")), "power")

        station.car.set(stop=True)
        await station.wait(lambda: station.car.ended is not None, "the end of the session")
        assert station.car.ended is not None
        assert station.car.ended.ok, station.car.ended
        assert not station.closed
        await station.published(topics.TOPIC_CHARGE_TCP_STATUS, "0")
        await station.wait(lambda: station.duty == "100.00", "no more before it is unplugged")
        station.board.do("unplug", force=True)
        await station.wait(lambda: station.said(topics.TOPIC_EV_SOC_ACTUAL)[-1] == "-1", "unplugged")

        for topic in (
            topics.TOPIC_CHARGE_INIT_STATUS,
            topics.TOPIC_CHARGE_AUTH_STATUS,
            topics.TOPIC_CHARGE_PARAMETER_STATUS,
            topics.TOPIC_CHARGE_CHARGE_STATUS,
        ):
            assert station.said(topic) == ["started", "finished"], topic.path
        assert station.said(topics.TOPIC_CHARGE_INIT_PROTOCOL) == ["ISO15118"]
        assert station.said(topics.TOPIC_CHARGE_TCP_STATUS) == ["0", "1", "0"]
        assert station.said(topics.TOPIC_EV_SOC_ACTUAL) == ["-1", "-2", "-1"]
        assert station.said(topics.TOPIC_EV_INIT_EVCCID) == [CAR_MAC.hex(":").upper()]
        assert station.said(topics.TOPIC_EV_INIT_SELECTEDPAYMENTOPTION) == ["1"]
        assert station.said(topics.TOPIC_EV_INIT_SELECTEDSERVICEID) == ["1"]
        assert station.said(topics.TOPIC_EV_PARAMETER_REQUESTEDENERGYTYPE) == ["1"]
        assert json.loads(station.said(topics.TOPIC_EV_PARAMETER_EAMOUNT)[0]) == {
            "Multiplier": 0,
            "Value": 20000,
        }
        assert json.loads(station.said(topics.TOPIC_EV_PARAMETER_MINCURRENTLIMIT)[0])["Value"] == 6
        assert station.said(topics.TOPIC_EV_CHARGE_READYTOCHARGE_STATE) == ["0", "1"]
        assert station.said(topics.TOPIC_EV_CHARGE_CHARGINGPROFILETUPLEID) == ["1"]
        assert station.said(topics.TOPIC_EV_STOP_PROGRESS) == ["0"]
        (mac,) = station.said(topics.TOPIC_V2G_MAC)
        assert len(mac) == 17
        header = next(
            e.message.Header for e in station.car.seen if getattr(e, "name", "") == "SessionSetupRes"
        )
        assert header.SessionID == (1234567890).to_bytes(8, "big")

    run(tmp_path, broker, scenario)


@pytest.mark.spec(156)
@pytest.mark.spec(158)
def test_the_customer_authorizes_and_aborts(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.plug()
        station.car.begin()
        await station.published(topics.TOPIC_CHARGE_AUTH_STATUS, "started")
        await station.wait(lambda: len(station.car.answers("AuthorizationRes")) > 2, "the car asks again")
        assert {each.EVSEProcessing for each in station.car.answers("AuthorizationRes")} == {"Ongoing"}
        station.tell(topics.TOPIC_EVSE_AUTH_EVSEPROCESSING, 0)
        station.tell(PARAMETER, 0)
        await station.published(topics.TOPIC_CHARGE_CHARGE_STATUS, "started")
        await station.wait(lambda: station.closed, "power")
        station.tell(topics.TOPIC_EVSE_AUTH_ERROR, 1)
        await station.wait(lambda: not station.closed, "no power", 2)
        await station.published(topics.TOPIC_CHARGE_CHARGE_STATUS, "finished", 2)
        await station.wait(lambda: station.said(topics.TOPIC_CHARGE_TCP_STATUS)[-1] == "0", "TCP closed", 2)
        await station.wait(lambda: station.duty == "100.00", "no session while the error stands", 2)
        station.car.set(pilot_ok=False)
        assert station.car.ended is not None
        assert not station.car.ended.ok

    run(tmp_path, broker, scenario, {"user_authentication": "mqtt"})


@pytest.mark.spec(172)
def test_smart_charging_and_a_stop_by_the_station(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        for limit in (10, 7.5, 5):
            station.recorder.publish(LIMIT, str(limit), retain=True)
            wanted = limit if limit >= 6 else 0
            await station.wait(lambda wanted=wanted: last_limit_a(station) == wanted, f"{limit} A")  # type: ignore[misc]
        assert station.closed, "a limit of 0 A opens nothing"
        station.recorder.publish(LIMIT, "-1", retain=True)
        assert notifications(station) == {"None"}
        station.tell(NOTIFICATION, 1)
        await station.wait(lambda: station.car.ended is not None, "the car stops")
        assert station.car.ended is not None
        assert station.car.ended.ok
        assert "StopCharging" in notifications(station)
        assert not station.closed

    run(tmp_path, broker, scenario)


@pytest.mark.spec(173)
def test_a_renegotiation_by_the_station(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        station.recorder.clear()
        station.tell(NOTIFICATION, 3)
        await station.published(topics.TOPIC_CHARGE_PARAMETER_STATUS, "started")
        assert "ReNegotiation" in notifications(station)
        assert station.said(topics.TOPIC_EV_CHARGE_READYTOCHARGE_STATE) == ["2"]
        await station.wait(lambda: not station.closed, "power is off")
        known = len(station.car.answers("ChargeParameterDiscoveryRes"))
        await station.wait(
            lambda: len(station.car.answers("ChargeParameterDiscoveryRes")) > known + 2, "it is ongoing again"
        )
        assert station.car.answers("ChargeParameterDiscoveryRes")[-1].EVSEProcessing == "Ongoing"
        schedule = {
            "SAScheduleTupled": 7,
            "Start": [0],
            "Duration": 3600,
            "PMax": [69],
            "PMaxMultiplier": [2],
        }
        station.tell(topics.TOPIC_EVSE_PARAMETER_SASCHEDULELIST, schedule)
        station.tell(PARAMETER, 0)
        await station.wait(lambda: station.closed, "power again")
        last = station.car.answers("ChargeParameterDiscoveryRes")[-1]
        (offered,) = last.SASchedules.SAScheduleTuple
        assert offered.SAScheduleTupleID == 7
        assert offered.PMaxSchedule.PMaxScheduleEntry[0].PMax.Value == 6900
        await station.published(topics.TOPIC_CHARGE_CHARGE_STATUS, "started")
        assert station.car.ended is None

    run(tmp_path, broker, scenario)


@pytest.mark.spec(66)
def test_an_ev_that_goes_back_to_b_and_one_that_leaves(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        station.board.do("free_s2")
        await station.wait(lambda: not station.closed, "power off", 1)
        station.board.do("unplug", force=True)
        await station.published(topics.TOPIC_CHARGE_CP_STATUS, "A", 2)
        await station.wait(lambda: station.said(topics.TOPIC_CHARGE_TCP_STATUS)[-1] == "0", "TCP closed", 2)

    run(tmp_path, broker, scenario)


def test_a_daemon_that_is_killed_and_started_again(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        station.processes.iso15118d.kill()
        station.processes.iso15118d.wait()
        await station.wait(lambda: station.duty == "100.00", "the 5 % end", 1)
        await station.wait(lambda: not station.closed, "power off", 5)
        await station.car.close()
        station.board.do("free_s2")
        station.recorder.clear()
        station.processes.start_iso15118d()
        await station.published(topics.TOPIC_CHARGE_PWM_STATUS, "5.00")
        station.car.begin()
        station.tell(PARAMETER, 0)
        await station.published(topics.TOPIC_CHARGE_CHARGE_STATUS, "started")
        await station.wait(lambda: station.closed, "power again")

    run(tmp_path, broker, scenario)


def test_a_daemon_that_hangs_loses_the_contactor(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        os.kill(station.processes.iso15118d.pid, signal.SIGSTOP)
        await station.wait(lambda: station.duty == "100.00", "the 5 % end", 4)
        await station.wait(lambda: not station.closed, "power off", 5)
        os.kill(station.processes.iso15118d.pid, signal.SIGCONT)
        await station.wait(lambda: station.car.ended is not None, "the session ends")
        assert not station.closed

    run(tmp_path, broker, scenario)


def test_an_emergency_opens_the_contactor_and_ends_the_session(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        station.board.do("press_emergency")
        await station.wait(lambda: not station.closed, "power off", 1)
        await station.wait(lambda: station.car.ended is not None, "the session ends")

    run(tmp_path, broker, scenario, {"emergency_alarm": {"enable": True}})


@pytest.mark.spec(174)
def test_a_pause_is_refused(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        await station.charge()
        station.car.set(pause=True)
        await station.wait(lambda: station.car.ended is not None, "the end")
        assert station.car.answers("SessionStopRes")[-1].ResponseCode == "FAILED"
        await station.published(topics.TOPIC_EV_STOP_PROGRESS, "1")
        assert not station.closed

    run(tmp_path, broker, scenario)


@pytest.mark.spec(149)
@pytest.mark.parametrize(
    ("policy", "with_tls", "without"),
    [
        ("prohibit", Security.NONE, Security.NONE),
        ("allow", Security.TLS, Security.NONE),
        ("force", Security.TLS, Security.TLS),
    ],
)
def test_tls_as_the_ev_is_told(
    tmp_path: Path, broker: PrivateBroker, policy: str, with_tls: Security, without: Security
) -> None:
    async def scenario(station: Station) -> None:
        await station.plug()
        async with station.car.matched():
            for asked, announced in ((Security.TLS, with_tls), (Security.NONE, without)):
                requester = SdpRequester(asked, accepted=frozenset(Security))
                found = await sdp.discover(station.car.interface, requester, lambda _effect: None)
                assert found.security is announced
                assert found.address.is_link_local

    folder = tmp_path / "station"
    folder.mkdir()
    if policy != "prohibit":
        make_certificate(folder)
    run(tmp_path, broker, scenario, {"tls_security": policy})


@pytest.mark.spec(149)
def test_a_session_over_tls(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        roots = (tmp_path / "station" / "pki" / "v2g-root.pem",)
        station.car.tls = car_context(CarTls(roots))
        await station.charge()
        assert station.closed
        assert "TLSv1.2 ECDHE-ECDSA-AES128-SHA256" in station.processes.log

    folder = tmp_path / "station"
    folder.mkdir()
    make_certificate(folder)
    run(tmp_path, broker, scenario, {"tls_security": "force"})


@pytest.mark.spec(149)
def test_forced_tls_without_a_certificate_serves_nobody(tmp_path: Path, broker: PrivateBroker) -> None:
    async def scenario(station: Station) -> None:
        station.board.do("plug")
        await station.published(topics.TOPIC_CHARGE_CP_STATUS, "B")
        await station.wait(lambda: "no session is possible without TLS" in station.processes.log, "the line")
        assert station.said(topics.TOPIC_CHARGE_INIT_STATUS) == []
        assert station.duty == "100.00"

    async def play() -> None:
        async with station(tmp_path / "station", broker, {"tls_security": "force"}, serves=False) as made:
            await scenario(made)

    asyncio.run(play())


@pytest.mark.spec(148)
def test_with_basic_charging_there_is_nothing_to_do(tmp_path: Path, broker: PrivateBroker) -> None:
    async def play() -> None:
        port = {"charging_type": "basic"}
        async with station(tmp_path / "station", broker, port, serves=False) as made:
            await made.published(topics.TOPIC_EV_SOC_ACTUAL, "-1")
            made.board.do("plug")
            await made.wait(lambda: bool(made.board.fact("current_a")), "it charges by its duty cycle")
            assert made.said(topics.TOPIC_CHARGE_INIT_PROTOCOL) == ["IEC61851"]
            made.processes.iso15118d.send_signal(signal.SIGTERM)
            assert made.processes.iso15118d.wait(10) == 0
            assert not (tmp_path / "station" / "session.sock").exists()

    asyncio.run(play())


def make_certificate(folder: Path) -> None:
    """A certificate that a station can show."""
    from v2g.cli.main import main

    pki = folder / "pki"
    assert main(["pki", "make", str(pki)]) == 0
    (folder / "secc-chain.pem").write_bytes((pki / "secc-chain.pem").read_bytes())
    (folder / "secc.key").write_bytes((pki / "secc.key").read_bytes())
