"""``chargectl usb``: what the board does with a stick that was plugged in; started for each partition."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from chargectl.system.stick_session import Light
    from chargectl.system.stick_stop import Stop

OK, FAILED = 0, 1

_FOLDER = Path("/run/chargectl/usb")
_SYSTEMCTL_S = 30.0
"""The longest that the service manager may take to accept a request."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "usb", help="process a USB stick", description="What the board does with a USB stick."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    run_ = verbs.add_parser(
        "run",
        help="process one partition of a stick, as after plugging it in",
        description="Take over a signed keyring, run a signed script, install an image: whatever is in the "
        "first level of the stick. Needs root. May restart the board. Exit code: 0 done, or the stick was "
        "unplugged; 1 something failed.",
    )
    run_.add_argument("--board", default="charge-control-c", help="board profile (%(default)s)")
    run_.add_argument("--variant", type=int, default=200, help="board variant (%(default)s)")
    run_.add_argument("device", type=Path, metavar="DEVICE", help="the partition: /dev/sda1")


def run(args: argparse.Namespace) -> int:
    """Process a stick; returns the exit code."""
    import logging

    from chargectl.system import journal
    from chargectl.system.stick_queue import turn
    from chargectl.system.stick_stop import Stop, Stopped

    journal.setup()
    log = logging.getLogger("chargectl.usb")
    stop = Stop()
    stop.listen()
    try:
        with turn(lambda: log.info("%s: waits for the stick before it", args.device)):
            return _process(args.device, log, stop, _yellow(args.board, args.variant, log))
    except OSError as error:
        print(f"chargectl usb: {error}", file=sys.stderr)
        return FAILED
    except Stopped:
        log.warning("%s: stopped", args.device)
        return FAILED


def _process(device: Path, log: Any, stop: Stop, light: Callable[[Light], None]) -> int:
    import shutil

    from chargectl.system import stick_mount
    from chargectl.system.rauc import Rauc
    from chargectl.system.stick import Stick
    from chargectl.system.stick_presence import Presence
    from chargectl.system.stick_session import Light, Places, Session

    presence = Presence(device)
    mounted, work = _FOLDER / "stick", _FOLDER / "work"
    light(Light.FOUND)
    try:
        # Left there by one who was killed.
        shutil.rmtree(work, ignore_errors=True)
        for folder in (mounted, work):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stick_mount.enter_namespace()
        system = stick_mount.mount(device, mounted)
        log.info("%s: a stick with %s", device, system.label)
        with Stick(mounted) as stick:
            session = Session(stick, Places(work), Rauc(), _System(), light, gone=presence.gone, stop=stop)
            fine = session.run()
    except stick_mount.NoFileSystemError as error:
        log.info("%s", error)
        return OK
    except stick_mount.StickError as error:
        if presence.gone():
            log.warning("%s: is not plugged in (any more): %s", device, error)
            return OK
        log.error("%s", error)
        return FAILED
    finally:
        light(Light.OFF)
        stick_mount.unmount(mounted)
        shutil.rmtree(work, ignore_errors=True)
    if presence.gone(within_s=0):
        log.warning("%s: has been unplugged; what had not been read by then is not done", device)
    else:
        log.info("%s: done; the stick can be unplugged", device)
    return OK if fine else FAILED


def _yellow(board: str, variant: int, log: Any) -> Callable[[Light], None]:
    """The yellow LED. A board without it updates all the same; what is missing is said once."""
    from chargectl.board.errors import BoardError
    from chargectl.board.leds import BoardLeds, YellowLed
    from chargectl.board.profile import profile_for
    from chargectl.system.stick_session import Light

    try:
        leds = BoardLeds(profile_for(board, variant).leds)
    except ValueError as error:
        log.warning("%s", error)
        return lambda _mode: None
    modes = {
        Light.FOUND: YellowLed.SEARCHING,
        Light.UPDATING: YellowLed.UPDATING,
        Light.OFF: YellowLed.OFF,
    }
    broken = False

    def light(mode: Light) -> None:
        nonlocal broken
        try:
            leds.yellow(modes[mode])
        except BoardError as error:
            if not broken:
                log.warning("%s", error)
            broken = True

    return light


class _System:
    """systemd."""

    def reboot(self) -> str:
        """The services end in order; portd takes the port to the safe state before it ends."""
        return self._systemctl("reboot")[1]

    def goes_down(self) -> bool:
        """Whether a shutdown is under way: a script may have asked for it."""
        return self._systemctl("is-system-running")[0] == "stopping"

    def _systemctl(self, verb: str) -> tuple[str, str]:
        import subprocess

        from chargectl.system.stick_mount import PATH

        try:
            done = subprocess.run(
                ["systemctl", verb],
                env={"PATH": PATH, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SYSTEMCTL_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return "", f"systemctl {verb}: {error}"
        problem = done.stderr.strip() or f"exit code {done.returncode}"
        return done.stdout.strip(), "" if done.returncode == 0 else f"systemctl {verb}: {problem}"
