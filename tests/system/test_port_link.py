"""The connection between portd and iso15118d: lines, who may connect, and what a lost one means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations.port_link import LEASE_MS, RENEW_MS, PortStatus, PortTrouble, SessionWish
from chargectl.system.port_link import (
    MAXIMUM_LINE,
    Lines,
    PortLinkError,
    PortLinkServer,
    decode,
    encode,
)
from chargectl.system.port_link_client import PortLinkClient

WISH = SessionWish(link_ready=True, power=True, active=True)
STATUS = PortStatus(pilot="C", connected=True, contactor_closed=True, offered_a=16.5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PortLinkServer]:
    made = PortLinkServer(tmp_path / "run" / "session.sock")
    yield made
    made.close()


class Peer:
    """A client that says and reads what a test wants."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self._read = b""

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def lines(self, count: int) -> list[PortStatus]:
        while self._read.count(b"\n") < count:
            data = self.socket.recv(4096)
            assert data
            self._read += data
        lines = self._read.split(b"\n")
        self._read = b"\n".join(lines[count:])
        return [decode(PortStatus, line) for line in lines[:count]]


@pytest.fixture
def peer(server: PortLinkServer, tmp_path: Path) -> Iterator[Peer]:
    made = Peer(tmp_path / "run" / "session.sock")
    yield made
    made.socket.close()


# ---------------------------------------------------------------------- lines


@given(
    st.builds(
        PortStatus,
        st.sampled_from("ABCDEF"),
        st.booleans(),
        st.none() | st.booleans(),
        *[st.booleans()] * 4,
        st.floats(0, 1000),
        st.sampled_from([1, 3]),
        st.booleans(),
        st.sampled_from(PortTrouble),
    )
)
def test_a_status_comes_as_it_was_sent(status: PortStatus) -> None:
    line = encode(status)
    assert line.endswith(b"\n")
    assert len(line) <= MAXIMUM_LINE
    assert decode(PortStatus, line) == status


@given(st.builds(SessionWish, *[st.booleans()] * 4, st.integers(0, 1_000_000)))
def test_a_wish_comes_as_it_was_sent(wish: SessionWish) -> None:
    assert decode(SessionWish, encode(wish)) == wish


def wish_line(**fields: Any) -> bytes:
    return json.dumps({**json.loads(encode(WISH)), **fields}).encode()


def status_line(**fields: Any) -> bytes:
    return json.dumps({**json.loads(encode(STATUS)), **fields}).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no JSON"),
        (b"{" * 500, "no JSON"),
        (b"[]", "an object with exactly link_ready, power"),
        (b'{"power": true}', "an object with exactly"),
        (wish_line(more=1), "an object with exactly"),
        (wish_line(power=1), "power is '1'; allowed is true or false"),
        (wish_line(power="yes"), "power is 'yes'; allowed is true or false"),
        (wish_line(error_routines=-1), "error_routines is '-1'; allowed is an integer from 0"),
        (wish_line(error_routines=True), "error_routines is 'True'"),
    ],
)
def test_a_line_that_is_no_wish(line: bytes, reason: str) -> None:
    with pytest.raises(PortLinkError, match=reason):
        decode(SessionWish, line)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pilot": "G"}, "pilot is 'G'; allowed is one of A to F"),
        ({"pilot": None}, "pilot is 'None'"),
        ({"phases": 2}, "phases is '2'; allowed is 1 or 3"),
        ({"trouble": "tired"}, "trouble is 'tired'; allowed is one of '', 'contactor'"),
        ({"trouble": []}, "trouble is"),
        ({"offered_a": -1}, "offered_a is '-1'; allowed is a number from 0 to 1000"),
        ({"offered_a": True}, "offered_a is 'True'"),
        ({"offered_a": float("nan")}, "offered_a is 'nan'"),
        ({"contactor_closed": 0}, "contactor_closed is '0'; allowed is true, false or null"),
        ({"stop": 0}, "stop is '0'; allowed is true or false"),
    ],
)
def test_a_line_that_is_no_status(fields: Any, reason: str) -> None:
    with pytest.raises(PortLinkError, match=reason):
        decode(PortStatus, status_line(**fields))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_wish_or_refused(line: bytes) -> None:
    with contextlib.suppress(PortLinkError):
        assert isinstance(decode(SessionWish, line), SessionWish)


@given(st.lists(st.binary(max_size=30).filter(lambda part: b"\n" not in part)), st.integers(1, 7))
def test_lines_may_be_cut_anywhere(parts: list[bytes], step: int) -> None:
    data = b"".join(part + b"\n" for part in parts)
    lines, found = Lines(), []
    for start in range(0, len(data), step):
        found += lines.feed(data[start : start + step])
    assert found == parts


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(PortLinkError, match=f"at most {MAXIMUM_LINE}"):
        Lines().feed(b"x" * (MAXIMUM_LINE + 1))


# ---------------------------------------------------------------------- portd's end


def test_a_wish_arrives_and_the_status_is_told(server: PortLinkServer, peer: Peer) -> None:
    assert server.exchange(STATUS, 0) == [None], "what an earlier daemon wished is over"
    assert peer.lines(1) == [STATUS]
    peer.say(encode(WISH) + encode(replace(WISH, power=False)))
    assert server.exchange(STATUS, 20) == [WISH, replace(WISH, power=False)]
    assert server.exchange(STATUS, 40) == []


def test_the_status_is_told_when_it_is_news_or_due(server: PortLinkServer, peer: Peer) -> None:
    other = replace(STATUS, pilot="B")
    for now_ms, status in [(0, STATUS), (20, STATUS), (40, other), (60, other), (40 + RENEW_MS, other)]:
        server.exchange(status, now_ms)
    server.exchange(replace(other, pilot="A"), 41 + RENEW_MS)
    assert [each.pilot for each in peer.lines(4)] == ["C", "B", "B", "A"]


