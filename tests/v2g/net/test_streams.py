"""Connections of sessions: on loopback, and over a cable between two namespaces."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import struct
from collections.abc import Coroutine
from functools import partial
from typing import Any

import pytest

from tests.v2g.net.cable import cable, missing
from tests.v2g.net.ends import LIMIT_S, Recorder, Side
from v2g.net import streams
from v2g.net.interfaces import NetworkError
from v2g.net.streams import FIRST_PORT, LAST_PORT, Listener, connect, listen


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def local(side: Side, **options: Any) -> Listener:
    return listen("lo", side.receiver, side.write, address="::1", **options)


async def pair(side: Side, listener: Listener) -> tuple[Recorder, Recorder]:
    """A connection: the car's end and the station's."""
    count = len(side.receivers)
    car = Recorder()
    await connect(listener.address, listener.port, "lo", car)
    await car.until(lambda: len(side.receivers) > count)
    station = side.receivers[-1]
    await station.until(lambda: station.stream)
    return car, station


def test_bytes_both_ways_and_an_end_in_order() -> None:
    async def main() -> None:
        side = Side()
        listener = local(side)
        assert (listener.address, FIRST_PORT <= listener.port <= LAST_PORT) == ("::1", True)
        car, station = await pair(side, listener)
        assert car.stream is not None
        assert station.stream is not None
        assert car.stream.peer == f"[::1]:{listener.port}"
        assert station.stream.peer == car.stream.own
        assert station.stream.security == "TCP"
        assert station.stream.tls_version is station.stream.peer_certificate is None
        for end in (car, station):
            handle = end.stream._transport.get_extra_info("socket")
            assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        car.stream.write(b"request")
        await station.until(lambda: station.data == b"request")
        station.stream.write(bytes(100_000))
        station.stream.close()
        assert station.stream.closing()
        station.stream.write(b"too late")
        await car.until(lambda: car.lost is not None)
        assert len(car.data) == 100_000
        assert (car.lost, station.lost) == ("", "")
        listener.close()

    run(main())


def test_one_at_a_time() -> None:
    async def main() -> None:
        side = Side()
        listener = local(side)
        first, station = await pair(side, listener)
        assert first.stream is not None
        second = Recorder()
        # The reset may come before the connection is reported.
        why = ""
        try:
            await connect("::1", listener.port, "lo", second)
        except NetworkError as error:
            why = str(error)
        else:
            await second.until(lambda: second.lost is not None)
            why = second.lost or ""
        assert why.endswith("Connection reset by peer")
        await side.logged()
        assert len(side.receivers) == 1
        assert re.fullmatch(
            rf"TCP: connection from \[::1\]:\d+ refused: {re.escape(first.stream.own)} is connected",
            side.log[0],
        )
        first.stream.write(b"still here")
        await station.until(lambda: station.data == b"still here")
        first.stream.close()
        await station.until(lambda: station.lost is not None)
        third, _ = await pair(side, listener)
        assert third.stream is not None
        third.stream.abort()
        listener.close()

    run(main())


def test_a_car_that_connects_again_at_once() -> None:
    """The end of its last connection may be noticed after the next one has come."""

    async def main() -> None:
        side = Side(echo=True)
        listener = local(side)
        for _ in range(20):
            car = Recorder()
            await connect("::1", listener.port, "lo", car)
            assert car.stream is not None
            car.stream.write(b"x")
            await car.until(partial(_has, car, b"x"))
            car.stream.close()
        assert side.log == []
        listener.close()

    run(main())


def test_why_it_ended() -> None:
    async def main() -> None:
        side = Side()
        listener = local(side)
        car, station = await pair(side, listener)
        assert station.stream is not None
        station.stream.abort("sequence timeout")
        station.stream.abort("another")
        await station.until(lambda: station.lost is not None)
        assert station.lost == "sequence timeout"
        await car.until(lambda: car.lost is not None)
        # A car that is unplugged in the middle resets, or says nothing at all.
        car, station = await pair(side, listener)
        assert car.stream is not None
        car.stream._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        car.stream.abort()
        await station.until(lambda: station.lost is not None)
        assert station.lost == "Connection reset by peer"
        assert car.lost is None or car.lost == "aborted"
        listener.close()

    run(main())


def test_closing_a_listener_leaves_the_connection() -> None:
    async def main() -> None:
        side = Side()
        listener = local(side)
        car, station = await pair(side, listener)
        listener.close()
        with pytest.raises(NetworkError, match=r"^no connection to \[::1%lo\]:\d+: Connection refused$"):
            await connect("::1", listener.port, "lo", Recorder())
        assert car.stream is not None
        car.stream.write(b"x")
        await station.until(lambda: station.data)
        car.stream.close()
        await station.until(lambda: station.lost is not None)

    run(main())


def _has(end: Recorder, data: bytes) -> bool:
    return end.data == data


def _ended(end: Recorder) -> bool:
    return end.lost is not None


def test_a_receiver_is_made_for_each_connection_and_none_is_left() -> None:
    async def main() -> None:
        side = Side(echo=True)
        listener = local(side)
        for number in range(50):
            car, station = await pair(side, listener)
            assert car.stream is not None
            car.stream.write(b"%d" % number)
            await car.until(partial(_has, car, b"%d" % number))
            car.stream.close()
            await station.until(partial(_ended, station))
        assert len(side.receivers) == 50
        assert side.log == []
        listener.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_ports() -> None:
    async def main() -> None:
        side = Side()
        listener = local(side)
        with pytest.raises(
            NetworkError, match=rf"^cannot listen on \[::1%lo\]:{listener.port}: Address already"
        ):
            local(side, port=listener.port)
        ports = {listener.port}
        for _ in range(5):
            another = local(side)
            ports.add(another.port)
            another.close()
        assert len(ports) > 2  # they are not guessable one after the other
        listener.close()
        fixed = local(side, port=listener.port)
        assert fixed.port == listener.port
        fixed.close()
        with pytest.raises(NetworkError, match=r"^none0: no such interface; there are "):
            listen("none0", side.receiver, side.write)
        with pytest.raises(NetworkError, match=r"^lo: no IPv6 link-local address; "):
            listen("lo", side.receiver, side.write)

    run(main())


def test_a_cancelled_connect_leaves_nothing() -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as silent:
            # It accepts the connection, and says nothing to a TLS handshake.
            silent.bind(("::1", 0))
            silent.listen()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            task = asyncio.create_task(connect("::1", silent.getsockname()[1], "lo", Recorder(), tls=context))
            silent.setblocking(False)
            accepted, _ = await asyncio.get_running_loop().sock_accept(silent)
            with accepted:
                assert await asyncio.get_running_loop().sock_recv(accepted, 1)  # the handshake has begun
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                async with asyncio.timeout(LIMIT_S):
                    while await asyncio.get_running_loop().sock_recv(accepted, 4096):
                        pass

    run(main())


def test_who_connects_and_says_nothing_does_not_keep_the_next_one_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "FIRST_BYTE_TIMEOUT_S", 0.01)

    async def main() -> None:
        side = Side(echo=True)
        listener = local(side)
        car, station = await pair(side, listener)
        await station.until(lambda: station.lost is not None)
        assert station.lost == "nothing was sent"
        await car.until(lambda: car.lost is not None)
        car, station = await pair(side, listener)
        await station.until(lambda: station.lost is not None)
        await car.until(lambda: car.lost is not None)
        assert side.log == []
        listener.close()

    run(main())


def test_a_car_that_has_spoken_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FIRST_BYTE_TIMEOUT_S", 0.05)

    async def main() -> None:
        side = Side(echo=True)
        listener = local(side)
        car = Recorder()
        await connect("::1", listener.port, "lo", car)
        assert car.stream is not None
        car.stream.write(b"x")
        await car.until(partial(_has, car, b"x"))
        late = asyncio.Event()
        # Behind the timer that would end it.
        asyncio.get_running_loop().call_later(0.1, late.set)
        await late.wait()
        car.stream.write(b"y")
        await car.until(partial(_has, car, b"xy"))
        station = side.receivers[0]
        assert station.lost is None
        car.stream.close()
        await station.until(lambda: station.lost is not None)
        listener.close()

    run(main())


STATION = """
import asyncio, sys
from v2g.net.streams import listen
class Echo:
    def connection_made(self, stream):
        self.stream = stream
        print("peer", stream.peer)
    def data_received(self, data):
        self.stream.write(data)
    def connection_lost(self, reason):
        print("lost", repr(reason))
