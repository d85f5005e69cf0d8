"""The bus at a real broker: what is published, what is received, what is refused."""

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from chargectl.bus.client import Bus, DirectionError, Side
from chargectl.bus.message import Message
from chargectl.bus.paths import PathError
from chargectl.bus.payload import PayloadError
from chargectl.declarations import topics
from tests.broker import Recorder, wait_until

LIMIT = topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT
STATUS = topics.TOPIC_CHARGE_CP_STATUS
PWM = topics.TOPIC_CHARGE_PWM_STATUS
AUTHORIZATION = topics.TOPIC_AUTHORIZATION_STATUS
PERFORM = topics.TOPIC_RCD_TEST_PERFORM
PHASE = topics.TOPIC_CHARGE_INIT_STATUS
ONLINE = topics.TOPIC_PORTD_ONLINE


def test_states_are_published_with_their_retain_flag_and_only_when_they_change(broker, connect):
    with Recorder(broker.port) as recorder:
        bus = connect(broker.port).bus
        for state in "AABBBA":
            assert bus.publish(STATUS, state)
        assert bus.publish(PWM, 53.333)
        assert bus.publish(PWM, 53.334)
        bus.publish(topics.TOPIC_RCD_TEST_TIMESTAMP, datetime(2023, 6, 23, 6, 54, 55, 123456, UTC))
        message = recorder.wait_for(topics.TOPIC_RCD_TEST_TIMESTAMP.path)
        assert message.text == "2023-06-23T06:54:55.123Z"
        assert recorder.payloads(STATUS.path)[-1] == "A"
        assert recorder.payloads(PWM.path) == ["53.33"]
        assert all(message.retain for message in recorder.messages)


def test_a_connected_bus_sends_each_change_once_and_repeats_on_request(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port)
        connected.wait_connected()
        for state in "AABBBA":
            connected.bus.publish(STATUS, state)
        connected.bus.publish(topics.TOPIC_RCD_ERROR, "")
        connected.bus.publish(topics.TOPIC_RCD_ERROR, "")
        connected.bus.publish(topics.TOPIC_RCD_ERROR, "", again=True)
        connected.bus.publish(PWM, 100)
        recorder.wait_for(PWM.path, "100.00")
        assert recorder.payloads(STATUS.path) == ["A", "B", "A"]
        assert recorder.payloads(topics.TOPIC_RCD_ERROR.path) == ["", ""]


def test_events_are_sent_each_time_and_not_retained(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port)
        connected.wait_connected()
        assert connected.bus.publish(PHASE, "started")
        assert connected.bus.publish(PHASE, "started")
        connected.bus.publish(STATUS, "C")
        recorder.wait_for(STATUS.path, "C")
        assert recorder.payloads(PHASE.path) == ["started", "started"]
        assert not recorder.wait_for(PHASE.path).retain


def test_received_messages_are_decoded_and_kept_ones_told_from_published_ones(broker, connect):
    with Recorder(broker.port) as recorder:
        recorder.publish("ci/global/dyn_current_limit/kept", "16", retain=True)
        recorder.wait_for("ci/global/dyn_current_limit/kept")
        connected = connect(broker.port, subscribe=[LIMIT, AUTHORIZATION, PERFORM])
        assert connected.wait_received(1) == [Message(LIMIT, "kept", 16.0, True, 2)]
        recorder.publish("ci/global/dyn_current_limit/kept", "20.2", retain=True)
        recorder.publish("ci/global/dyn_current_limit/new", "-1")
        recorder.publish(AUTHORIZATION.path, "1", retain=True)
        recorder.publish(PERFORM.path, b"\xff whatever")
        assert connected.wait_received(5)[1:] == [
            Message(LIMIT, "kept", 20.2, False, 4),
            Message(LIMIT, "new", -1.0, False, 2),
            Message(AUTHORIZATION, "", True, False, 1),
            Message(PERFORM, "", None, False, 10),
        ]


@pytest.mark.spec(8)
def test_where_it_matters_the_publishers_own_retain_flag_is_seen(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[LIMIT, AUTHORIZATION], as_published=[AUTHORIZATION])
        connected.wait_subscribed()
        recorder.publish("ci/global/dyn_current_limit/live", "16", retain=True)
        recorder.publish(AUTHORIZATION.path, "1", retain=True)
        recorder.publish(AUTHORIZATION.path, "1")
        assert connected.wait_received(3) == [
            Message(LIMIT, "live", 16.0, False, 2),
            Message(AUTHORIZATION, "", True, True, 1),
            Message(AUTHORIZATION, "", True, False, 1),
        ]


def test_only_port_0_is_heard(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[AUTHORIZATION, PERFORM, LIMIT])
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        for port in ("port1", "port00", "port", "", "PORT0", "port0/port0"):
            recorder.publish(AUTHORIZATION.path.replace("port0", port), "1")
            recorder.publish(PERFORM.path.replace("port0", port), "1")
        recorder.publish(AUTHORIZATION.path, "0")
        assert connected.wait_received(1) == [Message(AUTHORIZATION, "", False, False, 1)]


