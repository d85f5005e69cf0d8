from __future__ import annotations

from v2g.homeplug.frame import LUMISSIL_OUI, QUALCOMM_OUI, VENDOR_TYPES
from v2g.homeplug.mmtypes import MMTYPES, MODE_MASK, Station, mmtype, name_of

# Numbers and names in the protocol analyser's and the public tools' words.
KNOWN = {
    (0x6008, b""): "CM_SET_KEY.REQ",
    (0x6009, b""): "CM_SET_KEY.CNF",
    (0x6064, b""): "CM_SLAC_PARM.REQ",
    (0x6065, b""): "CM_SLAC_PARM.CNF",
    (0x606A, b""): "CM_START_ATTEN_CHAR.IND",
    (0x606E, b""): "CM_ATTEN_CHAR.IND",
    (0x606F, b""): "CM_ATTEN_CHAR.RSP",
    (0x6076, b""): "CM_MNBC_SOUND.IND",
    (0x6078, b""): "CM_VALIDATE.REQ",
    (0x607C, b""): "CM_SLAC_MATCH.REQ",
    (0x607D, b""): "CM_SLAC_MATCH.CNF",
    (0x6086, b""): "CM_ATTEN_PROFILE.IND",
    (0xA000, QUALCOMM_OUI): "VS_SW_VER.REQ",
    (0xA0B9, QUALCOMM_OUI): "VS_PL_LNK_STATUS.CNF",
    (0xAC9C, LUMISSIL_OUI): "NSCM_GET_D_LINK_STATUS.REQ",
}


def test_names():
    assert {key: name_of(*key) for key in KNOWN} == KNOWN


def test_an_unknown_type_has_its_number_for_a_name():
    assert name_of(0xBFFE, QUALCOMM_OUI) == "MMTYPE 0xbffe"
    assert mmtype(0xA000) is None
    assert mmtype(0xA000, LUMISSIL_OUI) is None


def test_rows_are_unique_and_of_one_kind():
    assert len({(row.number, row.oui) for row in MMTYPES}) == len(MMTYPES)
    assert len({row.name for row in MMTYPES}) == len(MMTYPES)
    for row in MMTYPES:
        assert ("REQ", "CNF", "IND", "RSP")[row.number & MODE_MASK] == row.name[-3:]
        assert bool(row.oui) == (row.number in VENDOR_TYPES)
        assert row.mmv in (0, 1, 2)


def test_answers_go_back_to_who_asked():
    for row in MMTYPES:
        answer = mmtype(row.number + 1, row.oui)
        if row.name.endswith(("REQ", "IND")) and answer and answer.name[:-3] == row.name[:-3]:
            assert (answer.sender, answer.receiver) == (row.receiver, row.sender)
    assert mmtype(0x6086).sender is Station.MODEM
    assert mmtype(0x6064).sender is Station.EV
