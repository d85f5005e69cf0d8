"""The history of boots, and what it says: which boots failed and why, whether the bootloader went back to the
old slot, and whether another reboot could help.

A boot begins as STARTED. It ends as GOOD when the health check passed and RAUC has marked the slot good, as
FAILED when the health check gave up. A boot that the next one finds still STARTED ended without a word: the
kernel panicked, something hung, or the supply failed. Boots that die before user space leave no entry at all;
only the bootloader's exhausted counter tells of them (``Boot.given_up``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Final

from chargectl.declarations.types import JsonValue

MAXIMUM_BOOTS: Final = 32
"""As many boots are remembered: several updates with all their tries, in a file of a few kilobytes."""
TRIES: Final = 3
"""How often the bootloader tries a slot that is not found good (guide 11.8.2)."""
MAXIMUM_TEXT: Final = 400
"""Longest reason, in characters; more is cut off."""
FORMAT: Final = 1
"""Version of the file's format."""

WATCHDOG_RESET: Final = "the watchdog reset the board (it hung)"
NO_LAST_WORD: Final = "ended without a word (panic, hang or power loss)"
NO_USER_SPACE: Final = "it never got as far as user space (panic, hang or power loss)"


@unique
class Outcome(Enum):
    """How a boot went."""

    STARTED = "started"
    """Under way, or ended without a word."""
    GOOD = "good"
    """The health check passed and the slot was marked good."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A slot that the bootloader prefers but has tried in vain: its counter stands at zero."""

    slot: str
    version: str = ""
    """What RAUC has installed there; empty: not known."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot. ``slot`` is the boot name (A or B), ``started`` the time of day as RFC 3339 text, as far as
    the board knew it then. An empty ``slot`` or ``version`` was not known."""

    boot_id: str
    slot: str
    version: str
    started: str
    outcome: Outcome = Outcome.STARTED
    reason: str = ""
    """Why it failed, in words; empty unless FAILED."""
    given_up: GivenUp | None = None
    """The slot that should have been booted instead."""


