"""Carries changed passwords from one ``/etc/shadow`` to another (shadow(5)): fields, never the whole file."""

from __future__ import annotations

from typing import Final

NAME, PASSWORD, LAST_CHANGE = 0, 1, 2
_MUST_CHANGE: Final = "0"
"""Day of the last change that makes login demand a new password: the factory's password still applies."""
_CLOSED: Final = tuple(("root", secret) for secret in ("!", "!!", "!*"))
"""What `first-boot` leaves to the owner; a ``*`` is what images come with."""


def merge_passwords(old: str, new: str) -> tuple[str, tuple[str, ...]]:
    """The lines of ``new`` with the passwords that were set in ``old``, and the accounts it concerns.

    Only accounts in both files; only the password and the day of its change. What counts as set is a hash
    whose day of change is not 0, locked (``!`` before the hash) or not; and for root also ``!`` alone, of an
    owner who wants keys and no password. Any other account without a hash, or with an empty one, is left as
    the new image has it: an update opens no door.
    """
    before = {fields[NAME]: fields for fields in map(_fields, old.splitlines()) if len(fields) > LAST_CHANGE}
    carried = []
    lines = []
    for line in new.splitlines():
        fields = _fields(line)
        known = before.get(fields[NAME])
        if known is not None and len(fields) > LAST_CHANGE and _set(known) and known[1:3] != fields[1:3]:
            fields[PASSWORD : LAST_CHANGE + 1] = known[PASSWORD : LAST_CHANGE + 1]
            carried.append(fields[NAME])
        lines.append(":".join(fields))
    return "".join(f"{line}\n" for line in lines), tuple(carried)


def _fields(line: str) -> list[str]:
    return line.split(":")


def _set(fields: list[str]) -> bool:
    if (fields[NAME], fields[PASSWORD]) in _CLOSED:
        return True
    secret = fields[PASSWORD].lstrip("!")
    return secret.startswith("$") and fields[LAST_CHANGE] not in ("", _MUST_CHANGE)