def test_a_daemon_that_ends_is_noticed_at_once(server: PortLinkServer, peer: Peer) -> None:
    peer.say(encode(WISH))
    server.exchange(STATUS, 0)
    peer.socket.close()
    assert server.exchange(STATUS, 20) == [None]
    assert server.exchange(STATUS, 40) == []


def test_a_wish_and_the_end_come_in_their_order(server: PortLinkServer, peer: Peer) -> None:
    server.exchange(STATUS, 0)
    peer.say(encode(WISH))
    peer.socket.close()
    assert server.exchange(STATUS, 20) == [WISH]
    assert server.exchange(STATUS, 40) == [None]


@pytest.mark.parametrize("nonsense", [b"nonsense\n", b"{}\n", b"x" * (MAXIMUM_LINE + 1)])
def test_nonsense_ends_the_connection(
    server: PortLinkServer, peer: Peer, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server.exchange(STATUS, 0)
    peer.say(nonsense)
    assert server.exchange(STATUS, 20) == [None]
    assert "connection ended" in caplog.text


def test_the_newest_daemon_takes_the_place(server: PortLinkServer, peer: Peer, tmp_path: Path) -> None:
    peer.say(encode(WISH))
    server.exchange(STATUS, 0)
    second = Peer(tmp_path / "run" / "session.sock")
    assert server.exchange(STATUS, 20) == [None]
    second.say(encode(WISH))
    assert server.exchange(STATUS, 40) == [WISH]
    assert peer.lines(1) == [STATUS]
    assert peer.socket.recv(100) == b""
    second.socket.close()


def test_a_daemon_that_reads_nothing_is_sent_away(server: PortLinkServer, peer: Peer) -> None:
    server.exchange(STATUS, 0)
    wishes: list[SessionWish | None] = []
    for number in range(1, 20_000):
        wishes += server.exchange(replace(STATUS, offered_a=number % 1000), number)
        if wishes:
            break
    assert wishes == [None]


def test_the_socket_is_for_its_owner_and_group(server: PortLinkServer, tmp_path: Path) -> None:
    found = (tmp_path / "run" / "session.sock").stat()
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives a folder to a group")
def test_the_socket_has_the_group_of_a_folder_that_gives_it_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    os.chown(folder, -1, 1)
    folder.chmod(0o2750)
    server = PortLinkServer(folder / "session.sock")
    assert (folder / "session.sock").stat().st_gid == 1
    server.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: connects as another user")
def test_other_users_are_sent_away(caplog: pytest.LogCaptureFixture) -> None:
    script = (
        "import os, socket, sys; os.setgid(65534); os.setuid(int(sys.argv[2]))\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(5)\n"
        "try:\n"
        "    s.connect(sys.argv[1]); s.sendall(sys.argv[3].encode()); print(len(s.recv(100)))\n"
        "except OSError:\n"
        "    print(0)"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "session.sock")
        path.parent.chmod(0o755)
        server = PortLinkServer(path, user="daemon")
        path.chmod(0o666)
        for user, counts in ((65534, False), (1, True)):  # nobody; daemon, which is the user that may
            words = [sys.executable, "-c", script, str(path), str(user), encode(WISH).decode()]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
                wishes: list[SessionWish | None] = []
                while process.poll() is None:
                    wishes += server.exchange(STATUS, 0)
                assert process.stdout is not None
                told = int(process.stdout.read())
            assert (WISH in wishes, told > 0) == (counts, counts)
        server.close()
    assert caplog.text.count("of user 65534 is not allowed here") == 1


def test_what_an_earlier_portd_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "session.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    server = PortLinkServer(path)
    peer = Peer(path)
    assert server.exchange(STATUS, 0) == [None]
    peer.socket.close()
    server.close()
    assert not path.exists()


# ---------------------------------------------------------------------- the daemon's end


def test_the_client_renews_its_wish_and_hears_the_status(tmp_path: Path) -> None:
    path = tmp_path / "session.sock"
    told: list[PortStatus | None] = []

    async def play() -> None:
        client = PortLinkClient(path, told.append)
        client.wish(SessionWish(link_ready=True))
        running = asyncio.create_task(client.run())
        server = PortLinkServer(path)
        wishes: list[SessionWish | None] = []
        loop = asyncio.get_running_loop()

        async def until(count: int) -> None:
            async with asyncio.timeout(20):
                while len(wishes) < count:
                    wishes.extend(server.exchange(STATUS, int(loop.time() * 1000)))
                    await asyncio.sleep(0.005)

        await until(2)
        begun = loop.time()
        await until(3)
        assert loop.time() - begun < LEASE_MS / 1000, "it is renewed within the lease"
        client.wish(WISH)
        await until(4)
        assert wishes[0] is None
        assert wishes[1:3] == [SessionWish(link_ready=True)] * 2
        assert WISH in wishes
        assert STATUS in told
        server.close()
        async with asyncio.timeout(5):
            while told[-1] is not None:
                await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())


def test_a_port_that_says_nothing_is_lost_with_the_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargectl.system.port_link_client.LEASE_MS", 50)
    path = tmp_path / "session.sock"
    told: list[PortStatus | None] = []

    async def play() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen()
            listener.setblocking(False)
            running = asyncio.create_task(PortLinkClient(path, told.append).run())
            peer, _ = await asyncio.get_running_loop().sock_accept(listener)
            peer.send(encode(STATUS))
            async with asyncio.timeout(5):
                while not told or told[-1] is not None:
                    await asyncio.sleep(0.005)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            peer.close()

    asyncio.run(play())
    assert told == [STATUS, None]
