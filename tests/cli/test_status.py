"""``chargectl status`` against a real broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from chargectl.cli import status_reader
from chargectl.cli.main import main
from tests.broker import PrivateBroker, Recorder, broker

__all__ = ["broker"]

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

KEPT = {
    "chargectl/portd/online": "1",
    "chargectl/portd/errors": "[]",
    "port0/ci/charge/cp/status": "C",
    "port0/ci/charge/pwm/status": "26.66",
    "port0/charging": "1",
    "port0/ci/evse/basic/offered_current_limit": "16.0",
    "port0/contactor/state/actual": "1",
    "ci/global/dyn_current_limit/house": "16",
}


@pytest.fixture(autouse=True)
def children_hear_ctrl_c() -> Iterator[None]:
    """Undo that SIGINT is ignored, as it is in what a script runs in the background: children inherit it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def publisher(broker: PrivateBroker) -> Iterator[Recorder]:
    """Somebody who publishes what portd would."""
    with Recorder(broker.port) as recorder:
        for path, payload in KEPT.items():
            recorder.publish(path, payload, retain=True)
            recorder.wait_for(path, payload)
        yield recorder


def watching(broker: PrivateBroker, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "chargectl.cli.main", "status", "--watch", "--port", str(broker.port)]
    return subprocess.Popen(
        [*command, *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def next_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines of output; a process that says too little is ended after a while."""
    assert process.stdout is not None
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        return [process.stdout.readline().rstrip("\n") for _ in range(count)]
    finally:
        timer.cancel()


def test_shows_what_the_broker_keeps(
    broker: PrivateBroker, publisher: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--port", str(broker.port)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "charging at 16.0 A"
    assert "  pilot           state C, PWM 26.66 %" in shown
    assert "  dynamic limits  house 16 A" in shown


def test_json_for_programs(
    broker: PrivateBroker, publisher: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--json", "--port", str(broker.port)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["online"], shown["errors"]) == ("charging", True, [])
    assert shown["topics"]["port0/ci/charge/pwm/status"] == 26.66
    assert set(shown["topics"]) == set(KEPT)


def test_payloads_that_no_topic_allows_are_left_out(
    broker: PrivateBroker, publisher: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, payload in (
        ("port0/ci/charge/pwm/status", b"nan"),
        ("port0/ci/charge/cp/status", b"\xff\xfe"),
        ("port0/cable_current_limit", b"1e9"),
        ("ci/global/dyn_current_limit/" + 65 * "x", b"10"),
    ):
        publisher.publish(path, payload, retain=True)
        publisher.wait_for(path)
    assert main(["status", "--json", "--port", str(broker.port)]) == 0
    left = set(json.loads(capsys.readouterr().out)["topics"])
    assert left == set(KEPT) - {"port0/ci/charge/pwm/status", "port0/ci/charge/cp/status"}


def test_portd_offline_has_its_own_exit_code(
    broker: PrivateBroker, publisher: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.publish("chargectl/portd/online", "0", retain=True)
    publisher.wait_for("chargectl/portd/online", "0")
    assert main(["status", "--port", str(broker.port)]) == 3
    assert capsys.readouterr().out == "portd is offline\n"


def test_an_empty_broker_means_offline(broker: PrivateBroker, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--port", str(broker.port)]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["topics"]) == ("offline", {})


def test_no_broker_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert main(["status", "--host", "127.0.0.1", "--port", str(port)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        f"chargectl status: MQTT broker 127.0.0.1:{port} is not reachable: Connection refused\n"
    )


def test_a_broker_that_says_nothing_is_not_waited_for_forever(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_reader, "ANSWER_S", 0.3)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        assert main(["status", "--host", "127.0.0.1", "--port", str(mute.getsockname()[1])]) == 1
    assert capsys.readouterr().err.endswith("accepts connections but does not answer\n")


def test_a_broker_that_refuses_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as broker:
        broker.bind(("127.0.0.1", 0))
        broker.listen()

        def refuse() -> None:
            link, _ = broker.accept()
            with link:
                link.recv(1024)
                link.sendall(b"\x20\x02\x00\x05")
                link.recv(1024)

        thread = threading.Thread(target=refuse)
        thread.start()
        assert main(["status", "--host", "127.0.0.1", "--port", str(broker.getsockname()[1])]) == 1
        thread.join(10)
    assert "refused the connection: Not authorized" in capsys.readouterr().err


def test_watch_tells_every_change_in_a_line_until_the_broker_goes(
    broker: PrivateBroker, publisher: Recorder
) -> None:
    process = watching(broker)
    try:
        assert next_lines(process, 5)[0] == "charging at 16.0 A"
        publisher.publish("port0/ci/evse/basic/offered_current_limit", "10.0", retain=True)
        publisher.publish("port0/ci/evse/basic/offered_current_limit", "10.0", retain=True)
        publisher.publish("chargectl/portd/errors", '["PlugLockCannotLock"]', retain=True)
        publisher.publish("port0/charging", "0", retain=True)
        told = [line.partition("  ")[2] for line in next_lines(process, 6)]
        assert told == [
            "port0/ci/evse/basic/offered_current_limit 10.0",
            "charging at 10.0 A",
            'chargectl/portd/errors ["PlugLockCannotLock"]',
            "charging at 10.0 A (PlugLockCannotLock)",
            "port0/charging false",
            "error: the lock does not read closed after it was driven closed (PlugLockCannotLock)",
        ]
        publisher.close()
        broker.stop()
        _, complaint = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"MQTT broker localhost:{broker.port}: connection lost" in complaint
    finally:
        process.kill()
        process.communicate()


def test_watch_as_json_is_one_object_a_line(broker: PrivateBroker, publisher: Recorder) -> None:
    process = watching(broker, "--json")
    try:
        assert json.loads(next_lines(process, 1)[0])["state"] == "charging"
        publisher.publish("port0/charging", "0", retain=True)
        assert json.loads(next_lines(process, 1)[0])["state"] == "starting"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_json_needs_no_screen_library(broker: PrivateBroker, publisher: Recorder) -> None:
    program = (
        "import sys; from chargectl.cli.main import main; "
        f"code = main(['status', '--json', '--port', '{broker.port}']); "
        "sys.exit('rich' in sys.modules or 'asyncio' in sys.modules or code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, timeout=30, check=False, capture_output=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1"])
def test_wrong_ports_are_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", f"--port={port}"]) == 2
    assert "1 to 65535 is allowed" in capsys.readouterr().err
