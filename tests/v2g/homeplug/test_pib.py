"""Parameter images, against those that a tool read from the modems of a charger and of a PC."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2g.homeplug.checksum import checksum32
from v2g.homeplug.frame import Frame, FrameError, address_of, mmtype_of
from v2g.homeplug.keys import nid_of
from v2g.homeplug.pib import (
    PRESCALERS,
    SETTINGS,
    CcoMode,
    PibImage,
    SlacMode,
    prescaler_hz,
)
from v2g.homeplug.qualcomm_module import BLOCK_BYTES, ModuleReadCnf
from v2g.homeplug.qualcomm_session import module_confirm
from v2gexi import pcap

CAPTURE = "2022-11-25_v0.2_ABB_until_ChargeParamDiscovery.pcapng"
CHARGER = address_of("BC:F2:AF:F1:C8:11")
ADAPTER = address_of("98:48:27:5A:3C:E6")
MAC = address_of("00:B0:52:00:00:01")


def _images():
    """The images that open-plc-utils read in the capture, by modem."""
    data = (Path(__file__).parents[2] / "v2gexi/data" / CAPTURE).read_bytes()
    parts: dict[bytes, bytearray] = {}
    whole = {}
    for packet in pcap.read(data):
        if mmtype_of(packet.data) != 0xA0B1:
            continue
        frame = Frame.parse(packet.data)
        block = module_confirm(frame.payload)
        assert isinstance(block, ModuleReadCnf)
        # The tool's blocks overlap, and it reads some alone.
        image = parts.setdefault(frame.source, bytearray())
        if block.offset > len(image) or frame.source in whole:
            continue
        image[block.offset :] = block.data
        if len(block.data) < BLOCK_BYTES:
            whole[frame.source] = bytes(image)
    return whole


IMAGES = _images()


def test_a_chargers_image():
    image = PibImage(IMAGES[CHARGER])
    assert len(image) == 9040
    assert image["mac"] == CHARGER
    assert image.text("manufacturer") == "devolo dLAN Green PHY Module [MT2489]"
    assert image.text("user") == "Qualcomm Atheros Enabled Product"
    assert image.number("cco") == CcoMode.ALWAYS
    assert image.number("slac") == SlacMode.EVSE
    assert image.number("membership") == 1
    assert image["nid"] == nid_of(image["nmk"])


def test_an_adapters_image():
    image = PibImage(IMAGES[ADAPTER])
    assert image["mac"] == ADAPTER
    assert image.text("user") == "PEV"
    assert image.number("cco") == CcoMode.NEVER
    assert image.number("slac") == SlacMode.PEV
    assert image.number("fast_associate") == 0
    assert (image.number("low_speed"), image.number("high_speed")) == (10240, 102400)


# Bands of radio amateurs, which a power line leaves out: 80, 40, 30, 20, 17 and 15 m.
BANDS = [(3.5, 4.0), (7.0, 7.2), (10.1, 10.15), (14.0, 14.35), (18.068, 18.168), (21.0, 21.45)]


def test_a_chargers_prescalers_leave_the_radio_amateurs_alone():
    prescalers = PibImage(IMAGES[CHARGER]).prescalers
    assert len(prescalers) == PRESCALERS
    silent = [at for at, value in enumerate(prescalers) if not value]
    for low, high in BANDS:
        inside = [at for at in range(PRESCALERS) if low * 1e6 <= prescaler_hz(at) <= high * 1e6]
        assert inside
        assert set(inside) <= set(silent), (low, high)
    assert len(silent) < PRESCALERS / 3


def test_frequencies():
    assert prescaler_hz(0) == pytest.approx(1.807e6, rel=1e-3)
    assert prescaler_hz(PRESCALERS - 1) == pytest.approx(29.98e6, rel=1e-3)


@pytest.mark.parametrize("modem", IMAGES)
def test_packing_what_was_read_changes_nothing(modem):
    assert PibImage(IMAGES[modem]).pack() == IMAGES[modem]


def test_changed_settings_and_prescalers_are_read_back():
    image = PibImage(IMAGES[CHARGER])
    image["nmk"] = bytes(range(16))
    image.set_text("user", "EVSE")
    image.set_number("low_speed", 10241)
    image.prescalers = bytes(at % 251 for at in range(PRESCALERS))
    packed = image.pack()
    assert len(packed) == len(IMAGES[CHARGER])
    again = PibImage(packed)
    assert again["nmk"] == bytes(range(16))
    assert again.text("user") == "EVSE"
    assert again.number("low_speed") == 10241
    assert again.prescalers == bytes(at % 251 for at in range(PRESCALERS))
    # Nothing but the settings and the two checksums of their header has changed.
    header = struct.unpack_from("<I", packed, 28)[0]
    assert packed[:header] == IMAGES[CHARGER][:header]
    changed = [at for at in range(header, header + 96) if packed[at] != IMAGES[CHARGER][at]]
    assert set(changed) <= {*range(header + 20, header + 24), *range(header + 92, header + 96)}


def test_louder_and_softer():
    image = PibImage(IMAGES[CHARGER])
    before = image.prescalers
    image.scale(-6.0206)
    softer = image.prescalers
    assert all(abs(new - old / 2) <= 1 for old, new in zip(before, softer, strict=True))
    assert [not value for value in softer] == [not value for value in before]
    image.scale(-100)
    assert set(image.prescalers) == {0, 1}
    image.scale(100)
    assert set(image.prescalers) == {0, 255}


def test_a_blank_image():
    image = PibImage.blank(MAC, user="desk", manufacturer="nobody")
    again = PibImage(image.pack())
    assert (again["mac"], again.text("user"), again.text("manufacturer")) == (MAC, "desk", "nobody")
    assert again.prescalers == bytes(PRESCALERS)
    assert len(again) == len(IMAGES[CHARGER])
    # Where the public tools look for a QCA7000's prescalers.
    image.prescalers = b"\x40" * PRESCALERS
    assert image.pack()[0x12E8 : 0x12E8 + PRESCALERS] == b"\x40" * PRESCALERS


def test_repr_has_no_secret():
    image = PibImage(IMAGES[CHARGER])
    assert repr(image) == "<PibImage of BC:F2:AF:F1:C8:11, 9040 bytes>"


def test_settings_do_not_overlap():
    places = sorted((each.offset, each.offset + each.length, each.name) for each in SETTINGS.values())
    for (_, end, name), (start, _, after) in itertools.pairwise(places):
        assert end <= start, (name, after)
    assert {each.name for each in SETTINGS.values() if each.secret} == {"dak", "nmk"}


def test_values_without_room():
    image = PibImage.blank(MAC)
    with pytest.raises(FrameError, match="nmk has 16 bytes, not 15"):
        image["nmk"] = bytes(15)
    with pytest.raises(FrameError, match="slac is 256; it has 1 bytes"):
        image.set_number("slac", 256)
    with pytest.raises(FrameError, match="user is ASCII text of 64 bytes at most"):
        image.set_text("user", "x" * 65)
    with pytest.raises(FrameError, match="578"):
        image.prescalers = bytes(577)


def _with_checksum(data, at):
    fixed = bytearray(data)
    struct.pack_into("<I", fixed, at + 92, 0)
    struct.pack_into("<I", fixed, at + 92, checksum32(bytes(fixed[at : at + 96])))
    return bytes(fixed)


def test_damage_is_found():
    good = PibImage.blank(MAC).pack()
    second = struct.unpack_from("<I", good, 28)[0]
    PibImage(good)
    for at in (3, 60, 200, second + 8, second + 96 + 5, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        with pytest.raises(FrameError, match=r"checksum|header"):
            PibImage(bytes(bad))
    with pytest.raises(FrameError, match="a module of 8080 bytes in an image of 9039"):
        PibImage(good[:-1])
    with pytest.raises(FrameError, match="end within a module's header"):
        PibImage(good[: second + 95])
    backwards = bytearray(good)
    struct.pack_into("<I", backwards, 28, 0)
    with pytest.raises(FrameError, match="points backwards"):
        PibImage(_with_checksum(backwards, 0))
    alone = bytearray(good)
    struct.pack_into("<I", alone, 28, 0xFFFFFFFF)
    with pytest.raises(FrameError, match="no module with settings"):
        PibImage(_with_checksum(alone, 0))
    other = bytearray(good)
    struct.pack_into("<I", other, second + 32, 7)
    with pytest.raises(FrameError, match="names another one before it"):
        PibImage(_with_checksum(other, second))


def test_an_image_that_is_too_short_for_a_setting():
    settings = bytes(0x100)
    bare = struct.pack(
        "<HHIIIIIIIII", 1, 1, 0, 96, 0, 256, checksum32(settings), 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 15
    )
    image = PibImage(_with_checksum(bare.ljust(96, b"\0") + settings, 0))
    assert image["mac"] == bytes(6)
    with pytest.raises(FrameError, match="do not reach slac"):
        image.number("slac")
    with pytest.raises(FrameError, match="do not reach the prescalers"):
        _ = image.prescalers


@given(st.binary(max_size=400))
def test_any_bytes(data):
    with pytest.raises(FrameError):
        PibImage(data)


@given(st.data())
def test_any_damage(data):
    image = bytearray(IMAGES[CHARGER])
    at = data.draw(st.integers(0, len(image) - 1))
    image[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameError):
        PibImage(bytes(image))
