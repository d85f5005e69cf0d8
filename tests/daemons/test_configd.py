"""configd with its real socket, its loop, and a real broker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chargectl.config.client import NotRunningError, ask
from chargectl.config.load import shipped_content
from chargectl.config.owner import Owner
from chargectl.config.protocol import MAXIMUM_LINE
from chargectl.daemons import configd_clients
from chargectl.daemons.configd import Configd
from chargectl.declarations.types import ConfigFile
from chargectl.system.notify import Notifier
from tests.broker import PrivateBroker, Recorder, broker, wait_until

__all__ = ["broker"]

LIMIT = "ports[0]/evse_current_limit"


class Clock:
    """Jumps ahead as told: the loop then finds that its next look at the files is due."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Service:
    """A configd in a thread of the test."""

    def __init__(self, root: Path, announce: Callable[[list[str]], bool] | None = None) -> None:
        self.directory, self.backups = root / "etc", root / "backups"
        self.socket = root / "run" / "configd.sock"
        self.directory.mkdir(exist_ok=True)
        for file in ConfigFile:
            (self.directory / file.value).write_text(shipped_content(file))
        self.path = self.directory / "customer.json"
        self.announced: list[list[str]] = []
        self.clock = Clock()
        self.daemon = Configd(
            Owner(self.directory, self.backups),
            self.socket,
            announce or self._announce,
            Notifier({}),
            self.clock,
        )
        self.thread = threading.Thread(target=self.daemon.run)
        self.thread.start()

    def _announce(self, paths: list[str]) -> bool:
        self.announced.append(paths)
        return True

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return ask(request, self.socket)

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass and the loop notice: any request wakes it."""
        self.clock.now += seconds
        self.ask({"problems": True})

    def stop(self) -> None:
        self.daemon.stop()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.stop()


def connect(service: Service) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(5)
    connection.connect(str(service.socket))
    return connection


def read_line(connection: socket.socket) -> dict[str, Any]:
    data = b""
    while not data.endswith(b"\n"):
        more = connection.recv(65536)
        assert more, "the connection was closed"
        data += more
    found = json.loads(data)
    assert isinstance(found, dict)
    return found


def closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except ConnectionResetError:
        return True


def test_a_change_over_the_socket(service: Service) -> None:
    assert service.socket.stat().st_mode & 0o777 == 0o660
    assert service.ask({"set": {LIMIT: 20}}) == {"ok": True, "changed": [LIMIT], "problems": []}
    assert '"evse_current_limit": 20,' in service.path.read_text()
    assert service.path.read_text() == (service.backups / "customer.json").read_text()
    assert service.announced == [[LIMIT]]
    refused = service.ask({"set": {LIMIT: "x"}})
    assert refused["ok"] is False
    assert service.announced == [[LIMIT]]


def test_an_edit_with_an_editor_is_announced(service: Service) -> None:
    text = service.path.read_text()
    service.path.with_name("swap").write_text(
        text.replace('"evse_current_limit": 6', '"evse_current_limit": 16')
    )
    os.replace(service.path.with_name("swap"), service.path)
    for _ in range(3):
        service.tick()
    assert service.announced == [[LIMIT]]
    assert service.ask({"get": [LIMIT]})["values"] == {LIMIT: 16}


def test_the_problems_of_an_edit_reach_the_journal(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.path.write_text('{\n  "netwrok": {}\n}')
    for _ in range(3):
        service.tick()
    assert (
        'customer.json:2:3: warning: netwrok: there is no such key; it has no effect; did you mean "network"?'
        in caplog.text
    )


def test_what_nobody_took_is_announced_later(tmp_path: Path) -> None:
    taken: list[list[str]] = []
    answers = iter([False, False, True])

    def announce(paths: list[str]) -> bool:
        took = next(answers)
        if took:
            taken.append(paths)
        return took

    service = Service(tmp_path, announce)
    try:
        service.ask({"set": {LIMIT: 20}})
        service.ask({"set": {"ports[0]/pluggable": False}})
        service.tick()
        service.tick()
        assert taken == [[LIMIT, "ports[0]/pluggable"]]
    finally:
        service.stop()


def test_hostile_clients_hurt_nobody(service: Service) -> None:
    with (
        connect(service) as partial,
        connect(service) as garbage,
        connect(service) as huge,
        connect(service) as gone,
    ):
        partial.sendall(b'{"set": {"' + LIMIT.encode())
        garbage.sendall(bytes(range(256)).replace(b"\n", b"") + b"\n\n\r\n")
        gone.sendall(b'{"list": true}\n{"list"')
        gone.close()
        assert read_line(garbage)["ok"] is False
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            huge.sendall(b"x" * 10_000_000)
        assert service.ask({"get": [LIMIT]})["values"] == {LIMIT: 6}
        partial.sendall(b'": 20}}\n')
        assert read_line(partial)["changed"] == [LIMIT]


def test_a_line_that_is_too_long_is_told(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(b"x" * (MAXIMUM_LINE + 1))
        assert read_line(connection)["errors"] == [f"a request has at most {MAXIMUM_LINE // 1024} KiB"]
        assert closed(connection)


def test_who_closes_in_mid_request_has_asked_for_nothing(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(b'{"set": {"' + LIMIT.encode() + b'": 20}}')
        connection.shutdown(socket.SHUT_WR)
        assert closed(connection)
    assert service.announced == []


def test_a_client_that_reads_nothing_is_not_waited_for(service: Service) -> None:
    with connect(service) as lazy:
        lazy.setblocking(False)
        try:
            for _ in range(2000):
                lazy.send(b'{"list": true}\n')
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        assert service.ask({"set": {LIMIT: 20}})["ok"] is True


def test_many_clients_at_once(service: Service) -> None:
    replies: list[dict[str, Any]] = []

    def change(number: int) -> None:
        for value in range(5):
            replies.append(service.ask({"set": {LIMIT: 6 + number * 5 + value}}))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(replies) == 200
    assert all(reply["ok"] is True for reply in replies)


def test_idle_clients_make_room(service: Service) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(service)) for _ in range(configd_clients.MAXIMUM_CLIENTS)]
        for connection in idle:
            connection.sendall(b'{"problems": true}\n')
            assert read_line(connection)["ok"] is True
        waiting = stack.enter_context(connect(service))
        waiting.sendall(b'{"problems": true}\n')
        service.clock.now += configd_clients.IDLE_S / 2
        idle[0].sendall(b'{"problems": true}\n')
        assert read_line(idle[0])["ok"] is True
        service.clock.now += configd_clients.IDLE_S / 2 + 1
        assert read_line(waiting)["ok"] is True
        assert all(closed(connection) for connection in idle[1:])
        idle[0].sendall(b'{"problems": true}\n')
        assert read_line(idle[0])["ok"] is True


def test_the_socket_is_removed_and_made_anew(tmp_path: Path) -> None:
    first = Service(tmp_path)
    with pytest.raises(FileExistsError, match="another configd listens"):
        Service(tmp_path)
    first.stop()
    assert not first.socket.exists()
    with pytest.raises(NotRunningError, match="configd is not running"):
        first.ask({"list": True})
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stale.bind(str(first.socket))
    stale.close()
    second = Service(tmp_path)
    try:
        assert second.ask({"problems": True})["ok"] is True
    finally:
        second.stop()


# The whole service as systemd starts it.


class Process:
    """configd as a process of its own with a notify socket."""

    def __init__(self, root: Path, port: int) -> None:
        self.directory, self.backups = root / "etc", root / "backups"
        self.socket = root / "configd.sock"
        self.directory.mkdir(exist_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(root / "notify"))
        self.notify.settimeout(15)
        self.log = root / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "chargectl.daemons.configd", "--mqtt-port", str(port)),
                    *("--config-dir", str(self.directory), "--backup-dir", str(self.backups)),
                    *("--socket", str(self.socket)),
                ],
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(sys.path),
                    "NOTIFY_SOCKET": str(root / "notify"),
                    "WATCHDOG_USEC": "200000",
                },
            )

    def wait_notified(self, text: str) -> None:
        while self.notify.recv(4096).decode() != text:
            pass

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.notify.close()
        return self.process.wait(10)


@pytest.mark.spec(275, 276, 277)
def test_the_service_with_a_broker(tmp_path: Path, broker: PrivateBroker) -> None:
    with Recorder(broker.port) as recorder:
        process = Process(tmp_path, broker.port)
        try:
            process.wait_notified("READY=1")
            process.wait_notified("WATCHDOG=1")
            assert sorted(os.listdir(process.directory)) == ["customer.json", "leds.json", "rotaryencd.json"]
            assert sorted(os.listdir(process.backups)) == ["customer.json", "leds.json", "rotaryencd.json"]
            recorder.wait_for("chargectl/configd/online", "1")
            assert ask({"set": {LIMIT: 20}}, process.socket)["ok"] is True
            assert json.loads(recorder.wait_for("chargectl/config/changed").text) == [LIMIT]
            text = (process.directory / "customer.json").read_text()
            (process.directory / "customer.json").write_text(
                text.replace('"pluggable": true', '"pluggable": false')
            )
            recorder.wait_for("chargectl/config/changed", lambda found: "ports[0]/pluggable" in found)
            assert process.end() == 0
            recorder.wait_for("chargectl/configd/online", "0")
        finally:
            process.end(signal.SIGKILL)
    assert not process.socket.exists()


@pytest.mark.spec(275)
def test_the_service_without_a_broker_recovers_and_serves(tmp_path: Path) -> None:
    directory, backups = tmp_path / "etc", tmp_path / "backups"
    directory.mkdir()
    backups.mkdir()
    (directory / "customer.json").write_bytes(b"\0" * 4096)
    (backups / "customer.json").write_text('{"uplink": {"apn_password": "hunter2hunter2"}} // mine')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        process = Process(tmp_path, free.getsockname()[1])
        try:
            process.wait_notified("READY=1")
            assert (directory / "customer.json").read_text().endswith("// mine")
            assert (directory / "customer.json.corrupt").read_bytes() == b"\0" * 4096
            assert ask({"set": {LIMIT: 20}}, process.socket)["changed"] == [LIMIT]
            wait_until(lambda: f"changed: {LIMIT}" in process.log.read_text(), what="the journal's line")
            assert process.end() == 0
        finally:
            process.end(signal.SIGKILL)
    log = process.log.read_text()
    assert "customer.json restored from the backup" in log
    assert "hunter2" not in log


def test_what_was_changed_without_a_broker_is_announced_when_it_comes(tmp_path: Path) -> None:
    late = PrivateBroker(tmp_path / "broker")
    port = late.start()
    late.stop()
    process = Process(tmp_path, port)
    try:
        process.wait_notified("READY=1")
        assert ask({"set": {LIMIT: 20}}, process.socket)["ok"] is True
        late.start()
        with Recorder(port) as recorder:
            # Whether the recorder subscribes before the announcement is chance; a second change is not.
            recorder.wait_for("chargectl/configd/online", "1", timeout=15)
            ask({"set": {"ports[0]/pluggable": False}}, process.socket)
            found = recorder.wait_for(
                "chargectl/config/changed", lambda text: "pluggable" in text, timeout=15
            )
            assert "ports[0]/pluggable" in json.loads(found.text)
    finally:
        process.end()
        late.stop()


def test_a_wrong_socket_path_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = subprocess.run(
        [
            *(sys.executable, "-m", "chargectl.daemons.configd", "--socket", str(tmp_path / "file" / "sock")),
            *("--config-dir", str(tmp_path / "etc"), "--backup-dir", str(tmp_path / "backups")),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=30,
    )
    assert result.returncode == 1
    assert "cannot listen on" in result.stderr
    assert "Traceback" not in result.stderr
