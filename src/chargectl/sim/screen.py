"""The live screen: shows both sides of a running demonstration and obeys single keys."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.live import Live

from chargectl.declarations import topics
from chargectl.sim.client import SimError
from chargectl.sim.screen_layout import layout
from chargectl.sim.stage_desk import Desk

PERIOD_S: Final = 0.2
LIMIT_NAME: Final = "desk"
NO_LIMIT: Final = -1

_ARROWS: Final = {b"\x1b[A": "+", b"\x1bOA": "+", b"\x1b[B": "-", b"\x1bOB": "-"}
_SAME: Final = {"=": "+", "_": "-"}


class Controls:
    """What the keys do. Some of what they change cannot be read back from the plant and is kept here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._jammed = False
        self._ventilation = False

    def press(self, key: str) -> bool:
        """Do what a key stands for; False when it asks to quit. Unknown keys do nothing."""
        if key == "q":
            return False
        command = KEYS.get(key)
        if command is not None:
            try:
                command.act(self)
            except SimError as error:
                text = str(error)
                self._desk.tell(text.partition(": ")[2] or text)  # without the name of the action
        return True

    def plug(self) -> None:
        """Insert the cable with the car."""
        self._do("plug in", "plug")

    def unplug(self) -> None:
        """Pull the plug, if it is not locked."""
        self._do("unplug", "unplug")

    def authorise(self) -> None:
        """Allow charging for this session, and let an ISO 15118 session go on."""
        self._desk.authorise(True)
        if self._desk.stage.digital:
            self._desk.release()

    def stop(self) -> None:
        """Withdraw the authorization."""
        self._desk.authorise(False)

    def emergency(self) -> None:
        """Press the emergency switch, or release it."""
        if self._desk.state["facts"]["emergency"]:
            self._do("release emergency", "release_emergency")
        else:
            self._do("press emergency", "press_emergency")

    def rcd(self) -> None:
        """Trip the RCD, or reset it."""
        if self._desk.state["facts"]["rcd_tripped"]:
            self._do("reset the RCD", "reset_rcd")
        else:
            self._do("trip the RCD", "trip_rcd")

    def rcd_test(self) -> None:
        """Ask for an RCD test, which also ends an RCD error."""
        self._desk.publish(topics.TOPIC_RCD_TEST_PERFORM, None)

    def more(self) -> None:
        """Raise the dynamic limit by 1 A; above the physical limit it is lifted."""
        self._change_limit(1)

    def less(self) -> None:
        """Lower the dynamic limit by 1 A."""
        self._change_limit(-1)

    def jam(self) -> None:
        """Jam the lock's bolt where it is, or free it."""
        self._jammed = not self._jammed
        if self._jammed:
            self._do("jam the lock", "jam_lock")
        else:
            self._do("free the lock", "heal_lock")

    def weld(self) -> None:
        """Weld the contactor, or free it."""
        if self._desk.state["contactors"][0]["fault"]:
            self._do("free the contactor", "free_contactor")
        else:
            self._do("weld the contactor", "weld_contactor")

    def ventilation(self) -> None:
        """The next car asks for ventilation (state D), or no longer."""
        wanted = not self._ventilation
        self._desk.board.do("change_car", ventilation=wanted)
        self._ventilation = wanted
        self._desk.tell("the car needs ventilation" if wanted else "the car needs no ventilation")

    def _do(self, text: str, action: str) -> None:
        # Refused actions raise: what is told has then not happened.
        self._desk.board.do(action)
        self._desk.tell(text)

    def _change_limit(self, step: int) -> None:
        desk = self._desk
        physical = desk.value(topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT)
        highest = physical if isinstance(physical, int) and physical > 0 else 63
        limit = desk.value(topics.TOPIC_GLOBAL_DYN_CURRENT_LIMIT, LIMIT_NAME)
        if not isinstance(limit, int | float) or limit == NO_LIMIT:
            limit = highest if step < 0 else highest + 1
        wanted = round(limit) + step
        desk.limit(LIMIT_NAME, NO_LIMIT if wanted > highest else max(wanted, 0))


@dataclass(frozen=True, slots=True)
class Command:
    """What a key does, with a word or two for the line of help."""

    help: str
    act: Callable[[Controls], None]


KEYS: Final[dict[str, Command]] = {
    "p": Command("plug", Controls.plug),
    "u": Command("unplug", Controls.unplug),
    "a": Command("authorise", Controls.authorise),
    "s": Command("stop", Controls.stop),
    "+": Command("more A", Controls.more),
    "-": Command("less", Controls.less),
    "e": Command("emergency", Controls.emergency),
    "t": Command("trip RCD", Controls.rcd),
    "r": Command("RCD test", Controls.rcd_test),
    "l": Command("jam lock", Controls.jam),
    "w": Command("weld contactor", Controls.weld),
    "v": Command("ventilation", Controls.ventilation),
}
HELP: Final = (*(f"{key} {command.help}" for key, command in KEYS.items()), "q quit")


def keys_in(data: bytes) -> Iterator[str]:
    """The keys that a terminal's bytes stand for; arrows up and down are + and -."""
    for sequence, key in _ARROWS.items():
        data = data.replace(sequence, key.encode())
    # What is left of other sequences (a function key) must not act as the letters in it.
    for character in data.split(b"\x1b", 1)[0].decode("ascii", "ignore").lower():
        yield _SAME.get(character, character)


def watch(desk: Desk) -> None:
    """Show the screen until the user quits.

    Raises StageError when a program ends, SimError when the board does not answer, OSError when the terminal
    is gone, and what the stage's ``interrupted`` raises. The terminal is as before in each case."""
    controls = Controls(desk)
    console = Console()
    keyboard = sys.stdin.fileno()
    with _single_keys(keyboard), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            desk.poll()
            live.update(layout(desk, HELP, *_size(console)), refresh=True)
            if keyboard not in select.select([keyboard], [], [], PERIOD_S)[0]:
                continue
            data = os.read(keyboard, 256)
            if not data or not all(controls.press(key) for key in keys_in(data)):
                return


def _size(console: Console) -> tuple[int, int]:
    return console.size.height, console.size.width


@contextlib.contextmanager
def _single_keys(keyboard: int) -> Iterator[None]:
    """Keys arrive at once and are not echoed; Ctrl-C still is a signal. Ctrl-Z would leave a torn screen."""
    before = termios.tcgetattr(keyboard)
    suspending = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        tty.setcbreak(keyboard)
        yield
    finally:
        signal.signal(signal.SIGTSTP, suspending)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
