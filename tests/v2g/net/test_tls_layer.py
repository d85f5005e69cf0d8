"""TLS on a connection: bytes cut anywhere, noise, silence, and ends of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2g.net.ends import Side
from tests.v2g.security.rig import NOON, Pki, write_pki
from v2g.net import tls_layer
from v2g.net.interfaces import NetworkError
from v2g.net.streams import connect, listen
from v2g.net.tls_layer import TlsLayer
from v2g.security.profiles import Generation
from v2g.security.tls import CarTls, StationTls, car_context, station_context


@pytest.fixture(scope="module")
def pkis(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pki, Pki]:
    folder = tmp_path_factory.mktemp("pki")
    return (
        write_pki(folder / "iso2", Generation.ISO2, start=NOON.replace(day=20)),
        write_pki(folder / "iso20", Generation.ISO20, start=NOON.replace(day=20)),
    )


def station(pkis: tuple[Pki, Pki]) -> Any:
    roots = (pkis[1].root("oem-root"),)
    return station_context(StationTls(pkis[0].identity("secc"), pkis[1].identity("secc"), roots))


def car(pkis: tuple[Pki, Pki], newest: bool) -> Any:
    vehicle = pkis[1].identity("vehicle") if newest else None
    return car_context(CarTls(tuple(each.root() for each in pkis), not newest, vehicle))


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Above(asyncio.Protocol):
    """What is above TLS."""

    def __init__(self) -> None:
        self.made = 0
        self.data = b""
        self.lost: list[Exception | None] = []

    def connection_made(self, transport: Any) -> None:
        self.made += 1

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


class End:
    """A layer between a wire and a protocol."""

    def __init__(self, context: Any, server: bool) -> None:
        self.wire, self.above = Wire(), Above()
        self.layer = TlsLayer(context, self.above, server=server)
        self.layer.connection_made(self.wire)

    def take(self) -> bytes:
        data, self.wire.sent = self.wire.sent, b""
        return data

    def feed(self, data: bytes, size: int) -> None:
        for at in range(0, len(data), size):
            self.layer.data_received(data[at : at + size])

    def end(self) -> BaseException | None:
        """Ends the connection; why the handshake failed, if it did."""
        self.layer.connection_lost(None)
        return self.layer.ready.exception() if self.layer.ready.done() else None


def meet(one: End, two: End, size: int) -> None:
    """Carries bytes until there are none."""
    while (there := one.take()) or two.wire.sent:
        two.feed(there, size)
        one.feed(two.take(), size)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


@pytest.mark.parametrize("newest", [False, True])
@settings(max_examples=8)  # handshakes with P-521 take their time
@given(size=st.sampled_from((1, 2, 3, 7, 100, 1 << 16)), data=st.binary(min_size=1, max_size=300))
def test_bytes_are_cut_anywhere(pkis: tuple[Pki, Pki], newest: bool, size: int, data: bytes) -> None:
    async def main() -> None:
        one, two = End(car(pkis, newest), False), End(station(pkis), True)
        meet(one, two, size)
        assert one.layer.ready.done()
        assert two.layer.ready.done()
        one.layer.write(data)
        two.layer.write(data * 100)
        meet(one, two, size * 50)
        assert two.above.data == data
        assert one.above.data == data * 100
        one.layer.close()
        assert one.wire.closed
        two.feed(one.take(), size)
        assert two.wire.closed  # the other side has said goodbye
        one.end()
        two.end()
        assert [end.above.made for end in (one, two)] == [1, 1]
        assert [end.above.lost for end in (one, two)] == [[None], [None]]

    run(main)


@given(noise=st.binary(min_size=1, max_size=400), record=st.booleans())
def test_noise_ends_a_handshake(pkis: tuple[Pki, Pki], noise: bytes, record: bool) -> None:
    async def main() -> None:
        for end in (End(station(pkis), True), End(car(pkis, False), False)):
            end.feed(b"\x16\x03\x01" + noise if record else noise, 50)
            why = end.end()
            assert isinstance(why, NetworkError)
            assert str(why)
            assert end.above.made == 0
            assert end.above.lost == []

    run(main)


@settings(max_examples=8)
@given(noise=st.binary(min_size=30, max_size=400))
def test_noise_ends_a_connection(pkis: tuple[Pki, Pki], noise: bytes) -> None:
    async def main() -> None:
        one, two = End(car(pkis, True), False), End(station(pkis), True)
        meet(one, two, 1 << 16)
        two.feed(b"\x17\x03\x03\x00\x19" + noise, 100)
        assert two.wire.closed
        assert two.wire.sent  # an alert
        two.end()
        assert len(two.above.lost) == 1
        assert isinstance(two.above.lost[0], NetworkError)
        assert two.above.data == b""
        one.feed(two.take(), 100)
        one.end()
        assert isinstance(one.above.lost[0], NetworkError)

    run(main)


def test_connections_that_end_in_the_middle(pkis: tuple[Pki, Pki]) -> None:
    async def main() -> None:
        one, two = End(car(pkis, True), False), End(station(pkis), True)
        hello = one.take()
        two.feed(hello[:50], 50)
        two.layer.eof_received()
        assert str(two.end()) == "the other side has closed the connection"
        assert str(one.end()) == "the connection was lost"
        one, two = End(car(pkis, True), False), End(station(pkis), True)
        meet(one, two, 1 << 16)
        # A cable that is drawn: no goodbye.
        two.layer.eof_received()
        assert two.end() is None
        assert two.above.lost == [None]
        one.end()

    run(main)


def test_an_end_between_two_messages(pkis: tuple[Pki, Pki]) -> None:
    """A session that ends with a message does not get the next one, and has ended in order."""

    async def main() -> None:
        one, two = End(car(pkis, False), False), End(station(pkis), True)
        meet(one, two, 1 << 16)
        received = two.above.data_received

        def last(data: bytes) -> None:
            received(data)
            two.layer.close()

        two.above.data_received = last  # type: ignore[method-assign]
        one.layer.write(b"stop")
        one.layer.write(b"more")
        two.feed(one.take(), 1 << 16)
        assert two.above.data == b"stop"
        one.feed(two.take(), 1 << 16)
        assert one.wire.closed
        two.end()
        one.end()
        assert two.above.lost == one.above.lost == [None]

    run(main)


@pytest.mark.parametrize("limit", ["HANDSHAKE_TIMEOUT_S", "FIRST_BYTE_TIMEOUT_S"])
def test_a_car_that_says_nothing(pkis: tuple[Pki, Pki], monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    for name in ("HANDSHAKE_TIMEOUT_S", "FIRST_BYTE_TIMEOUT_S"):
        monkeypatch.setattr(tls_layer, name, 0.01 if name == limit else 1_000.0)

    async def main() -> None:
        side = Side()
        listener = listen("lo", side.receiver, side.write, address="::1", tls=station(pkis))
        silent = Side()
        await connect("::1", listener.port, "lo", silent.receiver())
        await side.logged()
        assert side.log[0].endswith("refused: TLS: no answer")
        await silent.receivers[0].until(lambda: silent.receivers[0].lost is not None)
        listener.close()

    run(main)


def test_a_car_whose_first_byte_came_has_the_handshakes_time(
    pkis: tuple[Pki, Pki], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_layer, "FIRST_BYTE_TIMEOUT_S", 0.01)

    async def main() -> None:
        one, two = End(car(pkis, True), False), End(station(pkis), True)
        two.feed(one.wire.sent[:1], 1)
        late = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, late.set)  # behind the first byte's limit
        await late.wait()
        assert not two.layer.ready.done()
        two.feed(one.take()[1:], 1 << 16)
        meet(one, two, 1 << 16)
        assert two.layer.ready.done()
        one.end()
        two.end()

    run(main)


def test_closing_the_listener_ends_a_handshake(pkis: tuple[Pki, Pki]) -> None:
    async def main() -> None:
        side = Side()
        listener = listen("lo", side.receiver, side.write, address="::1", tls=station(pkis))
        silent = Side()
        await connect("::1", listener.port, "lo", silent.receiver())
        while not side.receivers:
            await asyncio.sleep(0)
        listener.close()
        await silent.receivers[0].until(lambda: silent.receivers[0].lost is not None)
        assert side.log == []

    run(main)


def test_keys_are_in_no_text(pkis: tuple[Pki, Pki], tmp_path: Path) -> None:
    identity = pkis[0].identity("secc")
    secret = "".join(identity.key.read_text().splitlines()[1:-1])
    shown = repr(identity) + repr(StationTls(identity)) + repr(pkis[0].key("secc")) + repr(station(pkis))
    assert secret not in shown
