"""What certificates of each kind have to be: ISO 15118-2:2014 Annex F and ISO 15118-20:2022 Annex B, as data.

Only what decides whether a certificate may be used for its purpose is here; optional entries are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final


@unique
class Generation(Enum):
    """Which standard's algorithms certificates have."""

    ISO2 = "ISO 15118-2"
    ISO20 = "ISO 15118-20"


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Curves of keys with the hash with which they sign, and the largest certificate in bytes."""

    curves: tuple[tuple[str, str], ...]
    most_bytes: int


ALGORITHMS: Final = {
    # [V2G2-006], [V2G2-007], [V2G2-010]
    Generation.ISO2: Algorithms((("secp256r1", "sha256"),), 800),
    # [V2G20-2674], [V2G20-2319]; the schema's certificateType
    Generation.ISO20: Algorithms((("secp521r1", "sha512"), ("ed448", "ed448")), 1600),
}
MOST_BELOW_ROOT: Final = 3
"""A leaf and at most two sub-CAs ([V2G2-009])."""
CA_USAGE: Final = frozenset({"keyCertSign"})


@dataclass(frozen=True, slots=True)
class Profile:
    """What a leaf has to be.

    Attributes:
        name: as messages call it.
        usage: key usages that it needs.
        domain_component: what DC has to be if it has one; empty: anything.
        needs_domain_component: whether it has to have one in ISO 15118-2.
        needs_emaid: whether its CN has to be a contract's identifier.
        extended_usage: what extendedKeyUsage has to allow if it has one.
    """

    name: str
    usage: frozenset[str]
    domain_component: str = ""
    needs_domain_component: bool = False
    needs_emaid: bool = False
    extended_usage: str = ""


_SIGNS: Final = frozenset({"digitalSignature"})

SECC_LEAF: Final = Profile("station", _SIGNS, "CPO", True, False, "serverAuth")
"""ISO 15118-2:2014 Table F.2; its DC is checked by the car ([V2G2-925])."""
CPS_LEAF: Final = Profile("provisioning service", _SIGNS, "CPS", True)
"""ISO 15118-2:2014 Table F.3."""
CONTRACT_LEAF: Final = Profile("contract", _SIGNS, "MO", False, True)
"""ISO 15118-2:2014 Table F.4, ISO 15118-20:2022 Table B.9."""
OEM_LEAF: Final = Profile("OEM provisioning", _SIGNS, "OEM")
"""ISO 15118-2:2014 Table F.5."""
VEHICLE_LEAF: Final = Profile("vehicle", _SIGNS, "", False, False, "clientAuth")
"""ISO 15118-20:2022 Annex B: the car's certificate for TLS 1.3."""

PROFILES: Final = {
    "secc": SECC_LEAF,
    "cps": CPS_LEAF,
    "contract": CONTRACT_LEAF,
    "oem": OEM_LEAF,
    "vehicle": VEHICLE_LEAF,
}
"""By the names that the command line takes."""
