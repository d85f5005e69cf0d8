"""What can happen to an update, and what an update wants done. Effects are carried out in the order given."""

from __future__ import annotations

from dataclasses import dataclass

from chargectl.declarations.types import Topic
from chargectl.update.record import Record
from chargectl.update.request import Request


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody asks for an update. ``utc_s`` is the time of day, which matters when the request has one."""

    request: Request
    utc_s: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The task ``ticket`` has come to ``percent``."""

    ticket: int
    percent: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The download, or the test of the URL, has succeeded; ``path`` is the file, empty for a test."""

    ticket: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Installed:
    """RAUC has installed the update."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The task ``ticket`` failed; ``reason`` is English and holds no secret."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    """A charging session has begun or ended."""

    active: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """The running boot was found good (guide 11.8.2). May be said more than once."""


@dataclass(frozen=True, slots=True)
class Reported:
    """OCPP has been told this firmware status."""

    status: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline has passed."""


Event = Requested | Progress | Fetched | Installed | Failed | Session | Accepted | Reported | Tick


@dataclass(frozen=True, slots=True)
class Download:
    """Download the file, going on where an earlier try has ended."""

    ticket: int
    request: Request


@dataclass(frozen=True, slots=True)
class Check:
    """Test with a HEAD request that the URL can be reached."""

    ticket: int
    request: Request


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop the task; what it has to say no longer counts."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Install:
    """Give the file, or the URL when ``path`` is empty, to RAUC."""

    ticket: int
    request: Request
    path: str = ""


@dataclass(frozen=True, slots=True)
class Follow:
    """The daemon was restarted while RAUC installed: find out how that ended."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove the downloaded file."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a value; ``again`` even when it is the value published last."""

    topic: Topic
    value: str | int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Save:
    """Put this on record before anything else is done."""

    record: Record


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the journal; ``problem`` when somebody should look at it."""

    text: str
    problem: bool = False


Effect = Download | Check | Abandon | Install | Follow | Discard | Publish | Save | Note
