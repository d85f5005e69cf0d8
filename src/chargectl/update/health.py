"""What makes the system fit for service: judged from what was seen, without looking.

The question is whether this software on this board does its work, not whether the station is free of faults.
A welded contactor, a jammed lock, a tripped RCD or a pressed emergency switch are faults of the installation:
portd handles and reports them, no other firmware would cure them, and a station that restarts cannot report
anything. They do not make the system unhealthy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chargectl.declarations import topics
from chargectl.declarations.errors import BOARD_FAILURE
from chargectl.declarations.errors import POWER_SWITCH_FAILURE as POWER_SWITCH
from chargectl.declarations.types import ErrorRow, JsonValue, Topic

BROKEN_BOARD: Final[tuple[ErrorRow, ...]] = (BOARD_FAILURE,)
"""Errors that say that the software does not reach its board: a missing driver, a wrong device tree or
profile, which is what a bad update does."""
ASKING: Final = ("C", "D")
"""States of the control pilot in which an EV asks for energy."""
PRESENCE: Final[tuple[Topic, ...]] = tuple(
    topic for topic in topics.TOPICS if topic.path.startswith("chargectl/") and topic.path.endswith("/online")
)
"""Where the daemons say that they are connected to the broker."""
WATCHED: Final[tuple[Topic, ...]] = (
    *PRESENCE,
    topics.TOPIC_PORTD_ERRORS,
    topics.TOPIC_CHARGE_CP_STATUS,
    topics.TOPIC_CONTACTOR_STATE_TARGET,
    topics.TOPIC_CONTACTOR_STATE_ACTUAL,
)
"""The topics that :func:`judge_port` and :func:`judge_presence` read."""

MINIMUM_FREE_BYTES: Final = 1024 * 1024
"""Left on each file system: every configuration file with its backup and temporary copy many times over."""
MINIMUM_FREE_FILES: Final = 32
"""Inodes left on each file system: a replaced file needs one for the moment."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the service manager shows it. ``type`` is empty for what is no service."""

    name: str
    load: str
    active: str
    sub: str
    type: str = ""
    result: str = ""
    invocation: str = ""
    """Another one after each start."""
    condition: bool = True
    """False: it was not started because a condition of its own says so."""


