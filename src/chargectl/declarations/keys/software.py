"""customer.json: how the port charges, and the vendors of faked DC sessions (guide 14.1 Table 48)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys.make import boolean, choice, integer, text
from chargectl.declarations.types import ConfigFile, JsonValue, Key, KeyType

_T48: Final = "14.1, Table 48"
_FAKE: Final = "with charging_type basic+fake_highlevel_dc"
_HLC: Final = "with charging_type highlevel"

SHIPPED_VENDORS: Final[dict[str, JsonValue]] = {
    # A Tesla never tells its state of charge: waiting for it would only end in a timeout.
    "Tesla": {
        "oui": ["98:ED:5C", "4C:FC:AA", "54:F8:F0", "0C:29:8F", "DC:44:27:1"],
        "hlc_terminates_after": "MAC",
        "switch_method": 1,
    },
    "Volkswagen": {"oui": ["00:7D:FA"], "hlc_terminates_after": "SoC", "switch_method": 1},
}

KEYS: Final[tuple[Key, ...]] = (
    choice(
        "ports[0]/hlc_protocols",
        "urn:iso:15118:2:2013",
        ("urn:iso:15118:2:2013",),
        "High-level protocols that are offered to the EV.",
        _T48,
        applies=_HLC,
    ),
    boolean(
        "ports[0]/always_accept_cp_state_d",
        False,
        "Whether an EV that asks for ventilation (state D) is charged whatever ventilation there is.",
        _T48,
    ),
    boolean(
        "ports[0]/force_wake_up",
        False,
        "Whether an EV is woken by 0 V (state E) on the control pilot after each authorization.",
        _T48,
    ),
    boolean(
        "ports[0]/wake_up_after_timeout",
        False,
        "Whether an EV is woken by 0 V (state E) on the control pilot when it has not reacted for 30 s.",
        _T48,
    ),
    choice(
        "ports[0]/charging_type",
        "basic",
        ("basic", "highlevel", "basic+fake_highlevel_dc"),
        "basic: IEC 61851 only; highlevel: ISO 15118 only; basic+fake_highlevel_dc: a short DC session"
        " reads MAC"
        " address and state of charge, then basic charging.",
        _T48,
    ),
    choice(
        "ports[0]/user_authentication",
        "free",
        ("free", "ocpp", "mqtt", "key-switch"),
        "How a user is authorized: not at all, by OCPP, by topic port0/session/authorization_status, by"
        " the key switch"
        " at digital input 3.",
        _T48,
    ),
    choice(
        "ports[0]/highlevel_authentication_mode",
        "eim",
        ("eim",),
        "Authentication of high-level sessions: external identification means.",
        _T48,
        applies=_HLC,
    ),
    choice(
        "ports[0]/tls_security",
        "prohibit",
        ("prohibit", "allow", "force"),
        "Whether the connection with the EV may or must be encrypted.",
        _T48,
        applies=_HLC,
    ),
    text(
        "ports[0]/evse_id",
        "DE*INT* ECH 1234567890",
        "EVSEID of the charger; a free text.",
        _T48,
        maximum_size=37,
    ),
    integer(
        "ports[0]/meter/publish_settings/timer",
        30,
        "Interval at which meter readings are published, s.",
        _T48,
        minimum=1,
        maximum=86400,
        applies="with meter/enable",
    ),
    Key(
        ConfigFile.CUSTOMER,
        "fake_highlevel_dc_vendors",
        KeyType.OBJECT,
        {},
        "How the faked DC session is ended, by vendor; members are named freely. EVs of no listed vendor"
        " get the"
        " defaults below.",
        _T48,
        applies=_FAKE,
        shipped=SHIPPED_VENDORS,
    ),
    Key(
        ConfigFile.CUSTOMER,
        "fake_highlevel_dc_vendors/*/oui",
        KeyType.STRINGS,
        [],
        "Beginnings of MAC addresses that mean this vendor, of any length, compared in order: two"
        " hexadecimal digits"
        " each, separated by colons.",
        _T48,
        applies=_FAKE,
        default_meaning="no EV matches",
    ),
    choice(
        "fake_highlevel_dc_vendors/*/hlc_terminates_after",
        "SoC",
        ("MAC", "SoC"),
        "What is awaited before the faked session ends: the MAC address, or the state of charge.",
        _T48,
        applies=_FAKE,
    ),
    integer(
        "fake_highlevel_dc_vendors/*/switch_method",
        1,
        "Method of switching to basic charging.",
        _T48,
        minimum=1,
        maximum=4,
        applies=_FAKE,
    ),
)
