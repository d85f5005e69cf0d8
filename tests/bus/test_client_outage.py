"""The bus while the broker is late, killed, restarted, hanging or refusing."""

import os
import signal
import socket
import time

import pytest

from chargectl.bus.client import CONNECT_TIMEOUT_S, MAXIMUM_UNSENT, STOP_TIMEOUT_S
from chargectl.bus.message import Message
from chargectl.declarations import topics
from chargectl.sim.broker import PrivateBroker
from tests.broker import Recorder, wait_until

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
STATUS = topics.TOPIC_CHARGE_CP_STATUS
PWM = topics.TOPIC_CHARGE_PWM_STATUS
OFFERED = topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT
PHASE = topics.TOPIC_CHARGE_INIT_STATUS
ONLINE = topics.TOPIC_PORTD_ONLINE
NEVER_BLOCKS_S = CONNECT_TIMEOUT_S / 2
"""Below the shortest time that waiting for a network takes, above what a busy machine's scheduler adds."""


def publish_timed(bus, count=200):
    """Publish changing states; returns the longest call in seconds."""
    longest = 0.0
    for number in range(count):
        begin = time.perf_counter()
        bus.publish(OFFERED, number % 60 / 2)
        longest = max(longest, time.perf_counter() - begin)
    return longest


def test_a_late_broker_gets_the_state_in_the_order_it_was_first_published(tmp_path, connect):
    late = PrivateBroker(tmp_path)
    late.start()
    late.stop()
    connected = connect(late.port, subscribe=[LIMIT], online_topic=ONLINE)
    connected.bus.publish(STATUS, "A")
    connected.bus.publish(PWM, 100)
    connected.bus.publish(STATUS, "B")
    assert not connected.bus.publish(PHASE, "started")
    assert publish_timed(connected.bus) < NEVER_BLOCKS_S
    assert not connected.bus.connected
    with late:
        connected.wait_subscribed()
        with Recorder(late.port) as recorder:
            for path, text in ((ONLINE.path, "1"), (STATUS.path, "B"), (PWM.path, "100.00")):
                assert recorder.wait_for(path, text).retain
            recorder.publish("ci/global/dyn_current_limit/ems", "16")
            assert connected.wait_received(1) == [Message(LIMIT, "ems", 16.0, False, 2)]
            assert recorder.payloads(PHASE.path) == []


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_broker_that_restarts_gets_everything_again(broker, connect, how):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT], online_topic=ONLINE)
        for topic, value in ((STATUS, "A"), (PWM, 100), (OFFERED, 16), (STATUS, "C"), (PHASE, "started")):
            connected.bus.publish(topic, value)
        recorder.wait_for(OFFERED.path, "16.0")
        connected.wait_connected()
        getattr(broker, how)()
        wait_until(lambda: not connected.bus.connected, 30, "connection lost")
        recorder.wait_disconnected()
        connected.bus.publish(PWM, 26.67)
        assert not connected.bus.publish(PHASE, "finished")
        assert publish_timed(connected.bus) < NEVER_BLOCKS_S
        connected.bus.publish(OFFERED, 10)
        recorder.clear()
        broker.start()
        connected.wait_subscribed()
        recorder.wait_subscribed(2)
        # One connection's messages come in order: with this one everything before it is there.
        ems = "ci/global/dyn_current_limit/ems"
        recorder.publish(ems, "13")
        recorder.wait_for(ems, "13")
        seen = {(message.path, message.text) for message in recorder.messages}
        assert seen - {(ems, "13"), (topics.TOPIC_CONFIG_CHANGED.path, "{}")} == {
            (ONLINE.path, "1"),
            (STATUS.path, "C"),
            (PWM.path, "26.67"),
            (OFFERED.path, "10.0"),
        }
        assert connected.wait_received(1)[0].value == 13.0


