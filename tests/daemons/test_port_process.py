"""portd as the process that systemd starts: on a simulated board in real time, with a real broker."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.sim.client import SimClient, SimError
from tests.broker import PrivateBroker, Recorder, wait_until

CUSTOMER = {
    "ports": [
        {
            "evse_current_limit": 32,
            "user_authentication": "mqtt",
            "emergency_alarm": {"enable": True},
            "rcd_monitor": {"enable": True},
            "ventilation": {"enable": True, "control": "external"},
        }
    ]
}
LIMIT = "ci/global/dyn_current_limit/solar"
AUTHORIZATION = topics.TOPIC_AUTHORIZATION_STATUS.path
OFFERED = topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT.path
START_S = 30.0


class Service:
    """A board and portd on it, in the place of systemd."""

    def __init__(self, folder: Path, mqtt_port: int) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        (folder / "customer.json").write_text(json.dumps(CUSTOMER), encoding="utf-8")
        for name in ("leds.json", "rotaryencd.json"):
            (folder / name).write_text("{}", encoding="utf-8")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(folder / "notify"))
        self._notify.setblocking(False)
        self.told: list[str] = []
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "chargectl.sim", "serve", "--socket", str(folder / "board")),
                    *("--", sys.executable, "-c", _KEEPER, str(folder)),
                    *("--config-dir", str(folder), "--backup-dir", str(folder / "backups")),
                    *("--heartbeat", str(folder / "heartbeat"), "--mqtt-port", str(mqtt_port)),
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(sys.path),
                    "NOTIFY_SOCKET": str(folder / "notify"),
                    "WATCHDOG_USEC": "1000000",
                },
            )
        self.board = self._connect()

    def _connect(self) -> SimClient:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return SimClient(str(self._folder / "board"))
            except SimError:
                time.sleep(0.02)
        raise AssertionError(f"no board: {self.log}")

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        """portd's own process id."""
        return int((self._folder / "pid").read_text("ascii"))

    def wait_told(self, message: str, timeout_s: float = START_S) -> None:
        """Wait for a message to the service manager that comes from now on or was not looked at yet."""
        deadline = time.monotonic() + timeout_s
        while message not in self.told:
            left = deadline - time.monotonic()
            assert left > 0, f"{message} was not told; {self.told}; {self.log}"
            if select.select([self._notify], [], [], left)[0]:
                self.told.append(self._notify.recv(200).decode())

    def forget_told(self) -> None:
        """Read away everything told so far."""
        while select.select([self._notify], [], [], 0)[0]:
            self._notify.recv(200)
        self.told.clear()

    def wait(self, condition: Callable[[], bool], what: str, timeout_s: float = START_S) -> None:
        """Wait for a condition; the failure shows portd's log."""
        try:
            wait_until(condition, timeout_s, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; log: {self.log}") from None

    def fact(self, name: str) -> object:
        return self.board.fact(name)

    def charge(self, recorder: Recorder) -> None:
        """Authorize and plug in; returns when the car draws current."""
        recorder.publish(AUTHORIZATION, "1", retain=True)
        self.board.do("plug")
        self.wait(lambda: bool(self.board.fact("current_a")), "the car charges")

    @property
    def ended(self) -> bool:
        """Whether portd has ended."""
        return (self._folder / "code").exists()

    def end(self) -> int:
        """SIGTERM to portd as systemd sends it; returns the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        self.wait(lambda: self.ended, "portd ends")
        return int((self._folder / "code").read_text("ascii"))

    def close(self) -> None:
        """End portd, then its board."""
        if (self._folder / "pid").exists() and not self.ended:
            os.kill(self.pid, signal.SIGKILL)
        self.board.close()
        self.process.terminate()
        self.process.wait(START_S)
        self._notify.close()


_KEEPER = """
import pathlib, signal, subprocess, sys
folder = pathlib.Path(sys.argv[1])
process = subprocess.Popen([sys.executable, "-m", "chargectl.daemons.portd", *sys.argv[2:]])
(folder / "pid").write_text(str(process.pid))
(folder / "code.new").write_text(str(process.wait()))
(folder / "code.new").rename(folder / "code")
signal.pause()
"""
"""Runs portd and outlives it, so that the board can still be looked at afterwards."""


@pytest.fixture
def service(tmp_path: Path, broker: PrivateBroker) -> Iterator[Service]:
    """A running portd with its broker."""
    running = Service(tmp_path / "station", broker.port)
    yield running
    running.close()


@pytest.mark.spec(307)
def test_a_session_with_the_broker_killed_in_between_and_sigterm_at_the_end(
    service: Service, broker: PrivateBroker
) -> None:
    service.wait_told("READY=1")
    service.wait_told("WATCHDOG=1")
    with Recorder(broker.port) as recorder:
        recorder.wait_for(topics.TOPIC_CHARGE_CP_STATUS.path, "A", START_S)
        service.charge(recorder)
        recorder.wait_for(topics.TOPIC_CHARGING.path, "1", START_S)

        broker.kill()
        service.forget_told()
        service.wait_told("WATCHDOG=1")
        assert service.board.state()["car"]["current_a"] == pytest.approx(16, abs=0.1)
        recorder.clear()
        broker.start()
        recorder.wait_subscribed(2, START_S)
        recorder.wait_for(topics.TOPIC_CHARGING.path, "1", START_S)
        recorder.wait_for(topics.TOPIC_CHARGE_CP_STATUS.path, "C", START_S)
        # Retained: it does not matter whether portd has subscribed yet.
        recorder.publish(LIMIT, "7", retain=True)
        recorder.wait_for(OFFERED, "7.0", START_S)
        service.wait(lambda: 6 < service.board.fact("current_a") < 7.1, "the car follows the limit")
        assert _closings(service) == 1, "it charged all the time"

        assert service.end() == 0, service.log
        state = service.board.state()
        assert state["contactors"][0]["coil"] is False
        assert state["facts"]["duty"] == 100
        # The contacts take 20 ms to follow the coil, which may be longer than the rest of the process took.
        service.wait(lambda: service.fact("contactor_1") is False, "the contacts open")
        assert [event["value"] for event in service.board.history() if event["name"] == "hazard"] == []
        service.wait_told("STOPPING=1")
        recorder.wait_for(topics.TOPIC_PORTD_ONLINE.path, "0", START_S)
    assert "Traceback" not in service.log


def test_absurd_payloads_on_every_accepted_topic_change_nothing(
    service: Service, broker: PrivateBroker
) -> None:
    service.wait_told("READY=1")
    absurd: list[str | bytes] = [
        *("nan", "1e9", "-5", "", "999999999999", "inf", "0x10", "7,5", "[]", '{"a":1}', "1 1", "\u0661"),
        b"\xff\xfe\x00",
        b"\x00" * 100,
        b"9" * 100_000,
    ]
    with Recorder(broker.port) as recorder:
        recorder.publish(AUTHORIZATION, "1", retain=True)
        recorder.wait_for(OFFERED, None, START_S)
        service.charge(recorder)
        recorder.wait_for(topics.TOPIC_CHARGING.path, "1", START_S)
        recorder.clear()
        for topic in _numeric_inputs():
            for payload in absurd:
                recorder.publish(topic.path.replace("+", "x"), payload)
        recorder.publish("ci/global/dyn_current_limit/" + "n" * 5_000, "9")
        recorder.publish("ci/global/dyn_current_limit/\u202e", "9")
        # A proper limit goes the same way after all of these: when it is seen, they have been dealt with.
        recorder.publish(LIMIT, "9")
        recorder.wait_for(OFFERED, "9.0", START_S)
        assert recorder.payloads(OFFERED) == ["9.0"]
        assert service.fact("contactor_1")
        assert _closings(service) == 1
        assert not service.ended
        recorder.publish(LIMIT, "-1")
        recorder.wait_for(OFFERED, "16.0", START_S)
    assert service.end() == 0
    assert "Traceback" not in service.log


def _numeric_inputs() -> list[Topic]:
    """What portd takes from others; the signal that any payload sends is not among them."""
    return [
        topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT,
        topics.TOPIC_EVSE_BASIC_MAXCURRENTLIMIT,
        topics.TOPIC_EVSE_PHASE_TARGET,
        topics.TOPIC_EVSE_PHASE_SWITCH_DELAY,
        topics.TOPIC_AUTHORIZATION_STATUS,
        topics.TOPIC_VENTILATION_AVAILABLE,
        topics.TOPIC_VENTILATION_STATE_TARGET,
    ]


def test_a_broker_that_is_absent_at_start_is_found_later(tmp_path: Path, broker: PrivateBroker) -> None:
    broker.stop()
    service = Service(tmp_path / "station", broker.port)
    try:
        service.wait_told("READY=1")
        service.wait_told("WATCHDOG=1")
        service.wait((tmp_path / "station" / "heartbeat").exists, "the loop runs")
        service.board.do("plug")
        broker.start()
        with Recorder(broker.port) as recorder:
            recorder.wait_for(topics.TOPIC_PORTD_ONLINE.path, "1", START_S)
            recorder.wait_for(topics.TOPIC_CHARGE_CP_STATUS.path, "B", START_S)
            assert service.fact("contactor_1") is False
            recorder.publish(AUTHORIZATION, "1", retain=True)
            service.wait(lambda: bool(service.fact("current_a")), "the car charges")
        assert service.end() == 0
        assert "Traceback" not in service.log
    finally:
        service.close()


def _closings(service: Service) -> int:
    return int(service.board.state()["contactors"][0]["closings"])
