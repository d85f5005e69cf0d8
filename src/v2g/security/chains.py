"""Whether a chain of certificates can be trusted, at a given time, for a given purpose: all problems at once.

Revocation (OCSP, CRL) is not looked at: a station without a backend cannot, and one with a backend asks it
about the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from itertools import pairwise
from typing import Final

from v2g.security.certificates import Certificate, CertificateError
from v2g.security.profiles import ALGORITHMS, CA_USAGE, MOST_BELOW_ROOT, Generation, Profile

_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_KEY_USAGE: Final = "2.5.29.15"


@unique
class ProblemKind(Enum):
    """Of what kind a problem is: what a session answers depends on it."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    UNTRUSTED = "untrusted root"
    CHAIN = "broken chain"
    ORDER = "wrong order"
    """All is there, otherwise arranged: cars in the field send their sub-CAs so."""
    ALGORITHM = "algorithm"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a certificate of a chain. ``certificate`` is its label."""

    kind: ProblemKind
    certificate: str
    text: str

    def __str__(self) -> str:
        return f"{self.certificate}: {self.text}" if self.certificate else self.text


def check_chain(
    chain: Sequence[Certificate],
    roots: Iterable[Certificate],
    *,
    at: datetime,
    profile: Profile | None = None,
    generation: Generation | None = None,
) -> list[Problem]:
    """All that is wrong with a chain; nothing if it can be trusted.

    Args:
        chain: the leaf, then its issuer, and so on; with or without the root.
        roots: whom to trust.
        at: when (with a time zone).
        profile: what the leaf has to be; None: any leaf.
        generation: whose algorithms are asked for; None: those of either standard, but one for all.
    """
    if not chain:
        return [Problem(ProblemKind.CHAIN, "", "there is no certificate")]
    anchors = list(roots)
    ordered, problems = _in_order(chain)
    known = {anchor.der for anchor in anchors}
    below = [each for each in ordered if each.der not in known] or ordered[:1]
    problems += _links(below)
    anchor, of_anchor = _anchor(below[-1], anchors)
    problems += of_anchor
    path = [*below, anchor] if anchor is not None else below
    for each in path:
        problems += _validity(each, at)
    problems += _authorities(path)
    problems += _algorithms(path, generation)
    if profile is not None:
        problems += leaf_problems(below[0], profile, generation)
    return problems


def leaf_problems(leaf: Certificate, profile: Profile, generation: Generation | None = None) -> list[Problem]:
    """What is wrong with a leaf for its purpose."""
    found = []

    def wrong(text: str) -> None:
        found.append(Problem(ProblemKind.PROFILE, leaf.label, text))

    if leaf.ca:
        wrong("is a CA, not a leaf")
    missing = profile.usage - (leaf.key_usage or frozenset())
    if missing:
        wrong(f"keyUsage has no {', '.join(sorted(missing))}")
    if profile.domain_component and leaf.domain_component != profile.domain_component:
        if leaf.domain_component:
            wrong(
                f"domain component is {leaf.domain_component}; a {profile.name} certificate has "
                f"{profile.domain_component}"
            )
        elif profile.needs_domain_component and generation is not Generation.ISO20:
            wrong(f"has no domain component; a {profile.name} certificate has {profile.domain_component}")
    if profile.needs_emaid and leaf.emaid is None:
        wrong(f"its CN {leaf.common_name!r} is no eMAID")
    allowed = leaf.extended_key_usage
    if profile.extended_usage and allowed is not None and profile.extended_usage not in allowed:
        wrong(f"extendedKeyUsage has no {profile.extended_usage}")
    return found


def _in_order(chain: Sequence[Certificate]) -> tuple[list[Certificate], list[Problem]]:
    """The chain from the leaf up; a problem if it came otherwise."""
    if all(lower.x509.issuer == upper.x509.subject for lower, upper in pairwise(chain)):
        return list(chain), []
    leaves = [each for each in chain if not each.ca]
    rest = [each for each in chain if not leaves or each is not leaves[0]]
    ordered = leaves[:1] or [rest.pop(0)]
    while True:
        upper = next((each for each in rest if each.x509.subject == ordered[-1].x509.issuer), None)
        if upper is None:
            break
        rest.remove(upper)
        ordered.append(upper)
    problems = [
        Problem(ProblemKind.CHAIN, each.label, "does not belong to the chain of " + ordered[0].label)
        for each in rest
    ]
    if ordered != [each for each in chain if each not in rest]:
        names = ", ".join(each.label for each in ordered)
        problems.append(Problem(ProblemKind.ORDER, "", f"wrong order: it has to be {names}"))
    return ordered, problems


def _links(below: Sequence[Certificate]) -> list[Problem]:
    problems = []
    for lower, upper in pairwise(below):
        why = _issued(lower, upper)
        if why:
            problems.append(Problem(ProblemKind.CHAIN, lower.label, why))
    if len(below) > MOST_BELOW_ROOT:
        text = f"{len(below)} certificates below the root are more than {MOST_BELOW_ROOT}"
        problems.append(Problem(ProblemKind.CHAIN, "", text))
    return problems


def _anchor(top: Certificate, anchors: Sequence[Certificate]) -> tuple[Certificate | None, list[Problem]]:
    """The trusted root that issued the topmost certificate."""
    named = [each for each in anchors if each.x509.subject == top.x509.issuer]
    for each in named:
        if not _issued(top, each):
            return each, []
    if named:
        text = f"not signed by the trusted root {named[0].label}, but by another of that name"
    elif top.self_signed:
        text = "is no trusted root"
    else:
        text = f"its issuer {top.issuer} is neither in the chain nor a trusted root"
    return None, [Problem(ProblemKind.UNTRUSTED, top.label, text)]


def _issued(lower: Certificate, upper: Certificate) -> str:
    """Why ``upper`` has not issued ``lower``; empty if it has."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        lower.x509.verify_directly_issued_by(upper.x509)
    except InvalidSignature:
        return f"its signature is not {upper.label}'s"
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return f"is not issued by {upper.label}: {str(error).rstrip('.')}"
    return ""