def test_the_state_returns_in_the_order_of_first_publication(tmp_path, connect):
    order = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        connected = connect(server.getsockname()[1])
        for topic, value in ((PWM, 100), (STATUS, "A"), (OFFERED, 16), (PWM, 53), (STATUS, "B")):
            connected.bus.publish(topic, value)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(20)
            assert peer.recv(4096)[0] == 0x10, "CONNECT"
            peer.sendall(bytes([0x20, 3, 0, 0, 0]))
            received = b""
            while b"16.0" not in received:
                piece = peer.recv(4096)
                assert piece, "the connection ended before the state came"
                received += piece
            order = sorted((received.index(t.path.encode()), t.name) for t in (PWM, STATUS, OFFERED))
    assert [name for _, name in order] == [PWM.name, STATUS.name, OFFERED.name]
    assert b"53.00" in received
    assert b"100.00" not in received


def test_a_hanging_broker_blocks_nobody_and_gets_the_newest_state_afterwards(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port)
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path, "A")
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            assert publish_timed(connected.bus, MAXIMUM_UNSENT * 5) < NEVER_BLOCKS_S
            connected.bus.publish(STATUS, "B")
            connected.bus.publish(OFFERED, 80)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        recorder.wait_for(STATUS.path, "B", 20)
        wait_until(lambda: recorder.payloads(OFFERED.path)[-1:] == ["80.0"], 20, "the last limit")


def test_what_waits_for_a_slow_connection_is_bounded_and_sent_when_it_moves(connect):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        connected = connect(server.getsockname()[1])
        peer, _ = server.accept()
        with peer:
            peer.settimeout(20)
            assert peer.recv(4096)[0] == 0x10, "CONNECT"
            peer.sendall(bytes([0x20, 3, 0, 0, 0]))
            connected.wait_connected()
            big = {"text": "x" * 20_000}

            def full():
                return not any(
                    connected.bus.publish(topics.TOPIC_CONFIG_CHANGED, big) for _ in range(MAXIMUM_UNSENT)
                )

            wait_until(full, 20, "connection standing still")
            assert connected.bus.publish(STATUS, "A")
            assert connected.bus.publish(STATUS, "B")
            newest = STATUS.path.encode() + b"\x00B"
            tail = b""
            while newest not in tail:
                piece = peer.recv(1 << 20)
                assert piece, "the connection ended before the newest state came"
                tail = tail[-100:] + piece


def test_stop_returns_soon_when_the_broker_hangs(broker, connect):
    connected = connect(broker.port, online_topic=ONLINE)
    connected.wait_connected()
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        connected.bus.stop()
        assert time.monotonic() - begin < 2 * STOP_TIMEOUT_S + 3
    finally:
        os.kill(broker.pid, signal.SIGCONT)


def test_stop_without_start_and_stop_twice(broker, connect):
    connected = connect(broker.port)
    connected.bus.stop()
    connected.bus.stop()
    assert not connected.bus.connected
    assert connected.bus.publish(STATUS, "A")


def test_the_outage_is_reported_once(tmp_path, connect, caplog):
    away = PrivateBroker(tmp_path)
    away.start()
    away.stop()
    attempts = 0
    with caplog.at_level("INFO", "chargectl.bus"):
        connected = connect(away.port)
        wait_until(lambda: "not reachable" in caplog.text, 30, "report")
        with socket.create_server(("127.0.0.1", away.port)) as server:
            server.settimeout(20)
            while attempts < 2:
                peer, _ = server.accept()
                peer.close()
                attempts += 1
        with away:
            connected.wait_connected()
            wait_until(lambda: "connected" in caplog.text, 30, "report")
            messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        f"MQTT broker 127.0.0.1:{away.port}: not reachable; trying again every 0.5 to 5 s",
        f"MQTT broker 127.0.0.1:{away.port}: connected",
    ]


def test_a_refused_connection_is_reported_and_tried_again(connect, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        connected = connect(server.getsockname()[1], username="user", password="wrong")
        for _ in range(2):
            peer, _ = server.accept()
            with peer:
                peer.settimeout(20)
                assert b"wrong" in peer.recv(4096)
                peer.sendall(bytes([0x20, 3, 0, 0x86, 0]))
                peer.recv(4096)
        wait_until(lambda: "refused the connection: Bad user name or password" in caplog.text, 30, "report")
        assert "wrong" not in caplog.text
        assert not connected.bus.connected
