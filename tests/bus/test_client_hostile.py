"""The bus against whoever publishes nonsense, too much, or too big."""

import contextlib
import threading
import time

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chargectl.bus.client import CONNECT_TIMEOUT_S, MAXIMUM_PACKET_BYTES
from chargectl.bus.message import Message
from chargectl.declarations import topics
from chargectl.sim.broker import PrivateBroker
from tests.broker import Recorder, flood, wait_until

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
AUTHORIZATION = topics.TOPIC_AUTHORIZATION_STATUS
STATUS = topics.TOPIC_CHARGE_CP_STATUS
NEVER_BLOCKS_S = CONNECT_TIMEOUT_S / 2
"""Below the shortest time that waiting for a network takes, above what a busy machine's scheduler adds."""
PREFIX = "ci/global/dyn_current_limit/"


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    "payload",
    [b"nan", b"1e9", b"-5", b"", b"\xff\x00\xfe", b"x" * 100_000, b"0x10", b"1_0", "٢٠".encode(), b"1000.1"],
    ids=["nan", "1e9", "-5", "empty", "binary", "100 kB", "hex", "underscore", "Arabic", "too high"],
)
def test_nonsense_is_ignored_with_one_line(broker, connect, caplog, payload):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT, AUTHORIZATION])
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        for name in ("a", "b", "c"):
            recorder.publish(PREFIX + name, payload)
        recorder.publish(AUTHORIZATION.path, payload)
        recorder.publish(PREFIX + "a", "20.2")
        assert connected.wait_received(1) == [Message(LIMIT, "a", 20.2, False, 4)]
        assert connected.bus.connected
    lines = warnings(caplog)
    assert len(lines) == 2, "one for each topic, however many names"
    assert lines[0].startswith(
        f"MQTT message ignored: {LIMIT.path}: allowed is a decimal number from -1 to 1000 A"
    )
    assert all(line.isascii() and line.isprintable() and len(line) < 300 for line in lines)


def test_repeated_nonsense_is_counted_in_the_next_line(broker, connect, caplog):
    seconds = [100.0]
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT, AUTHORIZATION], monotonic=lambda: seconds[0])
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        for _ in range(50):
            recorder.publish(PREFIX + "a", "nan")
        recorder.publish(AUTHORIZATION.path, "1")
        connected.wait_received(1)
        assert len(warnings(caplog)) == 1
        seconds[0] += 10
        recorder.publish(PREFIX + "b", "nan")
        wait_until(lambda: len(warnings(caplog)) == 2, 30, "second line")
    assert warnings(caplog)[1].endswith("(50 such messages)")


@pytest.mark.parametrize("name", ["x" * 65, "\u202e"])
def test_unusable_names_are_ignored(broker, connect, caplog, name):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT])
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        recorder.publish(PREFIX + name, "6")
        recorder.publish(PREFIX, "6")
        recorder.publish(PREFIX + "ok", "6")
        assert connected.wait_received(1) == [Message(LIMIT, "ok", 6.0, False, 1)]
    assert "cannot be used" in warnings(caplog)[0]
    assert warnings(caplog)[0].isascii()


def test_ten_megabytes_never_reach_the_client(tmp_path, connect, caplog):
    with PrivateBroker(tmp_path, maximum_packet_bytes=0) as unlimited, Recorder(unlimited.port) as recorder:
        connected = connect(unlimited.port, subscribe=[LIMIT])
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        recorder.publish(PREFIX + "a", bytes(10_000_000), retain=True)
        recorder.wait_for(PREFIX + "a", timeout=20)
        recorder.publish(PREFIX + "a", b"x" * (MAXIMUM_PACKET_BYTES - 1000))
        recorder.publish(PREFIX + "b", "6")
        assert connected.wait_received(1) == [Message(LIMIT, "b", 6.0, False, 1)]
        assert connected.bus.connected
    ignored = [line for line in warnings(caplog) if "ignored" in line]
    assert len(ignored) == 1
    assert f"({MAXIMUM_PACKET_BYTES - 1000} bytes)" in ignored[0]


def test_the_private_broker_shuts_out_who_sends_ten_megabytes(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT])
        connected.wait_subscribed()
        with contextlib.suppress(RuntimeError):  # the connection is lost before or after all is sent
            recorder.publish(PREFIX + "a", bytes(10_000_000))
        recorder.wait_subscribed(2)
        recorder.publish(PREFIX + "b", "6")
        assert connected.wait_received(1)[0].name == "b"


def test_a_retained_message_with_unreadable_properties_does_not_lock_the_bus_out(broker, connect, caplog):
    poison = Properties(PacketTypes.PUBLISH)
    poison.UserProperty = ("key", "byte order mark \ufeff")
    with Recorder(broker.port, "port0/ci/charge/#") as recorder:
        recorder.publish(PREFIX + "evil", "6", retain=True, properties=poison)
        recorder.publish(PREFIX + "good", "16", retain=True)
        connected = connect(broker.port, subscribe=[LIMIT])
        connected.bus.publish(STATUS, "A")

        def heard(*expected):
            connected.received += connected.inbox.drain()
            return {(m.name, m.value, m.retained) for m in connected.received}.issuperset(expected)

        wait_until(lambda: heard(("evil", 6.0, True), ("good", 16.0, True)), 30, "both kept messages")
        connected.wait_connected()
        connected.bus.publish(STATUS, "B")
        recorder.wait_for(STATUS.path, "B")
        recorder.publish(PREFIX + "more", "8", retain=True)
        wait_until(lambda: heard(("more", 8.0, False)), 30, "live message")
    assert len([line for line in warnings(caplog) if "going on with MQTT 3.1.1" in line]) == 1


def test_a_flood_costs_bounded_memory_and_starves_nobody(broker, connect):
    count = 200_000
    with Recorder(broker.port, AUTHORIZATION.path) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT, AUTHORIZATION])
        connected.wait_subscribed()
        recorder.publish(AUTHORIZATION.path, "1")
        wait_until(lambda: len(connected.inbox) == 1, 30, "the message before the flood")
        values = (str(number % 80) for number in range(count))
        flooding = threading.Thread(target=flood, args=(broker.port, PREFIX + "flood", values))
        flooding.start()
        calls: list[float] = []
        while flooding.is_alive() or len(calls) < 20:
            begin = time.perf_counter()
            connected.bus.publish(STATUS, "AB"[len(calls) % 2])
            calls.append(time.perf_counter() - begin)
            assert len(connected.inbox) <= 1000
            flooding.join(0.01)
        received = []

        def state_after_the_flood_came():
            # The broker drops what a slow reader leaves waiting, so one message alone would prove nothing.
            recorder.publish(AUTHORIZATION.path, "0")
            received.extend(connected.inbox.drain())
            return any(message.topic is AUTHORIZATION and message.value is False for message in received)

        wait_until(state_after_the_flood_came, 100, "a message after the flood")
        assert received[0] == Message(AUTHORIZATION, "", True, False, 1), (
            "the one before the flood has survived"
        )
        assert max(calls) < NEVER_BLOCKS_S
        assert connected.bus.connected
