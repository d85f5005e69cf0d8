"""Which image of a stick is installed (guide 11.2).

A stick may stay in the board: what is installed already must not be installed again, or the board would
install and reboot for ever. Therefore the first image by name that fits the board decides, alone. With two
that fit, each reboot would find the other one to be new.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@dataclass(frozen=True, slots=True)
class Image:
    """What a bundle with a valid signature says of itself; ``hash`` is empty before RAUC 1.9."""

    compatible: str
    version: str
    hash: str = ""

    @property
    def identity(self) -> str:
        """What tells one bundle from another, without spaces."""
        return self.hash or "version:" + "_".join(self.version.split())


@dataclass(frozen=True, slots=True)
class Record:
    """What a stick installed last.

    ``installs`` is how many installations RAUC had counted then in all slots: when it has counted more since,
    somebody else has installed something, and the record says nothing any more. A counter, because the time
    of day may be wrong.
    """

    identity: str
    installs: int

    def text(self) -> str:
        """As it is kept in a file."""
        return f"{self.identity} {self.installs}\n"


def record_of(text: str) -> Record | None:
    """Read a record; None for anything else, such as a file that a full disk cut short."""
    words = text.split()
    if len(words) != 2 or not text.endswith("\n") or not (words[1].isascii() and words[1].isdigit()):
        return None
    # No counter has more digits; the conversion of longer ones is refused.
    return Record(words[0], int(words[1])) if len(words[1]) <= 18 else None


@dataclass(frozen=True, slots=True)
class Running:
    """The system that would be updated.

    ``version`` and ``hash`` are those of the bundle in the booted slot, empty after flashing; ``installs``
    is the sum of all slots' installation counters.
    """

    compatible: str
    version: str
    hash: str
    installs: int
    last: Record | None = None


@unique
class Choice(Enum):
    """What becomes of an image."""

    INSTALL = "installed"
    NEXT = "the next one is looked at"
    DONE = "nothing is left to do"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A choice and its reason, for the log."""

    choice: Choice
    reason: str


def judge(image: Image, running: Running) -> Verdict:
    """Decide about one image whose signature is valid."""
    if image.compatible != running.compatible:
        return Verdict(
            Choice.NEXT, f"is for {image.compatible!r}; this board takes images for {running.compatible!r}"
        )
    if _same(image, running):
        return Verdict(Choice.DONE, f"version {image.version!r} is running already")
    if running.last == Record(image.identity, running.installs):
        return Verdict(
            Choice.DONE,
            f"version {image.version!r} was installed from a stick already, and the board has come back from "
            "it; to try it once more: rauc install",
        )
    return Verdict(Choice.INSTALL, f"version {image.version!r} is new")


def _same(image: Image, running: Running) -> bool:
    if image.hash and running.hash:
        return image.hash == running.hash
    return bool(image.version) and image.version == running.version
