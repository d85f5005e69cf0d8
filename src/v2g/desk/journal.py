"""The live log of the desk's charger and car: a line for each thing that happens, and statistics."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from v2g.capture.places import MESSAGES
from v2g.common.checkpoints import CHECKPOINTS
from v2g.common.effects import Checkpoint, Log
from v2g.common.redact import redacted
from v2g.common.session_effects import MessageSeen
from v2g.common.timing_statistics import Milestone, TimingStatistics
from v2g.desk import words
from v2g.slac.effects import DLinkReady, Failed, Matched

_BY_CHECKPOINT: Final = {
    4: Milestone.PLUGGED_IN,
    5: Milestone.PWM_ON,
    100: Milestone.SLAC_STARTED,
    101: Milestone.SLAC_STARTED,
    190: Milestone.MATCHED,
    202: Milestone.DISCOVERED,
    203: Milestone.DISCOVERED,
    303: Milestone.CONNECTED,
    402: Milestone.PROTOCOL_AGREED,
    403: Milestone.PROTOCOL_AGREED,
    505: Milestone.SESSION_SET_UP,
    506: Milestone.SESSION_SET_UP,
    538: Milestone.AUTHORIZED,
}
_BY_MESSAGE: Final = {
    "CableCheckReq": Milestone.CABLE_CHECK_ASKED,
    "DC_CableCheckReq": Milestone.CABLE_CHECK_ASKED,
    "PreChargeReq": Milestone.PRE_CHARGE_ASKED,
    "DC_PreChargeReq": Milestone.PRE_CHARGE_ASKED,
    "PowerDeliveryReq": Milestone.POWER_DELIVERY_ASKED,
    "PowerDeliveryRes": Milestone.POWER_DELIVERED,
    "CurrentDemandRes": Milestone.CHARGE_LOOP,
    "ChargingStatusRes": Milestone.CHARGE_LOOP,
    "DC_ChargeLoopRes": Milestone.CHARGE_LOOP,
    "AC_ChargeLoopRes": Milestone.CHARGE_LOOP,
}
_LOOP: Final = frozenset(
    ("CurrentDemand", "ChargingStatus", "DC_ChargeLoop", "AC_ChargeLoop", "PreCharge", "DC_PreCharge")
)
"""Messages whose values change all the time: one a second is shown, unless all are wanted. Of other messages
that are repeated, those with news are shown too."""
_PAUSE_MS: Final = 1_000
_MOST_TEXT: Final = 120
"""Longer values are cut."""
_STOP_NUMBERS: Final = {"PowerDeliveryReq": 800, "PowerDeliveryRes": 805}
_SHOWN: Final = (
    ("ResponseCode", ""),
    ("EVSEProcessing", ""),
    ("EVSEPresentVoltage", "V"),
    ("EVSEPresentCurrent", "A"),
    ("EVTargetVoltage", "V"),
    ("EVTargetCurrent", "A"),
)


class Journal:
    """Writes what happens.

    Args:
        side: "EVSE" or "CAR": whose messages are ours.
        clock: milliseconds, monotonic.
        out: where to; standard output by default.
        every: show every message of the loops.
        also: gets each line too (the UDP log).
    """

    def __init__(
        self,
        side: str,
        clock: Callable[[], int],
        out: TextIO | None = None,
        *,
        every: bool = False,
        also: Callable[[str], None] | None = None,
    ) -> None:
        self._side = side
        self._clock = clock
        self._out = out or sys.stdout
        self._every = every
        self._also = also
        self._start = clock()
        self._counts: dict[str, int] = {}
        self._shown: dict[str, tuple[int, str]] = {}
        self._stopping = False
        self._readers = True
        self.unread: Callable[[], None] = lambda: None
        """Called when nobody reads the lines any more."""
        self.statistics = TimingStatistics()

    def line(self, text: str) -> None:
        """Write a line with its time since the start."""
        whole = f"{(self._clock() - self._start) / 1000:9.3f}  {words.printable(text)}"
        if self._readers:
            try:
                print(whole, file=self._out, flush=True)
            except BrokenPipeError:
                # The reader (a pager, head) has seen enough. A session is no place to raise this in.
                self._readers = False
                self.unread()
        if self._also is not None:
            self._also(whole)

    def take(self, effect: Any) -> None:
        """Show an effect of a core."""
        if isinstance(effect, Checkpoint):
            self._checkpoint(effect)
        elif isinstance(effect, Log):
            self.line(effect.text)
        elif isinstance(effect, Failed):
            self.line(f"SLAC failed: {effect.reason.value}{', for good' if effect.final else ''}")
        elif isinstance(effect, DLinkReady):
            self.line(f"D-LINK_READY ({'true' if effect.ready else 'false'})")
            if effect.ready:
                self.statistics.mark(Milestone.LINKED, self._clock())
        elif isinstance(effect, Matched):
            self.line(f"SLAC MATCHED, nid {effect.nid.hex()}")
        elif isinstance(effect, MessageSeen):
            self._message(effect)
        else:
            self._wish(effect)

    def begin(self) -> None:
        """A new session: statistics and counts begin anew."""
        self.statistics = TimingStatistics()
        self._counts.clear()
        self._shown.clear()

    def finish(self) -> None:
        """Write the statistics."""
        for text in self.statistics.lines():
            self.line(text)

    def _checkpoint(self, effect: Checkpoint) -> None:
        milestone = _BY_CHECKPOINT.get(effect.number)
        if milestone is not None:
            self.statistics.mark(milestone, self._clock())
        if effect.number >= 400:
            return  # the message says it
        self.line(f"[Checkpoint{effect.number}] {effect.text or CHECKPOINTS.get(effect.number, '')}")

    def _message(self, seen: MessageSeen) -> None:
        milestone = _BY_MESSAGE.get(seen.name)
        if milestone is not None:
            self.statistics.mark(milestone, self._clock())
        if milestone is Milestone.CABLE_CHECK_ASKED:
            self.statistics.mark(Milestone.PARAMETERS_AGREED, self._clock())
        count = self._counts[seen.name] = self._counts.get(seen.name, 0) + 1
        values = _values(seen.message)
        shown_ms, shown = self._shown.get(seen.name, (-_PAUSE_MS, ""))
        news = seen.name[:-3] not in _LOOP and values != shown
        if not self._every and not news and self._clock() - shown_ms < _PAUSE_MS:
            return
        self._shown[seen.name] = (self._clock(), values)
        number = self._number(seen)
        mark = f"[Checkpoint{number}] " if number else ""
        who = "CAR " if seen.request else "EVSE"
        repeated = f" ({count})" if count > 1 else ""
        self.line(f"{who} {mark}{seen.name}{repeated}{values}")

    def _number(self, seen: MessageSeen) -> int:
        if seen.name == "PowerDeliveryReq":
            self._stopping = stops(seen.message)
        if self._stopping and seen.name in _STOP_NUMBERS:
            return _STOP_NUMBERS[seen.name]
        place = MESSAGES.get(seen.name[:-3])
        return (place[1] if seen.request else place[2]) or 0 if place else 0

    def _fact(self, fact: Any, value: Any) -> None:
        """What the other side told: of numbers that change all the time, one a second."""
        if isinstance(value, float | tuple) and not self._every:
            if self._clock() - self._shown.get(fact.label, (-_PAUSE_MS, ""))[0] < _PAUSE_MS:
                return
            self._shown[fact.label] = (self._clock(), "")
        text = redacted(str(value)) if fact.secret else words.plain(value)
        self.line(f"     {fact.label}: {text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + '...'}")

    def _wish(self, effect: Any) -> None:
        name = type(effect).__name__
        if name in ("EvTold", "ChargerTold"):
            self._fact(effect.fact, effect.value)
        elif name not in ("PhaseChanged", "StateChanged", "DcTarget", "ProtocolsOffered", "DrawCurrent"):
            self.line(f"     {words.said(effect)}")


def _values(message: Any) -> str:
    """The few values of a message that matter to who watches."""
    from v2g.common.values import number

    body = getattr(getattr(message, "Body", None), "BodyElement", message)
    parts = []
    for name, unit in _SHOWN:
        value = getattr(body, name, None)
        if value is None:
            continue
        parts.append(f"{name} {number(value):g} {unit}" if unit else str(value))
    return f"  {', '.join(parts)}" if parts else ""


def stops(message: Any) -> bool:
    """Whether a PowerDeliveryReq of any message set ends the power."""
    body = getattr(getattr(message, "Body", None), "BodyElement", message)
    ready = getattr(body, "ReadyToChargeState", None)
    progress = getattr(body, "ChargeProgress", None)
    return ready is False or progress == "Stop"