def _validity(each: Certificate, at: datetime) -> list[Problem]:
    if at > each.not_after:
        return [Problem(ProblemKind.EXPIRED, each.label, f"expired on {_day(each.not_after)}")]
    if at < each.not_before:
        return [Problem(ProblemKind.NOT_YET_VALID, each.label, f"not valid before {_day(each.not_before)}")]
    return []


def _authorities(path: Sequence[Certificate]) -> list[Problem]:
    """Whether those above the leaf may issue certificates, and so many."""
    problems = []
    for depth, each in enumerate(path):
        if each.key_usage is not None and not each.critical(_KEY_USAGE):
            problems.append(Problem(ProblemKind.PROFILE, each.label, "keyUsage is not critical"))
        if not depth:
            continue
        if not each.ca:
            problems.append(Problem(ProblemKind.PROFILE, each.label, "is no CA (basicConstraints)"))
            continue
        if not each.critical(_BASIC_CONSTRAINTS):
            problems.append(Problem(ProblemKind.PROFILE, each.label, "basicConstraints is not critical"))
        if CA_USAGE - (each.key_usage or frozenset()):
            problems.append(Problem(ProblemKind.PROFILE, each.label, "keyUsage has no keyCertSign"))
        if each.path_length is not None and depth - 1 > each.path_length:
            text = f"allows {each.path_length} CAs below it; there are {depth - 1}"
            problems.append(Problem(ProblemKind.PROFILE, each.label, text))
    return problems


def _algorithms(path: Sequence[Certificate], generation: Generation | None) -> list[Problem]:
    problems = []
    kinds = ALGORITHMS.values() if generation is None else [ALGORITHMS[generation]]
    allowed = dict(pair for kind in kinds for pair in kind.curves)
    most = max(kind.most_bytes for kind in kinds)
    for each in path:
        try:
            curve = each.curve
        except CertificateError as error:
            problems.append(Problem(ProblemKind.ALGORITHM, each.label, str(error)))
            continue
        if curve not in allowed:
            asked = " or ".join(allowed)
            problems.append(Problem(ProblemKind.ALGORITHM, each.label, f"its key is {curve}, not {asked}"))
        if each.signature_hash not in allowed.values():
            asked = " or ".join(allowed.values())
            text = f"is signed with {each.signature_hash}, not {asked}"
            problems.append(Problem(ProblemKind.ALGORITHM, each.label, text))
        if len(each.der) > most:
            text = f"{len(each.der)} bytes are more than {most}"
            problems.append(Problem(ProblemKind.ALGORITHM, each.label, text))
    curves = sorted({each.curve for each in path if not problems})
    if len(curves) > 1:
        problems.append(Problem(ProblemKind.ALGORITHM, "", f"the chain mixes {' and '.join(curves)}"))
    return problems


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
