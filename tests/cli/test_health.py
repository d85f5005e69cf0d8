"""``chargectl health`` against a real broker and a real service manager."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.cli import health, health_broker
from chargectl.cli.main import main
from chargectl.cli.status_reader import BrokerError
from chargectl.system import health as system
from chargectl.system.heartbeat import Heartbeat
from chargectl.update.health import PRESENCE
from tests.broker import PrivateBroker, Recorder, broker
from tests.systemd_rig import SystemdRig, require

__all__ = ["broker"]

IDLE = {
    "chargectl/portd/errors": "[]",
    "port0/contactor/state/target": "0",
    "port0/contactor/state/actual": "0",
    "port0/ci/charge/cp/status": "A",
    **{topic.path: "1" for topic in PRESENCE},
}
NOTIFIER = """[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'while ! test -e "{flag}"; do sleep 0.05; done; systemd-notify --ready; exec sleep 1000'
"""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdRig]:
    """A service manager with the target and a portd that becomes ready once ``ready`` exists."""
    require()
    with SystemdRig(tmp_path_factory.mktemp("systemd")) as rig:
        rig.unit("chargectl-portd.service", NOTIFIER.format(flag=rig.root / "ready"))
        rig.unit("chargectl-once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        rig.unit(
            "chargectl.target",
            "[Unit]\nWants=chargectl-portd.service chargectl-once.service\nAfter=chargectl-portd.service\n",
        )
        yield rig


@pytest.fixture
def running(manager: SystemdRig) -> Iterator[SystemdRig]:
    """The same with everything up; stopped afterwards."""
    (manager.root / "ready").touch()
    manager.call("start", "chargectl.target")
    manager.wait("chargectl.target", "active")
    yield manager
    manager.call("stop", "chargectl.target", "chargectl-portd.service")
    (manager.root / "ready").unlink(missing_ok=True)


class Board:
    """Everything that the check looks at, in good order."""

    def __init__(self, tmp_path: Path, broker: PrivateBroker, publisher: Recorder) -> None:
        self.port = broker.port
        self.broker = broker
        self.publisher = publisher
        self.heartbeat = tmp_path / "portd.heartbeat"
        self.result = tmp_path / "health.json"
        self._heart = Heartbeat(self.heartbeat)
        self._heart.beat()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(0.02):
            self._heart.beat()

    def stand_still(self) -> None:
        self._stop.set()
        self._thread.join()

    def check(self, *options: str) -> int:
        return main(["health", "--port", str(self.port), "--heartbeat", str(self.heartbeat), *options])


@pytest.fixture
def board(
    tmp_path: Path, broker: PrivateBroker, manager: SystemdRig, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Board]:
    monkeypatch.setenv("PATH", f"{manager.path}:{os.environ['PATH']}")
    monkeypatch.setattr(health, "OBSERVE_S", 0.3)
    monkeypatch.setattr(health, "PAUSE_S", 0.1)
    monkeypatch.setattr(system, "DIRECTORIES", (tmp_path,))
    monkeypatch.setattr(system, "RESULT", tmp_path / "health.json")
    with Recorder(broker.port) as publisher:
        for path, payload in IDLE.items():
            publisher.publish(path, payload, retain=True)
            publisher.wait_for(path, payload)
        made = Board(tmp_path, broker, publisher)
        yield made
        made.stand_still()


@pytest.mark.spec(258)
def test_all_is_well(board: Board, running: SystemdRig, capsys: pytest.CaptureFixture[str]) -> None:
    assert board.check() == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok      daemons",
        "ok      heartbeat",
        "ok      broker",
        "ok      port",
        "ok      disk",
    ]
    assert json.loads(board.result.read_bytes())["healthy"] is True


def test_for_programs(board: Board, running: SystemdRig, capsys: pytest.CaptureFixture[str]) -> None:
    assert board.check("--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is True
    assert {check["name"] for check in told["checks"]} == {"daemons", "heartbeat", "broker", "port", "disk"}


@pytest.mark.spec(258)
def test_everything_that_is_wrong_is_told_at_once(
    board: Board,
    manager: SystemdRig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board.stand_still()
    board.publisher.publish("chargectl/portd/errors", '["BoardFailure"]', retain=True)
    board.publisher.wait_for("chargectl/portd/errors", '["BoardFailure"]')
    board.publisher.publish("chargectl/portd/online", "0", retain=True)
    board.publisher.wait_for("chargectl/portd/online", "0")
    monkeypatch.setattr(system, "DIRECTORIES", (tmp_path, tmp_path / "missing"))
    assert board.check() == 1
    assert capsys.readouterr().out.splitlines() == [
        "failed  daemons: chargectl.target is inactive",
        "failed  daemons: chargectl-portd.service is inactive (dead)",
        "failed  heartbeat: portd's heartbeat stands still",
        "failed  broker: portd is not connected",
        "failed  port: BoardFailure: a pin, converter or driver of the board cannot be read or written",
        f"failed  disk: {tmp_path}/missing: cannot be written: No such file or directory",
    ]
    assert system.last_words(board.result).startswith("daemons: chargectl.target is inactive; ")


@pytest.mark.spec(258)
def test_a_contactor_that_is_closed_for_nobody_fails(
    board: Board, running: SystemdRig, capsys: pytest.CaptureFixture[str]
) -> None:
    board.publisher.publish("port0/contactor/state/target", "1", retain=True)
    board.publisher.wait_for("port0/contactor/state/target", "1")
    assert board.check() == 1
    assert "failed  port: the contactor is driven closed while no EV asks" in capsys.readouterr().out


def test_a_broker_that_is_away_fails_at_once(
    board: Board, running: SystemdRig, capsys: pytest.CaptureFixture[str]
) -> None:
    board.broker.stop()
    assert board.check() == 1
    output = capsys.readouterr().out
    assert (
        f"failed  broker: MQTT broker localhost:{board.port} is not reachable: Connection refused" in output
    )
    assert "failed  port: its state is not known without the broker" in output


def test_waiting_ends_when_the_daemons_are_ready(board: Board, manager: SystemdRig) -> None:
    manager.call("start", "--no-block", "chargectl.target")
    manager.wait("chargectl-portd.service", "activating")
    later = threading.Timer(0.5, (manager.root / "ready").touch)
    later.start()
    started = time.monotonic()
    try:
        assert board.check("--wait", "60") == 0
        assert 0.5 <= time.monotonic() - started < 30
    finally:
        later.join()
        manager.call("stop", "chargectl.target", "chargectl-portd.service")
        (manager.root / "ready").unlink()


@pytest.mark.spec(259)
def test_waiting_for_a_portd_that_never_becomes_ready_ends_with_everything_told(
    board: Board, manager: SystemdRig, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.call("start", "--no-block", "chargectl.target")
    manager.wait("chargectl-portd.service", "activating")
    started = time.monotonic()
    try:
        assert board.check("--wait", "1") == 1
        assert time.monotonic() - started >= 0.9
    finally:
        manager.call("stop", "chargectl.target", "chargectl-portd.service")
    lines = capsys.readouterr().out.splitlines()
    assert "failed  daemons: chargectl-portd.service is not ready (start)" in lines
    assert "ok      broker" in lines, "the last look is a complete one"


def test_only_the_superuser_leaves_a_result(
    board: Board, running: SystemdRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    board.check()
    assert not board.result.exists()


@pytest.mark.parametrize("value", ["-1", "x", "3601", "1.5"])
def test_the_limit_is_bounded(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--wait", value]) == 2
    assert "0 to 3600 is allowed" in capsys.readouterr().err


def test_a_broker_that_accepts_but_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_broker, "ANSWER_S", 0.3)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(BrokerError, match=r"accepts connections but returned no message in 0\.3 s"),
    ):
        health_broker.ask("127.0.0.1", silent.getsockname()[1])


def test_what_anybody_publishes_on_the_topics_does_no_harm(board: Board) -> None:
    board.publisher.publish("port0/ci/charge/cp/status", b"\xff\xfe", retain=True)
    board.publisher.publish("chargectl/portd/errors", b"[" * 5000, retain=True)
    board.publisher.wait_for("chargectl/portd/errors", "[" * 5000)
    values = health_broker.ask("localhost", board.port)
    assert "port0/ci/charge/cp/status" not in values
    assert "chargectl/portd/errors" not in values
    assert values["chargectl/portd/online"] is True
