"""Every configuration key of customer.json, leds.json and rotaryencd.json, declared once.

Sources: guide 14.1 Tables 47 to 50, 14.2 Tables 51 and 56, 15.20 Table 82, 3.3.3 Table 2, 3.3.8 Table 9, and
3.3.7 Table 6 for keys that OCPP writes although no other table has them. ``rzd_monitor`` in Table 47 is a
misprint of ``rcd_monitor``. Keys of section "chargectl" are our own.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations.keys import devices, hardware, network, ocpp, panel, software
from chargectl.declarations.types import ConfigFile, Key

KEYS: Final[tuple[Key, ...]] = (
    *hardware.KEYS,
    *devices.KEYS,
    *software.KEYS,
    *ocpp.KEYS,
    *network.KEYS,
    *panel.KEYS,
)
"""All keys, in the order in which the shipped files hold them."""

_BY_PATH: Final = {(key.file, key.path): key for key in KEYS}


def keys_of(file: ConfigFile) -> tuple[Key, ...]:
    """The keys of one file, in their order."""
    return tuple(key for key in KEYS if key.file is file)


def by_path(file: ConfigFile, path: str) -> Key | None:
    """Find the declaration of a concrete path such as ``leds[0]/behaviors[2]/mode``.

    A declared path (``leds[]/gpios``) finds itself. None when no such key is declared.
    """
    exact = _BY_PATH.get((file, path))
    if exact is not None:
        return exact
    segments = path.split("/")
    for key in KEYS:
        if key.file is file and _matches(key.path.split("/"), segments):
            return key
    return None


def _matches(declared: list[str], concrete: list[str]) -> bool:
    return len(declared) == len(concrete) and all(map(_segment_matches, declared, concrete))


def _segment_matches(declared: str, concrete: str) -> bool:
    if declared == concrete:
        return True
    if declared == "*":
        return concrete != "" and concrete[-1] != "]"
    if declared.endswith("[]") and concrete.endswith("]"):
        index = concrete[len(declared) - 1 : -1]
        return concrete.startswith(declared[:-1]) and index.isascii() and index.isdecimal()
    return False
