from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.slac.rig import captured
from v2g.homeplug.frame import Frame
from v2g.homeplug.keys import SecurityLevel, dak_from_password, nid_of, nmk_from_password
from v2g.homeplug.slac import SlacMatchCnf, message_of


# From the manual of open-plc-utils' hpavkey, and EVerest's tests.
@pytest.mark.parametrize(
    ("password", "nmk"),
    [
        ("HomePlugAV0123", "B59319D7E8157BA001B018669CCEE30D"),
        ("The quick brown fox jumped over the lazy dog.", "56F3C7F539D4F8F5EEC00E63F11A8DEC"),
        ("-HomePlugAV", "80B74B14E92A739AD41ACDC377451D1B"),
        ("-HomePlugAV123", "1A46BDE6F75209292FDFC4CCE4D19B4E"),
        ("EVerest", "F70F4E022BB1081BCBA1A09DF6E08F6B"),
    ],
)
def test_nmk_of_a_password(password, nmk):
    assert nmk_from_password(password).hex().upper() == nmk


def test_dak_of_a_password():
    assert dak_from_password("HomePlugAV0123").hex().upper() == "F084B4E8F6069FF1300C9BDB812367FF"


@pytest.mark.spec(345)
@pytest.mark.parametrize("file", ["slac-alpitronic.txt", "slac-listener.txt"])
def test_nid_of_the_keys_that_real_chargers_gave(file):
    confirmations = [
        message
        for _, data in captured(file)
        if isinstance(message := message_of(Frame.parse(data)), SlacMatchCnf)
    ]
    assert confirmations
    for message in confirmations:
        assert nid_of(message.nmk) == message.nid


def test_nid_as_everest_derives_it():
    assert nid_of(bytes.fromhex("3452235445aef2d455feff31a3b303ad")).hex() == "b1c913b5aa0702"


@given(st.binary(min_size=16, max_size=16))
def test_the_security_level_is_in_two_bits(nmk):
    simple, secure = nid_of(nmk), nid_of(nmk, SecurityLevel.SECURE)
    assert len(simple) == 7
    assert simple[6] >> 4 == 0
    assert secure[6] == simple[6] | 0x10
    assert simple[:6] == secure[:6]


@pytest.mark.parametrize("nmk", [b"", bytes(15), bytes(17)])
def test_a_key_of_another_length_is_refused(nmk):
    with pytest.raises(ValueError, match="16 bytes"):
        nid_of(nmk)


@pytest.mark.parametrize("password", ["", "Ladesäule"])
def test_a_password_that_is_no_ascii_is_refused(password):
    with pytest.raises(ValueError, match="ASCII"):
        nmk_from_password(password)
