"""Sets a demonstration up, shows it or plays it, and takes everything down again, however it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from types import FrameType
from typing import Final

from chargectl.sim.client import SimError
from chargectl.sim.demo import Step, play
from chargectl.sim.demo_steps import STEPS
from chargectl.sim.demo_steps_digital import DIGITAL_STEPS
from chargectl.sim.namespace import UnavailableError, enter_network
from chargectl.sim.stage import Stage, StageError, StagePlan
from chargectl.sim.stage_desk import Desk

OK: Final = 0
FAILED: Final = 1
INTERRUPTED: Final = 130
"""Ended by Ctrl-C or by another signal that asks to end."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRunError(Exception):
    """The user, or the system, wants the demonstration to end."""


class _Ending:
    """Remembers that a signal came; the run asks for it, so that no clean-up is ever interrupted."""

    def __init__(self) -> None:
        self._asked = False

    def catch(self) -> None:
        """Take the signals from now on."""
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def check(self) -> None:
        """Raise InterruptedRunError once a signal has come."""
        if self._asked:
            raise InterruptedRunError

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


def run(plan: StagePlan, *, script: bool, patience: float = 1.0) -> int:
    """Show the demonstration on the terminal, or play the session; returns the exit code.

    Without a terminal the session is played in any case; ``patience`` multiplies its deadlines. 0: the user
    quit, or every step was seen; 1: a step was missed or something could not run (the reason is printed);
    130: ended by a signal."""
    ending = _Ending()
    ending.catch()
    live = not script and _can_show()
    try:
        if plan.digital:
            enter_network()
    except UnavailableError as error:
        _complain(str(error))
        return FAILED
    stage = Stage(plan, ending.check)
    # What the bus has to say about a broker that ends belongs to no screen.
    logging.basicConfig(filename=stage.folder / "desk.log")
    try:
        more = ", iso15118d and a power line" if plan.digital else ""
        _say(f"starting the broker, the simulated board, configd and portd{more} ...")
        stage.start()
        with Desk(stage) as desk:
            desk.wait_ready()
            if live:
                return _watch(desk)
            return _play(desk, DIGITAL_STEPS if plan.digital else STEPS, patience)
    except InterruptedRunError:
        _complain("interrupted; everything is being ended")
        return INTERRUPTED
    except (StageError, SimError, OSError) as error:
        _complain(str(error))
        return FAILED
    finally:
        logging.shutdown()
        stage.close()


def _can_show() -> bool:
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    return not dumb and sys.stdin.isatty() and sys.stdout.isatty()


def _play(desk: Desk, steps: tuple[Step, ...], patience: float) -> int:
    return OK if play(desk, steps, _say, patience) else FAILED


def _watch(desk: Desk) -> int:
    # The screen's library is no dependency of the timeline.
    from chargectl.sim.screen import watch

    watch(desk)
    return OK


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    # The terminal itself may be what is gone.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"chargectl sim: {text}\n")
