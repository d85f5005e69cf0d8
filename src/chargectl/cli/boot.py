"""``chargectl boot``: the steps of the system's start, called by its units.

record   early: notes the boot, and how the last one ended
leds     early: green LED blinks; the red one blinks for 4 s, then shows the kernel's heartbeat
good     after the health check: the slot is good, the other one is disabled, the green LED is steady
failed   the health check gave up: notes why, then restarts the system, or lets it stay up when that is no use
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from chargectl.config.store import write_atomic
from chargectl.system import boots, health, journal, release
from chargectl.system.bootloader import read_bootloader
from chargectl.system.clock import SystemClock, rfc3339_now
from chargectl.system.units import Units, UnitsError
from chargectl.update.history import Boot, History, Outcome, begin, conclude, reboot_helps, rolled_back

if TYPE_CHECKING:
    from chargectl.system.rauc import Rauc

log = logging.getLogger(__name__)

OK, FAILED = 0, 1

MARK_S: Final = 60.0
"""How long marking is tried: RAUC is started by the bus on the first call, and refuses while it installs."""
MARK_PAUSE_S: Final = 2.0
CALL_S: Final = 20.0
"""The longest a call of these may take; the unit has 120 s for all of it."""
RED_BLINKS_S: Final = 4.0
"""How long the red LED blinks evenly before its heartbeat (getting started, LED status indicators)."""
RETRY_TIMER: Final = "chargectl-health-retry.timer"
"""Has the health check made again after a minute, in a system that stays up unhealthy."""
SLOT_BOOTED: Final = "booted"
"""RAUC's word for the state of the running slot, and for the slot itself."""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand's arguments."""
    parser = subparsers.add_parser(
        "boot", help="steps of the system's start", description="Steps of the system's start, for its units."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="STEP", required=True)
    for name, (_, text) in _STEPS.items():
        step = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name in ("leds", "good"):
            step.add_argument("--board", default="charge-control-c", help="board profile (%(default)s)")
            step.add_argument("--variant", type=int, default=200, help="board variant (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Make one step; returns 0 when it is made, 1 when a part of it failed."""
    journal.setup()
    return _STEPS[args.verb][0](args)


def record(_args: argparse.Namespace) -> int:
    """Note the boot. Whatever goes wrong here is said and stops nothing."""
    try:
        history = boots.BootHistory(boots.PATH).change(_begun)
    except OSError as error:
        log.error("this boot is not on record: %s", _said(error))
        return FAILED
    if len(history) > 1 and history[-2].outcome is Outcome.FAILED:
        log.warning("the last boot failed: %s", history[-2].reason)
    sentence = rolled_back(history)
    if sentence is not None:
        log.error("rolled back: %s", sentence)
    return OK


def leds(args: argparse.Namespace) -> int:
    """Show that the system boots, and then that it runs."""
    from chargectl.board.leds import GreenLed, RedLed

    shown = [
        _show(args, lambda board: board.green(GreenLed.BOOTING)),
        _show(args, lambda board: board.red(RedLed.BOOTING)),
    ]
    time.sleep(RED_BLINKS_S)
    shown.append(_show(args, lambda board: board.red(RedLed.RUNNING)))
    return max(shown)


def good(args: argparse.Namespace) -> int:
    """Accept the boot: the slot is marked good first, everything else follows from it."""
    if not _mark_good():
        return FAILED
    # A boot that is not on record is good all the same; that it is not has been told.
    _conclude(Outcome.GOOD, "")
    _close_migration()
    try:
        write_atomic(boots.HEALTHY, (_boot_id_or_empty() + "\n").encode("ascii"), mode=0o644)
        boots.DEGRADED.unlink(missing_ok=True)
    except OSError as error:
        # Without it the guard resets the board in the end; better at once, and with a reason.
        log.error("%s: %s", boots.HEALTHY, _said(error))
        return FAILED
    from chargectl.board.leds import GreenLed

    # A dark LED is no reason to refuse a system.
    _show(args, lambda board: board.green(GreenLed.OPERATIONAL))
    log.info("the boot is good")
    return OK


def failed(_args: argparse.Namespace) -> int:
    """Note why the boot failed, then restart the system or let it stay up."""
    units = Units()
    reason = _why(units)
    log.error("the boot failed: %s", reason)
    history = _conclude(Outcome.FAILED, reason)
    bootloader = read_bootloader()
    try:
        if reboot_helps(history, None if bootloader is None else bootloader.tries_left):
            log.error("restarting: the bootloader tries this slot again, or takes the other one")
            units.reboot()
            return OK
        log.error("not restarting: that has been tried; the system stays up, not fit for service")
        write_atomic(boots.DEGRADED, (reason + "\n").encode("utf-8"), mode=0o644)
    except (UnitsError, OSError) as error:
        log.error("%s", _said(error))
        return FAILED
    try:
        units.restart(RETRY_TIMER)
    except UnitsError as error:
        # The unit's failure would restart the system, which is what is not wanted any more.
        log.error("%s; no further attempt by itself", _said(error))
    return OK


