"""What the service manager says about its units, asked with ``systemctl``.

A process per question, because nothing has to be imported or kept for it, and because it reaches the manager
by its own socket where the message bus is down.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Final

from chargectl.update.health import Unit

ANSWER_S: Final = 10.0
"""PID 1 answers within milliseconds; on a loaded board, or while it reloads its units, within seconds."""
TARGET: Final = "chargectl.target"
"""What holds all units of the charging software."""

_PROPERTIES: Final = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Type",
    "Result",
    "InvocationID",
    "ConditionResult",
    "ConditionTimestampMonotonic",
)


class UnitsError(RuntimeError):
    """The service manager does not answer or refuses; the text is one clear line."""


class Units:
    """The service manager behind a command, ``systemctl`` by default. All methods raise UnitsError."""

    def __init__(self, command: Sequence[str] = ("systemctl",)) -> None:
        self._command = tuple(command)

    def members(self, target: str = TARGET) -> tuple[str, ...]:
        """The names of the units that a target wants or requires, sorted."""
        shown = self._run("show", "--property=Wants", "--property=Requires", target)
        names = {name for line in shown.splitlines() for name in line.partition("=")[2].split()}
        return tuple(sorted(names))

    def show(self, names: Sequence[str]) -> tuple[Unit, ...]:
        """The units, in the order of their names; one that does not exist has ``load`` "not-found"."""
        if not names:
            return ()
        options = [f"--property={name}" for name in _PROPERTIES]
        shown = self._run("show", *options, "--", *names)
        blocks = [block for block in shown.split("\n\n") if block.strip()]
        if len(blocks) != len(names):
            raise UnitsError(f"systemctl told of {len(blocks)} units instead of {len(names)}")
        return tuple(_unit(name, block) for name, block in zip(names, blocks, strict=True))

    def failed(self, pattern: str = "chargectl-*") -> tuple[str, ...]:
        """The names of the failed units that match a pattern."""
        shown = self._run("list-units", "--state=failed", "--plain", "--no-legend", "--full", pattern)
        return tuple(line.split()[0] for line in shown.splitlines() if line.strip())

    def restart(self, name: str) -> None:
        """Start a unit, or start it anew, without waiting for it."""
        self._run("restart", "--no-block", name)

    def reboot(self) -> None:
        """Ask for an orderly restart of the system; returns before it happens."""
        self._run("reboot")

    def _run(self, *arguments: str) -> str:
        words = [*self._command, *arguments]
        called = f"{self._command[0]} {arguments[0]}"
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_S,
                check=False,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            raise UnitsError(f"the service manager did not answer '{called}' in {ANSWER_S:g} s") from None
        except OSError as error:
            raise UnitsError(f"{called}: {error.strerror}") from None
        if done.returncode != 0:
            said = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
            raise UnitsError(f"{called}: {said}")
        return done.stdout


def _unit(name: str, block: str) -> Unit:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    # Before a unit was ever started its condition is "no" too, without a time.
    judged = values.get("ConditionTimestampMonotonic", "0") not in ("", "0")
    return Unit(
        name=name,
        load=values.get("LoadState", ""),
        active=values.get("ActiveState", ""),
        sub=values.get("SubState", ""),
        type=values.get("Type", ""),
        result=values.get("Result", ""),
        invocation=values.get("InvocationID", ""),
        condition=not judged or values.get("ConditionResult") != "no",
    )
