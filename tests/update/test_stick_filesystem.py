"""File systems told apart by their first bytes; real ones are made by their own tools in tests/usb."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.update.stick_filesystem import EXFAT, EXT, FAT, FILE_SYSTEMS, HEAD_BYTES, NTFS, identify


def head(*parts: tuple[int, bytes]) -> bytes:
    data = bytearray(HEAD_BYTES)
    for at, content in parts:
        data[at : at + len(content)] = content
    return bytes(data)


BPB = ((0, b"\xeb\x3c\x90mkfs.fat\0\x02\x04\x01\0\x02"), (21, b"\xf8"), (510, b"\x55\xaa"))


@pytest.mark.spec(241)
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (head((1080, b"\x53\xef")), EXT),
        (head((3, b"EXFAT   "), (510, b"\x55\xaa")), EXFAT),
        (head((3, b"NTFS    "), (510, b"\x55\xaa")), NTFS),
        (head(*BPB), FAT),
        (head(*BPB, (21, b"\xf0")), FAT),
    ],
)
def test_each_is_known_by_its_mark(data: bytes, expected: object) -> None:
    assert identify(data) is expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(HEAD_BYTES),
        head((0, b"XFSB")),
        head((0, b"hsqs")),
        head((446, b"\x80\x20\x21\0\x0c"), (510, b"\x55\xaa")),  # a partition table
        head(*BPB, (510, b"\0\0")),
        head(*BPB, (11, b"\0\x03")),
        head(*BPB, (13, b"\x03")),
        head(*BPB, (14, b"\0\0")),
        head(*BPB, (16, b"\x03")),
        head(*BPB, (21, b"\xf1")),
    ],
)
def test_anything_else_is_left_alone(data: bytes) -> None:
    assert identify(data) is None


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_harmless(data: bytes) -> None:
    assert identify(data) in (None, *FILE_SYSTEMS)


def test_a_stick_cannot_make_the_kernel_panic_or_replay_its_journal() -> None:
    assert EXT.options.split(",") == ["noload", "errors=continue"]
    assert "errors=continue" in FAT.options
    assert "errors=continue" in EXFAT.options
