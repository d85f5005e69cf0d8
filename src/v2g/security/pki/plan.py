"""Which certificates a test PKI has, as data: names, issuers, purposes, life times.

The V2G root stands above stations and the provisioning service; mobility operators and car makers have
roots of their own (ISO 15118-2:2014 Annex F, ISO 15118-20:2022 Annex B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2g.security.profiles import Generation

DEFAULT_EMAID: Final = "DE-V2G-C12345678-X"
DEFAULT_PCID: Final = "WV2GTEST00000001AB"
"""The provisioning certificate's identifier: 18 characters, the maker's code first (ISO 15118-20:2022
C.2)."""
EMAID_PLACE: Final = "{emaid}"
PCID_PLACE: Final = "{pcid}"

_CA: Final = frozenset({"keyCertSign", "cRLSign"})
_SIGNS: Final = frozenset({"digitalSignature"})
_AGREES: Final = frozenset({"digitalSignature", "keyAgreement"})
_CONTRACT: Final = frozenset({"digitalSignature", "nonRepudiation", "keyEncipherment", "keyAgreement"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate of the PKI.

    Attributes:
        name: of its files, without ending.
        common_name: its CN.
        domain_component: its DC; empty for none.
        issuer: the name of the entry that signs it; its own for a root.
        path_length: how many CAs may follow; None for a leaf, -1 for a CA without a limit.
        usage: its key's.
        extended_usage: ``serverAuth`` or ``clientAuth``; empty for none.
        days: for how long it is valid.
        purpose: what for, for people.
        only: the standard that has it; None: both.
    """

    name: str
    common_name: str
    domain_component: str
    issuer: str
    path_length: int | None
    usage: frozenset[str]
    days: int
    purpose: str
    extended_usage: str = ""
    only: Generation | None = None

    @property
    def root(self) -> bool:
        """Whether it signs itself."""
        return self.issuer == self.name

    @property
    def leaf(self) -> bool:
        """Whether it signs nothing."""
        return self.path_length is None


def _tree(prefix: str, name: str, root: str, domain: str, purpose: str) -> tuple[Entry, Entry]:
    """Two sub-CAs below a root."""
    first, second = f"{prefix}-sub-ca-1", f"{prefix}-sub-ca-2"
    return (
        Entry(first, f"{name} Sub-CA 1", domain, root, 1, _CA, 1460, f"first sub-CA {purpose}"),
        Entry(second, f"{name} Sub-CA 2", domain, first, 0, _CA, 1460, f"second sub-CA {purpose}"),
    )


ENTRIES: Final = (
    Entry("v2g-root", "V2G Root CA", "V2G", "v2g-root", -1, _CA, 14600, "root of stations; cars trust it"),
    *_tree("cpo", "CPO", "v2g-root", "V2G", "of charge point operators"),
    Entry("secc", "SECC", "CPO", "cpo-sub-ca-2", None, _AGREES, 730, "the station's certificate for TLS"),
    *_tree("cps", "CPS", "v2g-root", "V2G", "of provisioning services"),
    Entry("cps", "CPS", "CPS", "cps-sub-ca-2", None, _SIGNS, 730, "provisioning: signs contracts for cars"),
    Entry("mo-root", "MO Root CA", "MO", "mo-root", -1, _CA, 14600, "root of contracts; stations trust it"),
    *_tree("mo", "MO", "mo-root", "MO", "of mobility operators"),
    Entry(
        "contract", EMAID_PLACE, "MO", "mo-sub-ca-2", None, _CONTRACT, 730, "the contract of a car's owner"
    ),
    Entry("oem-root", "OEM Root CA", "OEM", "oem-root", -1, _CA, 14600, "root of car makers"),
    *_tree("oem", "OEM", "oem-root", "OEM", "of car makers"),
    Entry(
        "oem", PCID_PLACE, "OEM", "oem-sub-ca-2", None, _AGREES, 1460, "the car's, to fetch contracts with"
    ),
    Entry(
        "vehicle",
        "Vehicle",
        "",
        "oem-sub-ca-2",
        None,
        _AGREES,
        1460,
        "the car's certificate for TLS 1.3",
        "clientAuth",
        Generation.ISO20,
    ),
)
"""Issuers stand before what they sign."""


def entries(generation: Generation) -> tuple[Entry, ...]:
    """Those of a standard."""
    return tuple(each for each in ENTRIES if each.only in (None, generation))


def ancestors(entry: Entry) -> tuple[Entry, ...]:
    """The entry and its issuers up to the root, which is left out unless it is the entry itself."""
    by_name = {each.name: each for each in ENTRIES}
    path = [entry]
    while not (above := by_name[path[-1].issuer]).root:
        path.append(above)
    return tuple(path)
