"""Whether the modem shares a network with the other station: asked until it does, and again and again
afterwards."""

from __future__ import annotations

from enum import Enum, unique

from v2g.slac import timing
from v2g.slac.effects import AskLinkStatus, Effect


@unique
class Link(Enum):
    """State of the link."""

    DOWN = "down"
    """Not watched."""
    JOINING = "joining"
    UP = "up"
    LOST = "lost"
    """It did not come up in time, or was lost."""


class LinkWatch:
    """The link of one core. A question that is not answered before the next one counts as answered with
    no."""

    def __init__(self) -> None:
        self.state = Link.DOWN
        self._ask_due: int | None = None
        self._join_due = 0
        self._losses = 0
        self._asked = False
        self._doubted = False
        """Somebody acts as if the link were lost: asked quickly until the modem has said yes or no."""

    def join(self, now_ms: int, within_ms: int) -> list[Effect]:
        """Wait for the link to come up."""
        self.state, self._doubted = Link.JOINING, False
        self._join_due = now_ms + within_ms
        return self._ask(now_ms)

    def taken_for_up(self) -> None:
        """The link is up without being asked for: a modem that cannot tell."""
        self.state, self._ask_due = Link.UP, None

    def stop(self) -> None:
        """Watch it no more."""
        self.state, self._ask_due, self._doubted = Link.DOWN, None, False

    def doubt(self, now_ms: int) -> list[Effect]:
        """The other station acts as if the link were lost: find out now instead of at the next question.
        However often this is called, the modem is asked no faster than for a link that comes up."""
        if self.state is not Link.UP or self._ask_due is None or self._doubted:
            return []
        self._doubted = True
        soon = self._ask_due <= now_ms + timing.LINK_POLL_JOINING_MS
        return [] if soon else self._ask(now_ms)

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        if self._ask_due is None:
            return None
        return min(self._ask_due, self._join_due) if self.state is Link.JOINING else self._ask_due

    def status(self, joined: bool, now_ms: int) -> None:
        """The modem answered; what answers no question is not looked at."""
        if self._ask_due is None or not self._asked:
            return
        self._asked = False
        self._doubted = self._doubted and not joined
        if self.state is Link.JOINING and joined:
            self.state, self._losses = Link.UP, 0
            self._ask_due = now_ms + timing.LINK_POLL_MATCHED_MS
        elif self.state is Link.UP:
            self._count(joined)

    def tick(self, now_ms: int) -> list[Effect]:
        """Ask again, or find the link lost."""
        if self._ask_due is None:
            return []
        if self.state is Link.JOINING and now_ms >= self._join_due:
            self.state, self._ask_due = Link.LOST, None
            return []
        if now_ms < self._ask_due:
            return []
        if self.state is Link.UP and self._asked:
            if self._doubted:
                # Asked so quickly, a slow answer is no answer; the usual questions tell.
                self._doubted = False
            elif self._count(False):
                return []
        return self._ask(now_ms)

    def _count(self, joined: bool) -> bool:
        # Whether the link is lost.
        self._losses = 0 if joined else self._losses + 1
        if self._losses < timing.LINK_LOSSES:
            return False
        self.state, self._ask_due = Link.LOST, None
        return True

    def _ask(self, now_ms: int) -> list[Effect]:
        quick = self.state is Link.JOINING or self._doubted
        pause = timing.LINK_POLL_JOINING_MS if quick else timing.LINK_POLL_MATCHED_MS
        self._ask_due = now_ms + pause
        self._asked = True
        return [AskLinkStatus()]