@dataclass(frozen=True, slots=True)
class Disk:
    """What was found in a directory. ``fault`` says why a file could not be written, synced, read and
    removed; the numbers are those of unprivileged programs."""

    path: str
    fault: str = ""
    free_bytes: int = 0
    free_files: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what is wrong, one line each."""

    name: str
    problems: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def judge_units(target: Unit, before: Sequence[Unit], after: Sequence[Unit]) -> list[str]:
    """Whether the target and its units are up, and stayed up from one look to the next.

    ``before`` and ``after`` are the same units, in the same order. Services that do their work once need only
    not have failed; units that are masked or that a condition of their own keeps out are left alone.
    """
    problems = []
    if target.active != "active":
        problems.append(f"{target.name} is {target.active}")
    if not any(unit.name.endswith(".service") for unit in after):
        problems.append(f"{target.name} has no services")
    restarted = {unit.name: unit.invocation for unit in before}
    for unit in after:
        problem = _unit_problem(unit)
        if problem:
            problems.append(f"{unit.name} {problem}")
        elif unit.type != "oneshot" and restarted.get(unit.name, unit.invocation) != unit.invocation:
            problems.append(f"{unit.name} was started again while it was watched")
    return problems


def _unit_problem(unit: Unit) -> str:
    if unit.load == "masked" or not unit.condition:
        return ""
    if unit.load != "loaded":
        return f"is {unit.load}"
    if unit.active == "failed":
        return f"has failed ({unit.result or unit.sub})"
    if unit.type == "oneshot" or unit.active == "active":
        return ""
    if unit.active == "activating":
        # A service that notifies is active only once it has said that it is ready.
        return f"is not ready ({unit.sub})"
    return f"is {unit.active} ({unit.sub})"


def judge_heartbeat(before: object, after: object) -> list[str]:
    """Whether portd's control loop turns: its heartbeat file must show another time after a while.

    Each argument is what identifies a beat (inode and time), None when the file is missing.
    """
    if after is None:
        return ["portd's heartbeat is missing"]
    return ["portd's heartbeat stands still"] if before == after else []


def judge_presence(values: Mapping[str, object]) -> list[str]:
    """Whether the daemons that say so are connected to the broker. ``values`` holds the newest by path."""
    problems = []
    for topic in PRESENCE:
        value = values.get(topic.path)
        if value is not True:
            problems.append(f"{topic.daemon} is not connected{' (it never was)' if value is None else ''}")
    return problems


def judge_port(values: Mapping[str, object]) -> list[str]:
    """Whether the port is safe, from the topics that the broker keeps. ``values`` holds the newest by path.

    Safe means: portd has told its errors, the pilot's state and what it drives the contactor to; no error
    says that the board is out of its reach; and the contactor is neither driven closed while no EV asks for
    energy nor shown closed against its target by a feedback that portd does not object to.
    """
    problems = []
    codes = values.get(topics.TOPIC_PORTD_ERRORS.path)
    target = values.get(topics.TOPIC_CONTACTOR_STATE_TARGET.path)
    actual = values.get(topics.TOPIC_CONTACTOR_STATE_ACTUAL.path)
    pilot = values.get(topics.TOPIC_CHARGE_CP_STATUS.path)
    known = codes if isinstance(codes, list) else []
    problems += [f"{row.code}: {row.meaning}" for row in BROKEN_BOARD if row.code in known]
    untold = [
        what
        for what, told in (
            ("its errors", isinstance(codes, list)),
            ("what the contactor is driven to", isinstance(target, bool)),
            ("the contactor's state", isinstance(actual, bool)),
            # A board that cannot be read has no pilot state; that is told above.
            ("the pilot's state", isinstance(pilot, str) or bool(problems)),
        )
        if not told
    ]
    if untold:
        problems.append(f"portd has not told {', '.join(untold)}")
    if target is True and pilot not in ASKING:
        problems.append(
            f"the contactor is driven closed while no EV asks for energy (pilot {pilot or 'unknown'})"
        )
    if actual is True and target is False and POWER_SWITCH.code not in known:
        problems.append("the contactor reads closed although it is driven open, and portd does not report it")
    return problems


def judge_disk(disk: Disk) -> list[str]:
    """Whether a directory can be written and has room left."""
    if disk.fault:
        return [f"{disk.path}: {disk.fault}"]
    if disk.free_bytes < MINIMUM_FREE_BYTES:
        return [
            f"{disk.path}: {disk.free_bytes // 1024} KiB free, {MINIMUM_FREE_BYTES // 1024} KiB are needed"
        ]
    if disk.free_files < MINIMUM_FREE_FILES:
        return [f"{disk.path}: room for {disk.free_files} files, for {MINIMUM_FREE_FILES} is needed"]
    return []


def healthy(checks: Sequence[Check]) -> bool:
    """Whether every check is good."""
    return all(check.good for check in checks)


def summary(checks: Sequence[Check]) -> str:
    """All problems in one line, each with its check's name; empty when there are none."""
    return "; ".join(f"{check.name}: {problem}" for check in checks for problem in check.problems)


def as_json(checks: Sequence[Check]) -> dict[str, JsonValue]:
    """The checks for programs."""
    return {
        "healthy": healthy(checks),
        "checks": [
            {"name": check.name, "good": check.good, "problems": list(check.problems)} for check in checks
        ],
    }


def summary_of_json(value: JsonValue) -> str:
    """What :func:`summary` said, from what :func:`as_json` wrote; empty when nothing was wrong.

    Raises ValueError for anything else.
    """
    checks = value.get("checks") if isinstance(value, dict) else None
    if not isinstance(checks, list):
        raise ValueError("no result of a health check")
    found = []
    for check in checks:
        if not isinstance(check, dict) or not isinstance(problems := check.get("problems"), list):
            raise ValueError("no result of a health check")
        found.append(Check(str(check.get("name")), tuple(str(problem) for problem in problems)))
    return summary(found)
