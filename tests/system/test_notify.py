"""sd_notify over real datagram sockets."""

import os
import socket
import uuid

import pytest

from chargectl.system.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A socket as systemd has one, and the value of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        if request.param == "path":
            address = environ = str(tmp_path / "notify")
        else:
            name = f"chargectl-test-{uuid.uuid4()}"
            address, environ = "\0" + name, "@" + name
        sock.bind(address)
        yield sock, environ


def test_messages(manager):
    sock, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    assert notifier.ready()
    assert notifier.watchdog()
    assert notifier.status("state C2, 16 A\nREADY=0")
    assert notifier.status("x" * 1000)
    assert notifier.stopping()
    assert [sock.recv(4096) for _ in range(5)] == [
        b"READY=1",
        b"WATCHDOG=1",
        b"STATUS=state C2, 16 A",
        b"STATUS=" + b"x" * 200,
        b"STOPPING=1",
    ]


@pytest.mark.parametrize("address", ["", "@", "relative", "vsock:2:1234"])
def test_without_a_manager_nothing_happens(address):
    notifier = Notifier({"NOTIFY_SOCKET": address} if address else {})
    assert not notifier.ready()
    assert not notifier.watchdog()
    assert not notifier.status("text")
    assert not notifier.stopping()


@pytest.mark.parametrize("address", ["/nonexistent/notify", "/" + "x" * 500, "/with\0zero"])
def test_an_unreachable_manager_is_reported_once_and_harmless(address, caplog):
    notifier = Notifier({"NOTIFY_SOCKET": address})
    assert not any(notifier.watchdog() for _ in range(5))
    assert len(caplog.records) == 1
    assert "WATCHDOG was not sent" in caplog.text


def test_a_manager_that_does_not_read_blocks_nobody(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        notifier = Notifier({"NOTIFY_SOCKET": path})
        sent = [notifier.watchdog() for _ in range(5000)]
        assert sent[0]
        assert not sent[-1]
        sock.recv(100)
        assert notifier.watchdog()


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
    ],
)
def test_watchdog_interval_is_half_the_timeout(environ, interval):
    assert Notifier(environ).watchdog_interval_s == interval
