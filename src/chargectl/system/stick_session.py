"""What happens with one stick: keyring, then script, then image; one line in the log for each decision."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final, Protocol

from chargectl.config.store import write_atomic
from chargectl.system.autorun import AutorunError, Executed, md5_of, run_script
from chargectl.system.keyring import KEYRING, KeyringError
from chargectl.system.keyring import replace as replace_keyring
from chargectl.system.rauc import BundleInfo, RaucError, Slot
from chargectl.system.signature import SignatureError, verify
from chargectl.system.stick import Stick
from chargectl.system.stick_mount import StickError
from chargectl.system.stick_stop import Stop
from chargectl.update.stick import IMAGE_BYTES, SIGNATURE_BYTES, Signed, plan, shown
from chargectl.update.stick_image import Choice, Image, Record, Running, judge, record_of

log = logging.getLogger("chargectl.usb")

RECORD: Final = Path("/srv/chargectl/usb-installed")
"""On the data partition, which both slots share."""
_PROGRESS_STEP: Final = 20
_RECORD_BYTES: Final = 1000


@unique
class Light(Enum):
    """What the yellow LED shows."""

    FOUND = "on"
    UPDATING = "blinking"
    OFF = "off"


class Installer(Protocol):
    """What is needed of RAUC; every method raises RaucError."""

    def compatible(self) -> str:
        """What the ``compatible`` of a bundle must be."""
        ...

    def booted(self) -> str:
        """The boot loader's name of the running slot."""
        ...

    def slots(self) -> tuple[Slot, ...]:
        """All slots."""
        ...

    def bundle_info(self, path: str) -> BundleInfo:
        """What a bundle says of itself, its signature checked."""
        ...

    def follow(self) -> bool:
        """Wait for an installation that somebody else has begun."""
        ...

    def install(self, source: str, on_progress: Callable[[int, str], None] | None = None) -> None:
        """Install a bundle into the other slot."""
        ...


class System(Protocol):
    """The system around: nothing is raised."""

    def reboot(self) -> str:
        """Ask for a restart; returns what went wrong, or an empty text."""
        ...

    def goes_down(self) -> bool:
        """Whether a shutdown or restart has begun."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are."""

    work: Path
    """A private, empty folder for copies."""
    keyring: Path = KEYRING
    record: Path = RECORD