def test_its_own_messages_do_not_come_back(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[AUTHORIZATION])
        connected.wait_connected()
        connected.bus.publish(AUTHORIZATION, True)
        recorder.wait_for(AUTHORIZATION.path, "1")
        recorder.publish(AUTHORIZATION.path, "0")
        assert connected.wait_received(1) == [Message(AUTHORIZATION, "", False, False, 1)]


def test_each_side_publishes_only_its_own_topics(broker, connect):
    stack = connect(broker.port).bus
    for refused in (LIMIT, PERFORM):
        with pytest.raises(DirectionError, match=refused.path.replace("+", r"\+")):
            stack.publish(refused, None, "ems")
    customer = Bus("127.0.0.1", broker.port, "customer", on_message=lambda _: None, side=Side.CUSTOMER)
    with pytest.raises(DirectionError, match="is published: not ours"):
        customer.publish(STATUS, "A")
    assert customer.publish(LIMIT, 16, "ems")
    assert customer.publish(AUTHORIZATION, True)


def test_the_customer_side_reaches_the_stack(broker, connect):
    stack = connect(broker.port, subscribe=[LIMIT])
    stack.wait_subscribed()
    other = Bus("127.0.0.1", broker.port, "customer", on_message=lambda _: None, side=Side.CUSTOMER)
    other.publish(LIMIT, 13.5, "ems")
    other.start()
    try:
        received = stack.wait_received(1)
    finally:
        other.stop()
    assert [(message.name, message.value) for message in received] == [("ems", 13.5)]


def test_what_does_not_fit_is_not_published(broker, connect):
    with Recorder(broker.port) as recorder:
        bus = connect(broker.port).bus
        with pytest.raises(PayloadError, match="one of 'A'"):
            bus.publish(STATUS, "G")
        with pytest.raises(PathError, match="takes no name"):
            bus.publish(STATUS, "A", "name")
        bus.publish(PWM, 5)
        recorder.wait_for(PWM.path)
        assert recorder.payloads(STATUS.path) == []


def test_online_while_connected_and_offline_after_a_stop(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, online_topic=ONLINE)
        recorder.wait_for(ONLINE.path, "1")
        connected.bus.publish(STATUS, "A")
        connected.bus.stop()
        recorder.wait_for(ONLINE.path, "0")
        assert not connected.bus.connected
        assert recorder.payloads(ONLINE.path) == ["1", "0"]
        assert recorder.payloads(STATUS.path) == ["A"]
    with Recorder(broker.port) as late:
        assert late.wait_for(ONLINE.path).text == "0"


def test_a_killed_client_is_shown_offline_by_its_last_will(broker):
    program = f"""
import sys, threading
from chargectl.bus.client import Bus
from chargectl.declarations import topics
bus = Bus("127.0.0.1", {broker.port}, "doomed", on_message=print, online_topic=topics.TOPIC_PORTD_ONLINE)
bus.start()
threading.Event().wait()
"""
    with Recorder(broker.port) as recorder:
        process = subprocess.Popen([sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)})
        try:
            recorder.wait_for(ONLINE.path, "1", 20)
        finally:
            process.kill()
            process.wait()
        will = recorder.wait_for(ONLINE.path, "0")
        assert will.retain


def test_many_threads_publish_at_once(broker, connect):
    with Recorder(broker.port) as recorder:
        connected = connect(broker.port)
        connected.wait_connected()
        threads = [
            threading.Thread(target=lambda: [connected.bus.publish(PHASE, "started") for _ in range(50)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: len(recorder.payloads(PHASE.path)) == 400, 30, "400 events")


def test_an_exception_of_the_receiver_does_not_end_the_connection(broker, connect, caplog):
    received = []

    def fails_first(message):
        received.append(message)
        if len(received) == 1:
            raise RuntimeError("receiver's mistake")

    with Recorder(broker.port) as recorder:
        connected = connect(broker.port, subscribe=[AUTHORIZATION], on_message=fails_first)
        connected.wait_connected()
        connected.bus.publish(STATUS, "A")
        recorder.wait_for(STATUS.path)
        recorder.publish(AUTHORIZATION.path, "1")
        recorder.publish(AUTHORIZATION.path, "0")
        wait_until(lambda: len(received) == 2, 30, "two messages")
        assert connected.bus.connected
    assert "receiver's mistake" in caplog.text


@pytest.mark.parametrize(
    ("host", "port"), [("", 1883), ("..", 1883), ("a b", 1883), ("x" * 64, 1883), ("h", 0), ("h", 65536)]
)
def test_an_unusable_broker_address_is_refused(host, port):
    with pytest.raises(ValueError, match=r"allowed are a host name or address and a port 1\.\.65535"):
        Bus(host, port, "test", on_message=lambda _: None)


def test_it_starts_once(broker, connect):
    bus = connect(broker.port).bus
    with pytest.raises(RuntimeError, match="started before"):
        bus.start()