_STEPS: Final[dict[str, tuple[Callable[[argparse.Namespace], int], str]]] = {
    "record": (record, "note the boot, and how the last one ended"),
    "leds": (leds, "show on the LEDs that the system boots"),
    "good": (good, "accept the boot: slot good, other slot disabled, LED steady"),
    "failed": (failed, "note why the boot failed, then restart the system unless that is of no use"),
}


def _begun(history: History) -> History:
    """The history with this boot in it."""
    slot = boots.running_slot(boots.COMMAND_LINE)
    try:
        version = release.read_release(release.PATH).version
    except release.ReleaseError as error:
        log.error("%s", error)
        version = ""
    boot = Boot(
        boot_id=boots.boot_id(boots.BOOT_ID),
        slot=slot,
        version=version,
        started=rfc3339_now(SystemClock()),
        given_up=boots.given_up(slot, read_bootloader(), boots.RAUC_STATUS) if slot else None,
    )
    return begin(history, boot, watchdog_reset=boots.watchdog_reset(boots.BOOT_STATUS))


def _ended(history: History, outcome: Outcome, reason: str) -> History:
    """The history with this boot's outcome; the boot is added when it could not be noted before."""
    identity = boots.boot_id(boots.BOOT_ID)
    if all(boot.boot_id != identity for boot in history):
        history = _begun(history)
    return conclude(history, identity, outcome, reason)


def _conclude(outcome: Outcome, reason: str) -> History | None:
    """Note this boot's outcome; None when it cannot be kept."""
    try:
        return boots.BootHistory(boots.PATH).change(lambda known: _ended(known, outcome, reason))
    except OSError as error:
        log.error("the boot's outcome is not on record: %s", _said(error))
        return None


def _mark_good() -> bool:
    """Mark the running slot good and disable the other one; True when the first has succeeded."""
    if not boots.running_slot(boots.COMMAND_LINE):
        log.warning("the system was not started from a slot: there is none to mark")
        return True
    from chargectl.system.rauc import Rauc, RaucError

    rauc = Rauc(call_s=CALL_S)
    deadline = time.monotonic() + MARK_S
    while True:
        try:
            log.info("%s", rauc.mark("good", SLOT_BOOTED))
            break
        except RaucError as error:
            if time.monotonic() >= deadline:
                log.error("the slot is not marked good: %s", error)
                return False
            log.warning("the slot is not marked good yet: %s", error)
            time.sleep(MARK_PAUSE_S)
    try:
        _disable_other(rauc)
    except RaucError as error:
        # The next good boot does it; until then the bootloader may fall back, as it may after an update.
        log.error("the other slot stays enabled: %s", error)
    return True


def _close_migration() -> None:
    """What the old system's owner changed after the installation is taken over by now, or never."""
    from chargectl.system import migration_record

    try:
        if migration_record.close(migration_record.SYSTEM):
            log.warning("what was changed in the old system after the installation was not taken over")
    except (OSError, ValueError) as error:
        log.error("the update's migration stays open: %s", _said(error))


def _disable_other(rauc: Rauc) -> None:
    """Take the other slot from the bootloader, unless it is the one to be started next.

    A good boot ends the update (guide 11.8.2). The other slot has the configuration of the time when it ran:
    months later a few power cuts in a row must not bring back its current limits.
    """
    running = [slot for slot in rauc.slots() if slot.state == SLOT_BOOTED]
    if [slot.name for slot in running] != [rauc.primary()]:
        log.info("the other slot stays enabled: it is to be started next")
        return
    log.info("%s", rauc.mark("bad", "other"))


def _why(units: Units) -> str:
    """What is known of the failure, in one line."""
    reason = health.last_words(health.RESULT)
    if reason:
        return reason
    try:
        names = units.failed()
    except UnitsError as error:
        return str(error)
    # The check itself, or what follows it, is among them: it is why this runs.
    return f"no result of the health check; failed: {', '.join(names) or 'no unit'}"


def _show(args: argparse.Namespace, change: Callable[[Any], object]) -> int:
    from chargectl.board.errors import BoardError
    from chargectl.board.leds import BoardLeds
    from chargectl.board.profile import profile_for

    try:
        change(BoardLeds(profile_for(args.board, args.variant).leds))
    except (BoardError, ValueError) as error:
        log.error("%s", error)
        return FAILED
    return OK


def _boot_id_or_empty() -> str:
    try:
        return boots.boot_id(boots.BOOT_ID)
    except OSError:
        return ""


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
