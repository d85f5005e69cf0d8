"""The private broker that `make run` and the tests start."""

import os
import socket

import pytest

from chargectl.sim.broker import BrokerError, PrivateBroker
from tests.broker import Recorder


def test_it_keeps_its_port_and_forgets_everything_else(tmp_path):
    with PrivateBroker(tmp_path) as broker:
        port = broker.port
        with Recorder(port) as recorder:
            recorder.publish("port0/x", "1", retain=True)
            recorder.wait_for("port0/x")
        broker.stop()
        assert broker.pid is None
        assert broker.start() == port
        with Recorder(port) as recorder:
            recorder.publish("port0/y", "1")
            recorder.wait_for("port0/y")
            assert recorder.payloads("port0/x") == []


def test_two_run_side_by_side(tmp_path):
    with PrivateBroker(tmp_path / "a") as one, PrivateBroker(tmp_path / "b") as two:
        assert one.port != two.port
        assert one.pid is not None
        assert os.getpgid(one.pid) == one.pid, "Ctrl-C in the terminal does not reach it"


def test_a_taken_port_is_one_clear_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port}: .*Address already in use"):
            PrivateBroker(tmp_path, port).start()


def test_a_missing_mosquitto_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_args, **_more: None)
    with pytest.raises(BrokerError, match="install the package mosquitto"):
        PrivateBroker(tmp_path).start()


def test_it_starts_once(broker):
    with pytest.raises(BrokerError, match="runs already"):
        broker.start()