async def main():
    listener = listen(sys.argv[1], Echo, print)
    print(listener.address, listener.port)
    await asyncio.to_thread(sys.stdin.read)
    listener.close()
asyncio.run(main())
"""
CAR = """
import asyncio, json, sys
from v2g.net.interfaces import NetworkError
from v2g.net.streams import connect
class Car:
    data = b""
    def connection_made(self, stream):
        self.stream = stream
        stream.write(b"hello")
    def data_received(self, data):
        self.data += data
        if self.data == b"hello":
            self.stream.close()
    def connection_lost(self, reason):
        done.set_result(reason)
async def main():
    global done
    done = asyncio.get_running_loop().create_future()
    address, port, interface = sys.argv[1:]
    car = Car()
    try:
        await connect(address, int(port), interface, car)
    except NetworkError as error:
        print(json.dumps({"error": str(error)}))
        return
    print(json.dumps({"lost": await done, "data": car.data.decode(), "peer": car.stream.peer}))
asyncio.run(main())
"""


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_over_a_cable() -> None:
    with cable() as (evse, ev):
        station = evse.python(STATION, evse.interface)
        assert station.stdout is not None
        address, port = station.stdout.readline().split()
        assert address == evse.address()
        assert FIRST_PORT <= int(port) <= LAST_PORT
        out, err = ev.python(CAR, address, port, ev.interface).communicate()
        assert json.loads(out or "{}") == {"lost": "", "data": "hello", "peer": f"[{address}]:{port}"}, err
        other = str(int(port) - 1)
        out, err = ev.python(CAR, address, other, ev.interface).communicate()
        assert json.loads(out)["error"] == f"no connection to [{address}%ev]:{other}: Connection refused"
        out, err = station.communicate()
        assert out.startswith(f"peer [{ev.address()}]:")
        assert "lost ''" in out
        assert err == ""
