"""How long a session took from the plug to the charge loop, step by step.

Whoever runs a session, or reads a recorded one, marks its milestones; the block of lines says what each step
and each group of steps took. Every duration is the time since the milestone before it, so the steps of a
group add up to the group, and the groups to the total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final


@unique
class Milestone(Enum):
    """Moments of a session in their order; the value is what the step that ends with it is called."""

    PLUGGED_IN = "plugged in"
    PWM_ON = "5 % duty cycle"
    SLAC_STARTED = "SLAC begins"
    MATCHED = "SLAC match"
    LINKED = "link"
    DISCOVERED = "SDP"
    CONNECTED = "TCP"
    PROTOCOL_AGREED = "protocol"
    SESSION_SET_UP = "session setup"
    AUTHORIZED = "authorisation"
    PARAMETERS_AGREED = "parameters"
    CABLE_CHECK_ASKED = "cable check asked"
    BELOW_60_V = "below 60 V"
    CONTACTOR_CLOSED = "contactor closed"
    EV_KNOWN = "car's limits"
    VOLTAGE_REACHED = "voltage rise"
    SELF_TEST_PASSED = "self test"
    ISOLATION_MEASURED = "isolation measured"
    CABLE_CHECK_FINISHED = "cable check finished"
    PRE_CHARGE_ASKED = "pre-charge asked"
    PRE_CHARGE_REACHED = "pre-charge"
    POWER_DELIVERY_ASKED = "power delivery asked"
    POWER_DELIVERED = "power delivery"
    CHARGE_LOOP = "charge loop"


@dataclass(frozen=True, slots=True)
class Group:
    """Steps that belong together: those up to and with ``last``, from the group before on."""

    name: str
    last: Milestone


GROUPS: Final = (
    Group("ConnSetup", Milestone.CABLE_CHECK_ASKED),
    Group("CableCheck", Milestone.CABLE_CHECK_FINISHED),
    Group("PrepareCharging", Milestone.CHARGE_LOOP),
)
_ORDER: Final = {milestone: number for number, milestone in enumerate(Milestone)}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a group took: its steps' names and durations, and their sum (ms)."""

    name: str
    steps: tuple[tuple[str, int], ...]
    total_ms: int


class TimingStatistics:
    """Milestones of one session. The first time of each counts: loops are repeated, beginnings are not."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: dict[Milestone, int] = {}

    def mark(self, milestone: Milestone, now_ms: int) -> None:
        """A milestone was reached at ``now_ms``. One that comes before the latest one in time or order is
        taken, but its step cannot be shorter than nothing."""
        self._marks.setdefault(milestone, now_ms)

    @property
    def complete(self) -> bool:
        """Whether the charge loop was reached."""
        return Milestone.CHARGE_LOOP in self._marks

    @property
    def total_ms(self) -> int:
        """From the first milestone to the last one."""
        return sum(group.total_ms for group in self.groups())

    def groups(self) -> tuple[Measured, ...]:
        """The groups of which a step was measured."""
        return tuple(self._groups())

    def _groups(self) -> Iterator[Measured]:
        marks = sorted(self._marks.items(), key=lambda mark: _ORDER[mark[0]])
        if not marks:
            return
        at, before = 0, marks[0][1]
        for group in GROUPS:
            steps: list[tuple[str, int]] = []
            while at < len(marks) and _ORDER[marks[at][0]] <= _ORDER[group.last]:
                milestone, time = marks[at]
                if at:
                    steps.append((milestone.value, max(0, time - before)))
                before = max(before, time)
                at += 1
            if steps:
                yield Measured(group.name, tuple(steps), sum(duration for _, duration in steps))

    def lines(self) -> tuple[str, ...]:
        """The block for a log: a heading, a line for each group, and the total. Empty if nothing was
        measured."""
        groups = self.groups()
        if not groups:
            return ()
        reached = max(self._marks, key=_ORDER.__getitem__)
        first = min(self._marks, key=_ORDER.__getitem__)
        heading = f"Timing statistics ({first.value} to {reached.value})"
        width = max(len(group.name) for group in groups)
        lines = [heading, "-" * len(heading)]
        for group in groups:
            steps = [f"{name}: {duration} ms" for name, duration in group.steps]
            lines.append(" | ".join((f"{group.name:{width}}", *steps, f"Total: {group.total_ms} ms")))
        lines.append(f"Total of all groups: {sum(group.total_ms for group in groups)} ms")
        return tuple(lines)