History = tuple[Boot, ...]
"""Boots, the oldest first, at most MAXIMUM_BOOTS."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """The bootloader went back: ``slot`` with ``version`` did not come up, another one runs now."""

    slot: str
    version: str
    tries: int
    reasons: tuple[str, ...]
    """Why, the newest first, each once; never empty."""
    running_slot: str
    running_version: str
    just_now: bool
    """The running boot is the first one after it."""

    @property
    def sentence(self) -> str:
        """The rollback in one sentence for people."""
        tries = "1 try" if self.tries == 1 else f"{self.tries} tries"
        return (
            f"{_named(self.version)} in slot {self.slot or '?'} did not come up in {tries}: "
            f"{', before that: '.join(self.reasons)}; "
            f"running {self.running_version or 'an unknown version'} from slot {self.running_slot or '?'}"
        )


def begin(history: History, boot: Boot, *, watchdog_reset: bool = False) -> History:
    """Add a boot that has just started and close those before it that have no outcome.

    ``watchdog_reset``: the hardware says that the watchdog ended the last boot. Nothing happens when the boot
    is known already.
    """
    if any(known.boot_id == boot.boot_id for known in history):
        return history
    closed = list(history)
    for index, known in enumerate(closed):
        if known.outcome is Outcome.STARTED:
            newest = index == len(closed) - 1
            reason = WATCHDOG_RESET if watchdog_reset and newest else NO_LAST_WORD
            closed[index] = replace(known, outcome=Outcome.FAILED, reason=reason)
    return (*closed, boot)[-MAXIMUM_BOOTS:]


def conclude(history: History, boot_id: str, outcome: Outcome, reason: str = "") -> History:
    """Note how a boot went. Nothing happens when the boot is not known: ``begin`` it first."""
    text = " ".join(reason.split())[:MAXIMUM_TEXT]
    return tuple(
        replace(boot, outcome=outcome, reason=text if outcome is Outcome.FAILED else "")
        if boot.boot_id == boot_id
        else boot
        for boot in history
    )


def find_rollback(history: History) -> Rollback | None:
    """Return the rollback that led to what runs now, None when there was none.

    It stays true until something else is booted: a later update, or the other slot by hand.
    """
    if not history:
        return None
    now = history[-1]
    first = len(history) - 1
    while first > 0 and _same(history[first - 1], now):
        first -= 1
    running, before = history[first:], history[:first]
    given_up = next((boot.given_up for boot in reversed(running) if boot.given_up is not None), None)
    failures = _trailing_failures(before)
    if given_up is not None and failures and not _is(failures[-1], given_up):
        failures = ()
    if not failures and given_up is None:
        return None
    reasons = tuple(dict.fromkeys(boot.reason or NO_LAST_WORD for boot in reversed(failures)))
    return Rollback(
        slot=failures[-1].slot if failures else given_up.slot if given_up else "",
        version=failures[-1].version if failures else given_up.version if given_up else "",
        tries=max(len(failures), TRIES if given_up is not None else 0),
        reasons=reasons or (NO_USER_SPACE,),
        running_slot=now.slot,
        running_version=now.version,
        just_now=len(running) == 1 if failures else _just_given_up(running),
    )


def rolled_back(history: History) -> str | None:
    """Return the rollback that led to what runs now as a sentence for people, None when there was none.

    For example: "version 2.0 in slot B did not come up in 3 tries: daemons: chargectl-portd.service is not
    ready; running 1.0 from slot A".
    """
    found = find_rollback(history)
    return None if found is None else found.sentence


def tries_in_vain(history: History) -> int:
    """How often what runs now has failed, this boot included, since any boot was good."""
    count = 0
    for boot in reversed(history):
        if boot.outcome is Outcome.GOOD:
            break
        count += boot.outcome is Outcome.FAILED and _same(boot, history[-1])
    return count


def reboot_helps(history: History | None, tries_left: int | None) -> bool:
    """Whether the running boot, which has failed, should give way to another try.

    ``tries_left``: how often the bootloader would still start any slot before it begins to count anew; None
    when it cannot be asked. ``history`` is None when it cannot be kept.

    Rebooting helps while the bootloader has tries left, for this slot or the other one. When it has none it
    would only begin anew with the same, and so it has done if the same slot and version fails a fourth time
    without a good boot in between. From then on rebooting helps nobody; a board that stays up can be reached
    and repaired. The same holds when nothing counts any more: that would never end.
    """
    if history is not None and tries_in_vain(history) > TRIES:
        return False
    if tries_left is not None:
        return tries_left > 0
    return history is not None


def to_json(history: History) -> JsonValue:
    """Return the history as it stands in the file."""
    boots: list[JsonValue] = []
    for boot in history:
        row: dict[str, JsonValue] = {
            "boot_id": boot.boot_id,
            "slot": boot.slot,
            "version": boot.version,
            "started": boot.started,
            "outcome": boot.outcome.value,
            "reason": boot.reason,
        }
        if boot.given_up is not None:
            row["given_up"] = {"slot": boot.given_up.slot, "version": boot.given_up.version}
        boots.append(row)
    return {"format": FORMAT, "boots": boots}


def from_json(value: JsonValue) -> History:
    """Read what :func:`to_json` wrote; members that it does not know are passed over.

    Raises ValueError, with one line that says what is wrong, for anything else.
    """
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"no history of boots in format {FORMAT}")
    boots = value.get("boots")
    if not isinstance(boots, list):
        raise ValueError("boots: a list is needed")
    return tuple(_boot(row, number) for number, row in enumerate(boots))[-MAXIMUM_BOOTS:]


def _boot(row: JsonValue, number: int) -> Boot:
    where = f"boots[{number}]"
    if not isinstance(row, dict):
        raise ValueError(f"{where}: an object is needed")
    outcome = _text(row, "outcome", where)
    try:
        ended = Outcome(outcome)
    except ValueError:
        allowed = ", ".join(known.value for known in Outcome)
        raise ValueError(f"{where}/outcome: {outcome[:20]!r}: allowed are {allowed}") from None
    given_up = row.get("given_up")
    if given_up is not None and not isinstance(given_up, dict):
        raise ValueError(f"{where}/given_up: an object is needed")
    boot_id = _text(row, "boot_id", where)
    if not boot_id:
        raise ValueError(f"{where}/boot_id: is empty")
    return Boot(
        boot_id=boot_id,
        slot=_text(row, "slot", where),
        version=_text(row, "version", where),
        started=_text(row, "started", where),
        outcome=ended,
        reason=_text(row, "reason", where),
        given_up=None
        if given_up is None
        else GivenUp(
            _text(given_up, "slot", f"{where}/given_up"), _text(given_up, "version", f"{where}/given_up")
        ),
    )


def _text(row: dict[str, JsonValue], name: str, where: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{where}/{name}: a string is needed")
    return value


def _same(one: Boot, other: Boot) -> bool:
    return (one.slot, one.version) == (other.slot, other.version)


def _is(boot: Boot, given_up: GivenUp) -> bool:
    return boot.slot == given_up.slot and given_up.version in ("", boot.version)


def _just_given_up(running: History) -> bool:
    """Whether the last boot is the first that tells of tries which left no entry.

    The next ones tell of the same until one of them is good; then the other slot is disabled.
    """
    now = running[-1]
    before = running[-2] if len(running) > 1 else None
    told = before is not None and before.given_up == now.given_up and before.outcome is not Outcome.GOOD
    return now.given_up is not None and not told


def _trailing_failures(history: History) -> History:
    """The failed boots of one slot and version at the history's end."""
    first = len(history)
    while (
        first > 0 and history[first - 1].outcome is Outcome.FAILED and _same(history[first - 1], history[-1])
    ):
        first -= 1
    return history[first:]


def _named(version: str) -> str:
    return f"version {version}" if version else "an unknown version"
