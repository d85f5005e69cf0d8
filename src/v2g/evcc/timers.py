"""The times that a session has to keep, and which of them is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2g.common.timers import DIN_TIMES

SETUP_MS: Final = DIN_TIMES.evcc_setup_ms
"""V2G_EVCC_CommunicationSetup_Timeout; the same in all message sets."""


@dataclass(slots=True)
class Timers:
    """Points in time, in milliseconds; None where there is none.

    Attributes:
        ask_ms: the next request is sent then, not before.
        response_by: V2G_EVCC_Msg_Timeout of the request that waits for its response.
        limit_by: end of the time that a step may last.
        setup_by: V2G_EVCC_CommunicationSetup_Timeout.
        ready_by: V2G_EVCC_ReadyToCharge_Timeout.
        wait: what a step waits for before its request; wait_by: until then.
    """

    ask_ms: int = 0
    response_by: int | None = None
    limit_by: int | None = None
    setup_by: int | None = None
    ready_by: int | None = None
    wait: str = ""
    wait_by: int | None = None

    def entered(self, now_ms: int) -> None:
        """A step begins."""
        self.limit_by = None
        self.wait, self.wait_by = "", None
        self.ask_ms = now_ms

    def asked(self, now_ms: int, timeout_ms: int, limit_ms: int | None) -> None:
        """A request was sent; the first of a step begins the step's time."""
        self.wait, self.wait_by = "", None
        self.response_by = now_ms + timeout_ms
        if limit_ms is not None and self.limit_by is None:
            self.limit_by = now_ms + limit_ms

    def waited(self, what: str, within_ms: int, now_ms: int) -> bool:
        """Begin or go on with a wait; whether its time is over."""
        if self.wait != what or self.wait_by is None:
            self.wait, self.wait_by = what, now_ms + within_ms
        return now_ms >= self.wait_by

    def before_request(self) -> tuple[int | None, ...]:
        """What may happen while no request is out."""
        first = self.wait_by if self.wait_by is not None else self.ask_ms
        return first, self.limit_by, self.ready_by

    def clear(self) -> None:
        """The session is over."""
        self.response_by = self.limit_by = self.setup_by = self.ready_by = self.wait_by = None


def over(time_ms: int | None, now_ms: int) -> bool:
    """Whether a point in time has come."""
    return time_ms is not None and now_ms >= time_ms
