"""Which version a car offers, read from its first bytes: OpenSSL's own hellos, cut, split and damaged."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g.security.client_hello import MOST_BYTES, HelloReader, offers_tls_1_3


def hello(newest: ssl.TLSVersion) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = newest
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()


OLD, NEW = hello(ssl.TLSVersion.TLSv1_2), hello(ssl.TLSVersion.TLSv1_3)


def test_hellos_of_openssl() -> None:
    assert offers_tls_1_3(OLD) is False
    assert offers_tls_1_3(NEW) is True
    assert offers_tls_1_3(NEW + b"early data") is True


@pytest.mark.parametrize("whole", [OLD, NEW], ids=["1.2", "1.3"])
def test_more_is_awaited(whole: bytes) -> None:
    for length in range(len(whole)):
        assert offers_tls_1_3(whole[:length]) is None
    assert offers_tls_1_3(whole) is (whole is NEW)


@given(st.integers(1, 100))
def test_hellos_in_several_records(size: int) -> None:
    for whole in (OLD, NEW):
        message = whole[5:]
        parts = [message[at : at + size] for at in range(0, len(message), size)]
        split = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
        assert offers_tls_1_3(split) is (whole is NEW)


def test_what_is_no_hello() -> None:
    assert offers_tls_1_3(bytes.fromhex("01fe80010000")) is False
    assert offers_tls_1_3(b"GET / HTTP/1.1\r\n\r\n") is False
    assert offers_tls_1_3(bytes.fromhex("1503030002")) is False
    assert offers_tls_1_3(bytes.fromhex("160303000402000000")) is False  # a server's hello
    assert offers_tls_1_3(bytes.fromhex("160301000401000000")) is False  # an empty one
    assert offers_tls_1_3(bytes.fromhex("1603010000")) is False
    # Endless hellos are cut off.
    endless = (
        bytes.fromhex("160301400001ffffff") + bytes(0x4000 - 4) + bytes.fromhex("1603014000") + bytes(0x4000)
    )
    assert len(endless) > MOST_BYTES
    assert offers_tls_1_3(endless) is False


@given(st.binary(max_size=300))
def test_noise(data: bytes) -> None:
    assert offers_tls_1_3(data) in (True, False, None)
    assert offers_tls_1_3(b"\x16" + data) in (True, False, None)


@given(st.lists(st.tuples(st.integers(0, len(NEW) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_hellos(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(NEW)
    for at, value in changes:
        damaged[at] = value
    assert offers_tls_1_3(bytes(damaged)) in (True, False, None)


@given(st.integers(1, 100), st.integers(1, 400))
def test_hellos_in_pieces(record: int, piece: int) -> None:
    for whole in (OLD, NEW):
        message = whole[5:]
        parts = [message[at : at + record] for at in range(0, len(message), record)]
        split = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
        reader = HelloReader()
        answers = [reader.feed(split[at : at + piece]) for at in range(0, len(split), piece)]
        assert set(answers[:-1]) <= {None}
        assert answers[-1] is (whole is NEW)
        assert reader.data() == split


class Counted(bytearray):
    """Counts the bytes that are copied out of it."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        self.copied += len(part) if isinstance(part, bytearray) else 1
        return part


@pytest.mark.parametrize("record", [1, 40, 20_000])
def test_each_byte_is_read_once_and_an_endless_hello_is_cut_off(record: int) -> None:
    body = b"\x01\xff\xff\xff" + bytes(20_000)
    parts = [body[at : at + record] for at in range(0, len(body), record)]
    split = b"".join(b"\x16\x03\x01" + len(part[:0x4000]).to_bytes(2, "big") + part for part in parts)
    reader = HelloReader()
    reader._data = held = Counted()
    for at in range(MOST_BYTES - 1):
        assert reader.feed(split[at : at + 1]) is None
    assert reader.feed(split[MOST_BYTES - 1 : MOST_BYTES]) is False
    # Some bytes of a header for each that comes, and never all that is held again.
    assert held.copied < 8 * MOST_BYTES