class Session:
    """Works through one mounted stick. :meth:`run` is to be called once."""

    def __init__(
        self,
        stick: Stick,
        places: Places,
        installer: Installer,
        system: System,
        light: Callable[[Light], None],
        *,
        gone: Callable[[], bool],
        executed: Executed | None = None,
        stop: Stop | None = None,
    ) -> None:
        """``gone`` is asked after a failure: whether the stick has been unplugged; that may take a moment."""
        self._stick = stick
        self._places = places
        self._installer = installer
        self._system = system
        self._light = light
        self._gone = gone
        self._executed = executed or Executed()
        self._stop = stop or Stop()

    def run(self) -> bool:
        """Do what the stick is for; returns whether nothing failed. Unsigned or foreign is no failure, nor is
        an image whose stick was unplugged; a script that then fails is one: it does not run again by itself.

        Raises StickError when the stick cannot be read.
        """
        entries, complete = self._stick.entries()
        if not complete:
            log.warning("the stick holds more than %d files: only so many were looked at", len(entries))
        todo = plan(entries)
        for note in todo.notes:
            log.warning("%s", note)
        if todo.empty:
            log.info("nothing for this board on the stick")
            return True
        fine = True
        if todo.keyring is not None:
            fine &= self._keyring(todo.keyring)
        if todo.script is not None:
            fine &= self._script(todo.script)
        if todo.images and self._system.goes_down():
            log.warning("images: not looked at: the system goes down; the stick is found again afterwards")
        elif todo.images:
            fine &= self._images(todo.images)
        return fine

    def _keyring(self, signed: Signed) -> bool:
        try:
            copy, signature = self._copies(signed)
            with self._stop.held():
                count = replace_keyring(copy, signature, self._places.keyring)
        except (SignatureError, KeyringError, StickError) as error:
            return _ignored(signed.name, error)
        if count is None:
            log.info("%s: is the keyring already", shown(signed.name))
        else:
            what = "1 certificate" if count == 1 else f"{count} certificates"
            log.warning("%s: is the new keyring, with %s", shown(signed.name), what)
        return True

    def _script(self, signed: Signed) -> bool:
        name = shown(signed.name)
        try:
            copy, signature = self._copies(signed)
            verify(copy, signature, self._places.keyring)
            md5 = md5_of(copy)
            if self._executed.contains(md5):
                log.info("%s: has run before and is unchanged (MD5 %s): not run", name, md5)
                return True
        except (SignatureError, StickError) as error:
            return _ignored(signed.name, error)
        except (AutorunError, OSError) as error:
            log.error("%s: not run: %s", name, error)
            return False
        try:
            with self._stop.held():
                # Before it runs: the script may remove the line, restart the board or never end.
                self._executed.add(md5)
                log.warning("%s: signature valid: runs now (MD5 %s)", name, md5)
                status = run_script(copy, os.fsdecode(signed.name), self._stick.folder, self._stop)
                if status < 0:
                    log.error("%s: ended by signal %d", name, -status)
                else:
                    level = logging.ERROR if status else logging.INFO
                    log.log(level, "%s: ended, exit status %d", name, status)
        except AutorunError as error:
            log.error("%s: %s", name, error)
            return False
        return status == 0

    def _images(self, names: Sequence[bytes]) -> bool:
        try:
            # Somebody else's installation comes first; that it failed is theirs to tell.
            self._installer.follow()
        except RaucError as error:
            log.info("images: the installation before ended: %s", error)
        try:
            running = self._running()
        except RaucError as error:
            log.error("images: not looked at: %s", error)
            return False
        fine = True
        for name in names:
            try:
                image = self._stick.open(name, IMAGE_BYTES)
            except StickError as error:
                log.warning("%s", error)
                continue
            try:
                # RAUC does not see this mount, and takes no name that is not UTF-8: it gets the open file.
                path = f"/proc/{os.getpid()}/fd/{image}"
                info = self._installer.bundle_info(path)
                found = Image(info.compatible, info.version, info.hash)
                verdict = judge(found, running)
                log.info("%s: %s: %s", shown(name), verdict.reason, verdict.choice.value)
                if verdict.choice is Choice.DONE:
                    break
                if verdict.choice is Choice.INSTALL:
                    if self._install(name, path, found):
                        return self._restart()
                    fine = False
            except RaucError as error:
                _ignored(name, error)
            except _UnpluggedError as error:
                log.warning("%s", error)
                break
            finally:
                os.close(image)
        return fine

    def _install(self, name: bytes, path: str, image: Image) -> bool:
        reported = -_PROGRESS_STEP

        def progress(percent: int, message: str) -> None:
            nonlocal reported
            if percent >= reported + _PROGRESS_STEP:
                reported = percent
                log.info("%s: %d %%: %s", shown(name), percent, message)

        self._light(Light.UPDATING)
        try:
            self._installer.install(path, progress)
        except RaucError as error:
            self._light(Light.FOUND)
            problem = f"{shown(name)}: not installed, the running system stays"
            if self._gone():
                raise _UnpluggedError(f"{problem}: the stick was unplugged: {error}") from None
            log.error("%s: %s", problem, error)
            return False
        log.warning("%s: version %r is installed", shown(name), image.version)
        self._remember(image)
        return True

    def _remember(self, image: Image) -> None:
        try:
            installs = sum(slot.installed_count for slot in self._installer.slots())
            self._places.record.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._places.record, Record(image.identity, installs).text().encode(), 0o644)
        except (RaucError, OSError) as error:
            # Only after a rollback it is missed: the image would be tried once more.
            log.warning("%s: not written: %s", self._places.record, error)

    def _restart(self) -> bool:
        log.warning("restarting into the new system")
        problem = self._system.reboot()
        if problem:
            log.error("the board does not restart: %s", problem)
        return not problem

    def _running(self) -> Running:
        slots = self._installer.slots()
        booted = self._installer.booted()
        slot = next((slot for slot in slots if slot.bootname == booted), None)
        try:
            with open(self._places.record, encoding="utf-8", errors="replace") as file:
                last = record_of(file.read(_RECORD_BYTES))
        except OSError:
            last = None
        return Running(
            compatible=self._installer.compatible(),
            version="" if slot is None else slot.version,
            hash="" if slot is None else slot.bundle_hash,
            installs=sum(slot.installed_count for slot in slots),
            last=last,
        )

    def _copies(self, signed: Signed) -> tuple[Path, Path]:
        """Private copies of a file and its signature: what is checked is what is used."""
        copies = (self._places.work / os.fsdecode(name) for name in (signed.name, signed.signature))
        copy, signature = copies
        self._stick.copy(signed.name, copy, signed.largest)
        self._stick.copy(signed.signature, signature, SIGNATURE_BYTES)
        return copy, signature


class _UnpluggedError(Exception):
    """There is nothing to go on with."""


def _ignored(name: bytes, error: Exception) -> bool:
    log.warning("%s: ignored: %s", shown(name), error)
    return True
