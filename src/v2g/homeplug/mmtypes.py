"""The types of management messages (MMTYPE), as data: number, name, header version, vendor, who sends to
whom.

Sources: HomePlug AV and Green PHY specification; ISO 15118-3:2015 Annex A for the messages of SLAC; for
vendors' numbers the public tools and headers of Qualcomm (open-plc-utils) and EVerest.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import NamedTuple

from v2g.homeplug.frame import (
    CNF,
    IND,
    LUMISSIL_OUI,
    MMV_AV_1_0,
    MMV_AV_1_1,
    MMV_AV_2_0,
    QUALCOMM_OUI,
    REQ,
    RSP,
)

MODE_MASK = 0x0003
"""Bits of an MMTYPE that say request, confirmation, indication or response."""


@unique
class Station(Enum):
    """Who sends or gets a message."""

    EV = "EV"
    EVSE = "EVSE"
    HOST = "host"
    """The computer at the modem, of either side."""
    MODEM = "modem"
    ANY = "station"


class Mmtype(NamedTuple):
    """A row of the table: ``number`` with its mode bits, ``name`` with its mode, the header's version as
    it is sent, the vendor's OUI (empty: a type of the standard)."""

    number: int
    name: str
    mmv: int
    oui: bytes
    sender: Station
    receiver: Station


_EV, _EVSE, _HOST, _MODEM, _ANY = Station
_MODES = {REQ: "REQ", CNF: "CNF", IND: "IND", RSP: "RSP"}

CM_SET_KEY = 0x6008
CM_GET_KEY = 0x600C
CM_AMP_MAP = 0x601C
CM_BRG_INFO = 0x6020
CM_NW_INFO = 0x6038
CM_MME_ERROR = 0x6044
CM_NW_STATS = 0x6048
CM_SLAC_PARM = 0x6064
CM_START_ATTEN_CHAR = 0x6068
CM_ATTEN_CHAR = 0x606C
CM_MNBC_SOUND = 0x6074
CM_VALIDATE = 0x6078
CM_SLAC_MATCH = 0x607C
CM_ATTEN_PROFILE = 0x6084

