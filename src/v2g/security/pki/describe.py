"""Certificates, keys and folders of them, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from v2g.security.certificates import Certificate, CertificateError, curve_of, load_chain, load_key, matches
from v2g.security.chains import check_chain, leaf_problems
from v2g.security.profiles import CONTRACT_LEAF, CPS_LEAF, OEM_LEAF, SECC_LEAF, VEHICLE_LEAF, Profile

_BY_DOMAIN: Final = {"CPO": SECC_LEAF, "MO": CONTRACT_LEAF, "OEM": OEM_LEAF, "CPS": CPS_LEAF}
_ENDINGS: Final = frozenset({".pem", ".der", ".crt", ".cer", ".key"})


def profile_of(leaf: Certificate) -> Profile | None:
    """What a leaf is for, as far as it says so."""
    if leaf.ca:
        return None
    known = _BY_DOMAIN.get(leaf.domain_component)
    if known is not None:
        return known
    return VEHICLE_LEAF if leaf.extended_key_usage == frozenset({"clientAuth"}) else None


def purpose_of(each: Certificate) -> str:
    """What a certificate is for."""
    domain = f" ({each.domain_component})" if each.domain_component else ""
    if each.ca:
        return f"root{domain}" if each.self_signed else f"sub-CA{domain}"
    profile = profile_of(each)
    return "leaf" + domain if profile is None else f"{profile.name} certificate"


def lines_of(each: Certificate, at: datetime) -> list[str]:
    """A certificate in some lines."""
    lines = [
        f"subject      {each.subject}",
        f"  issuer     {'itself' if each.self_signed else each.issuer}",
        f"  for        {purpose_of(each)}",
        f"  valid      {_minute(each.not_before)} to {_minute(each.not_after)} UTC{_now(each, at)}",
        f"  key        {each.curve}, signed with {each.signature_hash}",
        f"  usage      {', '.join(sorted(each.key_usage or ())) or 'not said'}{_limit(each)}",
        f"  serial     {each.serial}",
        f"  SHA-256    {each.sha256}",
    ]
    if profile_of(each) is CONTRACT_LEAF and each.emaid is not None:
        lines.insert(3, f"  eMAID      {each.emaid}")
    return lines


def show(path: Path, at: datetime) -> tuple[list[str], list[str]]:
    """A file in full, or each file of a folder in a line; and all problems. A folder's own roots are trusted.

    Raises:
        CertificateError: there is nothing to show.
    """
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in _ENDINGS and each.is_file())
        if not files:
            raise CertificateError(
                f"{path}: no certificates or keys in it (*.pem, *.der, *.crt, *.cer, *.key)"
            )
        return _folder(files, at)
    return _file(path, at, None)


def _folder(files: Sequence[Path], at: datetime) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    problems: list[str] = []
    chains: dict[Path, list[Certificate]] = {}
    for each in files:
        try:
            chains[each] = load_chain(each)
        except CertificateError:
            continue
    roots = [one for chain in chains.values() for one in chain if one.ca and one.self_signed]
    for each in files:
        try:
            if each in chains:
                more, wrong = _chain_lines(each, chains[each], at, roots, brief=True)
            else:
                more, wrong = _key_lines(each, chains.get(each.with_suffix(".pem")))
        except CertificateError as error:
            more, wrong = [], [str(error)]
        lines += more
        problems += wrong
    return lines, problems


def _file(path: Path, at: datetime, roots: Sequence[Certificate] | None) -> tuple[list[str], list[str]]:
    try:
        chain = load_chain(path)
    except CertificateError as error:
        try:
            return _key_lines(path, None)
        except CertificateError:
            raise error from None
    return _chain_lines(path, chain, at, roots)


def _chain_lines(
    path: Path,
    chain: Sequence[Certificate],
    at: datetime,
    roots: Sequence[Certificate] | None,
    *,
    brief: bool = False,
) -> tuple[list[str], list[str]]:
    if brief:
        lines = [_brief(path, chain, at)]
    else:
        lines = [f"{path}: {len(chain)} certificate{'s' if len(chain) > 1 else ''}"]
        lines += [f"  {line}" for each in chain for line in lines_of(each, at)]
    profile = profile_of(chain[0])
    if roots is None or (len(chain) == 1 and not chain[0].self_signed):
        # Without its issuers only the certificate itself can be judged.
        found = leaf_problems(chain[0], profile) if profile is not None else []
        wrong = [str(each) for each in found]
        wrong += [f"{each.label}: {state}" for each in chain if (state := _state(each, at))]
    else:
        wrong = [str(each) for each in check_chain(chain, roots, at=at, profile=profile)]
    return lines, [f"{path}: {each}" for each in wrong]


def _brief(path: Path, chain: Sequence[Certificate], at: datetime) -> str:
    leaf = chain[0]
    more = f" and {len(chain) - 1} above" if len(chain) > 1 else ""
    end = min(each.not_after for each in chain)
    what = f"{purpose_of(leaf)} {leaf.label}{more}"
    return f"{path}: {what}, {leaf.curve}, until {end:%Y-%m-%d}{_now(leaf, at)}"


def _key_lines(path: Path, chain: Sequence[Certificate] | None) -> tuple[list[str], list[str]]:
    try:
        key = load_key(path)
    except CertificateError as error:
        # What is no key at all "may be encrypted", says the library; only what asks for a password is.
        if "is encrypted: " in str(error):
            return [f"{path}: private key, encrypted"], []
        raise
    problems = []
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        problems.append(f"{path}: others may read this private key (mode {mode:03o}); 600 is right")
    if chain is not None and not matches(chain[0], key):
        problems.append(f"{path}: not the key of {chain[0].label}")
    return [f"{path}: private key, {curve_of(key)}"], problems


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _state(each: Certificate, at: datetime) -> str:
    if at > each.not_after:
        return "expired"
    return "not yet valid" if at < each.not_before else ""


def _now(each: Certificate, at: datetime) -> str:
    state = _state(each, at)
    return f" ({state})" if state else ""


def _limit(each: Certificate) -> str:
    if not each.ca:
        return ""
    return "; CA" if each.path_length is None else f"; CA with {each.path_length} below"
