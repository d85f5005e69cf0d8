"""Log lines as datagrams on one interface."""

from __future__ import annotations

import logging
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.capture import recordings as r
from v2g.capture.events import Layer
from v2g.net import syslog


@pytest.fixture
def listener():
    """A socket on the loopback interface, and its port."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as found:
        found.bind(("::1", 0))
        found.settimeout(10)
        yield found, found.getsockname()[1]


def _record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("v2g", level, __file__, 1, text, None, None)


@pytest.mark.spec(356)
@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 15), (logging.INFO, 14), (logging.WARNING, 12), (logging.ERROR, 11), (5, 15), (35, 12)],
)
def test_the_datagram(level, priority):
    assert syslog.datagram("[EVSE] 705", level) == f"<{priority}>v2g: [EVSE] 705".encode()


@given(st.text(max_size=3000))
def test_a_datagram_is_one_line_of_at_most_1024_bytes(text):
    found = syslog.datagram(text)
    assert len(found) <= 1024
    assert len(found.decode().splitlines()) == 1


def test_lines_are_sent_to_one_interface(listener):
    socket_, port = listener
    handler = syslog.SyslogBroadcaster("lo", "::1", port)
    try:
        handler.handle(_record("SLAC match\nNID 01"))
        assert socket_.recv(2000) == b"<14>v2g: SLAC match NID 01"
        assert handler.dropped == 0
    finally:
        handler.close()


def test_what_cannot_be_sent_is_dropped_and_counted(listener):
    _, port = listener
    handler = syslog.SyslogBroadcaster("lo", "::1", port)
    handler.close()
    handler.handle(_record("late"))
    assert handler.dropped == 1


def test_the_default_is_every_node_at_the_port_of_syslog():
    handler = syslog.SyslogBroadcaster("lo")
    try:
        assert handler._destination == ("ff02::1", 514, 0, socket.if_nametoindex("lo"))
        hops = handler._socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS)
        assert hops == 1
    finally:
        handler.close()


def test_an_interface_that_is_not_there():
    with pytest.raises(OSError, match=r"No such device|no interface"):
        syslog.SyslogBroadcaster("nosuch0")


@pytest.mark.spec(356)
def test_captures_show_the_line(tmp_path):
    build = r.Builder(tmp_path / "built.pcapng")
    build.udp(True, syslog.datagram("checkpoint 155: matched", logging.WARNING), syslog.PORT)
    recording, _ = build.read()
    assert [(e.layer, e.name) for e in recording.events] == [(Layer.LOG, "v2g: checkpoint 155: matched")]