# Base number, name, and per mode its sender and receiver.
_STANDARD: tuple[tuple[int, str, dict[int, tuple[Station, Station]]], ...] = (
    (0x0014, "CC_DISCOVER_LIST", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST), IND: (_ANY, _ANY)}),
    (0x002C, "CC_WHO_RU", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY)}),
    (0x0030, "CC_ASSOC", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY)}),
    (0x0034, "CC_LEAVE", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY), IND: (_ANY, _ANY), RSP: (_ANY, _ANY)}),
    (0x0038, "CC_SET_TEI_MAP", {REQ: (_ANY, _ANY), IND: (_ANY, _ANY)}),
    (0x6000, "CM_ASSOCIATED_STA", {IND: (_MODEM, _HOST)}),
    (0x6004, "CM_ENCRYPTED_PAYLOAD", {IND: (_ANY, _ANY), RSP: (_ANY, _ANY)}),
    (CM_SET_KEY, "CM_SET_KEY", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (CM_GET_KEY, "CM_GET_KEY", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (0x6010, "CM_SC_JOIN", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY)}),
    (0x6014, "CM_CHAN_EST", {IND: (_ANY, _ANY)}),
    (CM_AMP_MAP, "CM_AMP_MAP", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY)}),
    (CM_BRG_INFO, "CM_BRG_INFO", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (0x6034, "CM_STA_CAP", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (CM_NW_INFO, "CM_NW_INFO", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (0x603C, "CM_GET_BEACON", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (0x6040, "CM_HFID", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (CM_MME_ERROR, "CM_MME_ERROR", {IND: (_MODEM, _HOST)}),
    (CM_NW_STATS, "CM_NW_STATS", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
    (CM_SLAC_PARM, "CM_SLAC_PARM", {REQ: (_EV, _EVSE), CNF: (_EVSE, _EV)}),
    (CM_START_ATTEN_CHAR, "CM_START_ATTEN_CHAR", {IND: (_EV, _EVSE)}),
    (CM_ATTEN_CHAR, "CM_ATTEN_CHAR", {IND: (_EVSE, _EV), RSP: (_EV, _EVSE)}),
    (0x6070, "CM_PKCS_CERT", {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY), IND: (_ANY, _ANY), RSP: (_ANY, _ANY)}),
    (CM_MNBC_SOUND, "CM_MNBC_SOUND", {IND: (_EV, _EVSE)}),
    (CM_VALIDATE, "CM_VALIDATE", {REQ: (_EV, _EVSE), CNF: (_EVSE, _EV)}),
    (CM_SLAC_MATCH, "CM_SLAC_MATCH", {REQ: (_EV, _EVSE), CNF: (_EVSE, _EV)}),
    (
        0x6080,
        "CM_SLAC_USER_DATA",
        {REQ: (_ANY, _ANY), CNF: (_ANY, _ANY), IND: (_ANY, _ANY), RSP: (_ANY, _ANY)},
    ),
    (CM_ATTEN_PROFILE, "CM_ATTEN_PROFILE", {IND: (_MODEM, _EVSE)}),
    (0x8000, "MS_PB_ENC", {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}),
)
_MMV_0 = frozenset(("MS_PB_ENC",))

_HOST_MODEM = {REQ: (_HOST, _MODEM), CNF: (_MODEM, _HOST)}
_AND_IND = _HOST_MODEM | {IND: (_MODEM, _HOST)}
_VENDORS: tuple[tuple[bytes, int, str, int, dict[int, tuple[Station, Station]]], ...] = (
    (QUALCOMM_OUI, 0xA000, "VS_SW_VER", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA004, "VS_WR_MEM", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA008, "VS_RD_MEM", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA00C, "VS_ST_MAC", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA010, "VS_GET_NVM", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA01C, "VS_RS_DEV", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA020, "VS_WR_MOD", MMV_AV_1_0, _AND_IND),
    (QUALCOMM_OUI, 0xA024, "VS_RD_MOD", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA028, "VS_MOD_NVM", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA02C, "VS_WD_RPT", MMV_AV_1_0, _AND_IND),
    (QUALCOMM_OUI, 0xA030, "VS_LNK_STATS", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA034, "VS_SNIFFER", MMV_AV_1_0, _AND_IND),
    (QUALCOMM_OUI, 0xA038, "VS_NW_INFO", MMV_AV_1_1, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA040, "VS_CP_RPT", MMV_AV_1_0, _AND_IND),
    (QUALCOMM_OUI, 0xA050, "VS_SET_KEY", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA054, "VS_MFG_STRING", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA058, "VS_RD_CBLOCK", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA05C, "VS_SET_SDRAM", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA060, "VS_HOST_ACTION", MMV_AV_1_0, {IND: (_MODEM, _HOST), RSP: (_HOST, _MODEM)}),
    (QUALCOMM_OUI, 0xA068, "VS_OP_ATTRIBUTES", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA06C, "VS_ENET_SETTINGS", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA070, "VS_TONE_MAP_CHAR", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA074, "VS_NW_INFO_STATS", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA07C, "VS_FAC_DEFAULTS", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA084, "VS_MULTICAST_INFO", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA088, "VS_CLASSIFICATION", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA090, "VS_RX_TONE_MAP_CHAR", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA0B0, "VS_MODULE_OPERATION", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA0B8, "VS_PL_LNK_STATUS", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA0F8, "VS_GET_PROPERTY", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA100, "VS_SET_PROPERTY", MMV_AV_1_0, _HOST_MODEM),
    (QUALCOMM_OUI, 0xA14C, "VS_ATTEN_CHAR", MMV_AV_1_0, {IND: (_MODEM, _EVSE)}),
    (LUMISSIL_OUI, 0xAC6C, "NSCM_GET_VERSION", MMV_AV_2_0, _HOST_MODEM),
    (LUMISSIL_OUI, 0xAC70, "NSCM_RESET_DEVICE", MMV_AV_2_0, {REQ: (_HOST, _MODEM)}),
    (LUMISSIL_OUI, 0xAC9C, "NSCM_GET_D_LINK_STATUS", MMV_AV_2_0, _HOST_MODEM),
)


def _rows() -> tuple[Mmtype, ...]:
    rows = [
        Mmtype(
            base | mode,
            f"{name}.{_MODES[mode]}",
            MMV_AV_1_0 if name in _MMV_0 else MMV_AV_1_1,
            b"",
            *between,
        )
        for base, name, modes in _STANDARD
        for mode, between in modes.items()
    ]
    rows += [
        Mmtype(base | mode, f"{name}.{_MODES[mode]}", mmv, oui, *between)
        for oui, base, name, mmv, modes in _VENDORS
        for mode, between in modes.items()
    ]
    return tuple(rows)


MMTYPES = _rows()
"""Every known type."""
_BY_NUMBER = {(row.number, row.oui): row for row in MMTYPES}


def mmtype(number: int, oui: bytes = b"") -> Mmtype | None:
    """The table's row of a type; None if it is not known."""
    return _BY_NUMBER.get((number, oui))


def name_of(number: int, oui: bytes = b"") -> str:
    """The name of a type with its mode; of an unknown one its number."""
    row = _BY_NUMBER.get((number, oui))
    return row.name if row else f"MMTYPE {number:#06x}"
