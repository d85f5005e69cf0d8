"""The work of an update that takes its time: downloads and installations, one at a time, in a thread each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chargectl.system.download import Download as Transfer
from chargectl.system.download import DownloadError, StoppedError
from chargectl.system.rauc import Rauc, RaucError
from chargectl.update.steps import (
    Check,
    Download,
    Event,
    Failed,
    Fetched,
    Follow,
    Install,
    Installed,
    Progress,
)

log = logging.getLogger("updated")

Task = Download | Check | Install | Follow

END_S: Final = 1.0
"""A download ends within its poll interval; an installation is not waited for."""

_UNKNOWN_END = "updated was restarted during the installation, which did not succeed"
_FTP_CREDENTIALS = (
    "a .raucb URL of type ftp must not hold credentials, RAUC would write them into its log; http(s) may"
)


class Tasks:
    """Carries tasks out and posts what comes of them, from the task's thread.

    ``slot`` is the boot name of the running slot, ``redact`` masks secrets in reasons of failures.
    """

    def __init__(
        self,
        rauc: Rauc,
        folder: Path,
        slot: str,
        post: Callable[[Event], None],
        redact: Callable[[str], str],
        transfer: Callable[[Path], Transfer] = Transfer,
    ) -> None:
        self._rauc = rauc
        self._folder = folder
        self._slot = slot
        self._post = post
        self._redact = redact
        self._transfer_in = transfer
        self._transfer = transfer(folder)
        self._thread: threading.Thread | None = None

    def begin(self, task: Task) -> None:
        """Carry the task out, once the one before it has ended."""
        self._transfer = self._transfer_in(self._folder)
        before, transfer = self._thread, self._transfer
        self._thread = threading.Thread(
            target=self._run, args=(task, transfer, before), name=type(task).__name__.lower(), daemon=True
        )
        self._thread.start()

    def abandon(self) -> None:
        """Stop a download; an installation goes on by itself."""
        self._transfer.stop()

    def end(self) -> None:
        """Stop a download and wait for its end, so that no curl outlives this program."""
        self.abandon()
        if self._thread is not None:
            self._thread.join(END_S)

    def _run(self, task: Task, transfer: Transfer, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        try:
            transfer.check_stopped()
            self._post(self._outcome(task, transfer))
        except StoppedError:
            return
        except (DownloadError, RaucError) as error:
            self._post(Failed(task.ticket, self._redact(str(error))))
        except Exception as error:  # an update without an end would never be tried again
            log.exception("%s failed", type(task).__name__)
            self._post(Failed(task.ticket, self._redact(f"internal error: {error!r}")))

    def _outcome(self, task: Task, transfer: Transfer) -> Event:
        match task:
            case Download(ticket, request):
                path = transfer.fetch(
                    request.url,
                    request.bare_url,
                    lambda done, length: self._post(Progress(ticket, done * 100 // length if length else 0)),
                )
                return Fetched(ticket, str(path))
            case Check(ticket, request):
                transfer.check(request.url)
                return Fetched(ticket)
            case Install(ticket):
                self._install(task)
                return Installed(ticket)
            case Follow(ticket):
                return self._follow(ticket)

    def _install(self, task: Install) -> None:
        request = task.request
        progress = self._progress_of(task.ticket)
        if task.path or request.credentials is None:
            self._rauc.install(task.path or request.url, progress)
            return
        if not request.url.startswith("http"):
            raise RaucError(_FTP_CREDENTIALS)
        from chargectl.system.relay import Relay

        with Relay(request.bare_url, request.credentials) as relay:
            self._rauc.install(relay.local_url, progress)

    def _follow(self, ticket: int) -> Event:
        if self._rauc.follow(self._progress_of(ticket)):
            return Installed(ticket)
        # It ended while nobody looked. RAUC makes the other slot the first one only when it is complete.
        primary = self._rauc.primary()
        other = any(slot.name == primary and slot.bootname != self._slot for slot in self._rauc.slots())
        return Installed(ticket) if other else Failed(ticket, _UNKNOWN_END)

    def _progress_of(self, ticket: int) -> Callable[[int, str], None]:
        return lambda percent, _text: self._post(Progress(ticket, percent))
