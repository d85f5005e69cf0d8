"""Downloads that survive a bad link: curl does the transfer, what has arrived is kept and gone on with.

Beside the file lies what identifies it on the server (ETag, date, length). An interrupted download goes on
only while the server says that the file is the same one; otherwise it begins anew. curl gets its whole
instruction on standard input, so that neither URL nor credentials stand in the list of processes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chargectl.system.download_headers import Answer, last_answer
from chargectl.system.download_partial import Partial, Validator

log = logging.getLogger(__name__)

CONNECT_S: Final = 30
"""A mobile modem that dials first takes up to 20 s."""
STALL_S: Final = 60
"""A transfer with less than STALL_BYTES_S over this time is broken; mobile links pause for half a minute."""
STALL_BYTES_S: Final = 64
LEAST_GAIN_BYTES: Final = 4096
"""A connection that brings less is no progress."""
HEAD_S: Final = 60
"""The longest that the answer to a HEAD request may take in all."""
POLL_S: Final = 0.2
"""How often the transfer is looked at: its progress, the headers, the room on the disk."""
RECONNECTS: Final = 5
"""Within one trial a download that had begun to flow is taken up again this often without progress."""
PAUSE_S: Final = 2.0
"""Wait before taking it up again; it doubles while there is no progress: a minute in all."""
RESTARTS: Final = 3
"""A file that changes on the server during the download is begun anew this often in one trial."""
RESERVE_BYTES: Final = 16 * 1024 * 1024
"""Room that a download leaves on the partition, for the status of RAUC and our own files."""
NICENESS: Final = 10
"""curl gives way to the charging software."""
REDIRECTIONS: Final = 10
END_S: Final = 5.0
"""curl ends at once on SIGTERM; after this long it is killed."""

_MIB: Final = 1024 * 1024
_PROTOCOLS: Final = "=http,https,ftp,ftps"
_RANGE_ERRORS: Final = (33, 36)
"""curl: the server does not continue files, or not from there."""
_WRITE_ERROR: Final = 23
_RANGE_NOT_SATISFIABLE: Final = 416

OnProgress = Callable[[int, int | None], None]
"""Gets the bytes that have arrived and the length of the file, None while unknown."""


class DownloadError(RuntimeError):
    """The download failed; the text is one line for people and holds no credentials."""


class StoppedError(RuntimeError):
    """``stop`` was called."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The waits of a download, in seconds."""

    poll_s: float = POLL_S
    pause_s: float = PAUSE_S
    connect_s: float = CONNECT_S
    stall_s: int = STALL_S


class _NoRoomError(Exception):
    """The disk is full, or would be."""


class _BrokenError(Exception):
    """The transfer ended before its time; the text says why."""


class _ChangedError(Exception):
    """The file is not the one that was begun."""


class Download:
    """One download into ``folder``, which belongs to downloads alone: anything else in it is removed.

    ``folder`` holds the file of one URL. ``fetch`` and ``check`` block; ``stop`` may be called from another
    thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        curl: str = "curl",
        reserve_bytes: int = RESERVE_BYTES,
        timing: Timing = Timing(),  # frozen
    ) -> None:
        self._folder = folder
        self._curl = curl
        self._reserve = reserve_bytes
        self._timing = timing
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End ``fetch`` or ``check`` with StoppedError; what has arrived stays."""
        self._stopping.set()

    def check_stopped(self) -> None:
        """Raise StoppedError when ``stop`` has been called."""
        if self._stopping.is_set():
            raise StoppedError

    def check(self, url: str) -> None:
        """Test with a HEAD request that the file can be had. Raises DownloadError."""
        self._head(url)

    def fetch(self, url: str, identity: str, on_progress: OnProgress) -> Path:
        """Download a file, going on with what an earlier call with the same ``identity`` has left.

        ``identity`` is the URL without credentials. Returns the path of the complete file, which stays until
        :func:`discard` or a download of something else. Raises DownloadError and StoppedError; what has
        arrived stays for the next call.
        """
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            with self._exclusive() as lock:
                partial = Partial.open(self._folder, identity)
                return self._fetch(url, partial, on_progress, lock)
        except OSError as error:
            raise DownloadError(f"{self._folder}: {error.strerror or error}") from error

    def _fetch(self, url: str, partial: Partial, on_progress: OnProgress, lock: int) -> Path:
        restarts = failures = gained = 0
        while True:
            before = partial.size
            try:
                self._transfer(url, partial, on_progress, lock)
                if not partial.size:
                    raise DownloadError("the file is empty")
                return partial.path
            except (_NoRoomError, OSError) as error:
                if isinstance(error, OSError) and error.errno != errno.ENOSPC:
                    raise
                text = self._room_text(partial)
                # What does not fit is of no use, and others need the room.
                partial.clear()
                raise DownloadError(text) from None
            except _ChangedError:
                restarts += 1
                if restarts > RESTARTS:
                    raise DownloadError(
                        "the file on the server changes, or cannot be continued, again and again"
                    ) from None
                log.info("the file has changed on the server or cannot be continued; it is begun anew")
                partial.clear()
            except _BrokenError as error:
                gain = partial.size - before
                gained += max(0, gain)
                failures = 1 if gain >= LEAST_GAIN_BYTES else failures + 1
                if gained < LEAST_GAIN_BYTES or failures > RECONNECTS:
                    raise DownloadError(str(error)) from None
                log.info("download interrupted at %d bytes (%s); it goes on", partial.size, error)
                self._pause(self._timing.pause_s * 2 ** (failures - 1))

    def _transfer(self, url: str, partial: Partial, on_progress: OnProgress, lock: int) -> None:
        """One connection. Returns when the file is complete."""
        if url.startswith("ftp"):
            self._compare(partial, self._head(url))
        partial.leave_something()
        offset = partial.size
        self._check_room(partial)
        headers = self._folder / "headers"
        headers.unlink(missing_ok=True)
        options = [*self._common(url), ("output", str(partial.path)), ("dump-header", str(headers))]
        if offset:
            options.append(("continue-at", str(offset)))
            strong = partial.validator.strong
            if strong and url.startswith("http"):
                options.append(("header", f"If-Range: {strong}"))
        seen: Answer | None = None
        with self._running(options, lock) as process:
            while True:
                ended = self._wait(process)
                answer = last_answer(headers)
                if answer is not None and answer != seen:
                    seen = answer
                    self._answered(partial, answer, offset)
                on_progress(partial.size, partial.validator.length)
                if ended:
                    break
                self._check_room(partial)
            self._judge(process, seen, partial)

    def _answered(self, partial: Partial, answer: Answer, offset: int) -> None:
        if answer.status == 206 and offset:
            self._compare(partial, answer.validator)
        elif answer.status == 200 and not offset:
            partial.remember(answer.validator)

    def _compare(self, partial: Partial, found: Validator) -> None:
        if not partial.size:
            partial.remember(found)
        elif partial.validator.fits(found):
            partial.remember(partial.validator.completed(found))
        else:
            raise _ChangedError

    def _judge(self, process: subprocess.Popen[bytes], answer: Answer | None, partial: Partial) -> None:
        code = process.returncode
        if code == 0:
            length = partial.validator.length
            if length is not None and partial.size != length:
                raise _ChangedError
            return
        if code in _RANGE_ERRORS or (answer is not None and answer.status == _RANGE_NOT_SATISFIABLE):
            raise _ChangedError
        if code == _WRITE_ERROR:
            raise _NoRoomError
        raise _BrokenError(_reason(process))

    def _head(self, url: str) -> Validator:
        """What the server says of a file without sending it."""
        options = [*self._common(url), ("head", None), ("max-time", str(HEAD_S)), ("output", "-")]
        with self._running(options) as process:
            while not self._wait(process):
                pass
            if process.returncode != 0:
                raise DownloadError(_reason(process))
            assert process.stdout is not None
            answer = last_answer(process.stdout.read())
        return Validator() if answer is None else answer.validator

    def _common(self, url: str) -> list[tuple[str, str | None]]:
        timing = self._timing
        return [
            ("silent", None),
            ("show-error", None),
            ("fail", None),
            ("globoff", None),
            ("location", None),
            ("max-redirs", str(REDIRECTIONS)),
            ("proto", _PROTOCOLS),
            ("proto-redir", _PROTOCOLS),
            ("connect-timeout", str(timing.connect_s)),
            ("speed-time", str(timing.stall_s)),
            ("speed-limit", str(STALL_BYTES_S)),
            ("user-agent", "chargectl"),
            ("url", url),
        ]

    @contextlib.contextmanager
    def _running(
        self, options: list[tuple[str, str | None]], lock: int | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """curl at its work; it has ended when the block is left."""
        try:
            process = subprocess.Popen(
                # -q: no .curlrc; -K -: options from standard input.
                [self._curl, "-q", "-K", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Should this program be killed, curl holds the lock until it has ended as well.
                pass_fds=() if lock is None else (lock,),
            )
        except OSError as error:
            raise DownloadError(f"{self._curl} cannot be started: {error.strerror or error}") from error
        with process:
            try:
                with contextlib.suppress(OSError):
                    now = os.getpriority(os.PRIO_PROCESS, process.pid)
                    os.setpriority(os.PRIO_PROCESS, process.pid, max(NICENESS, now))
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(_config(options))
                    process.stdin.close()
                yield process
            finally:
                _end(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait a moment; returns whether the process has ended."""
        self.check_stopped()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self._timing.poll_s)
        return process.returncode is not None

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise StoppedError

    def _check_room(self, partial: Partial) -> None:
        rest = max(0, (partial.validator.length or 0) - partial.size)
        if self._free() < rest + self._reserve:
            raise _NoRoomError

    def _free(self) -> int:
        status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize

    def _room_text(self, partial: Partial) -> str:
        length = partial.validator.length
        needed = "" if length is None else f" {_mib(max(0, length - partial.size))} are missing,"
        return (
            f"not enough room in {self._folder}:{needed} {_mib(self._free())} are free,"
            f" {_mib(self._reserve)} of them stay reserved"
        )

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[int]:
        with (self._folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DownloadError(f"{self._folder}: another download is using it") from None
            yield file.fileno()


def discard(folder: Path) -> None:
    """Remove what a download has left. Raises OSError."""
    Partial.remove(folder)


def _config(options: list[tuple[str, str | None]]) -> bytes:
    """Options in the syntax of curl's configuration file."""
    lines = []
    for name, value in options:
        if value is None:
            lines.append(name)
        else:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'{name} = "{quoted}"')
    return "\n".join([*lines, ""]).encode("utf-8")


def _reason(process: subprocess.Popen[bytes]) -> str:
    """Why curl gave up: the first line of what it says, without its own name."""
    assert process.stderr is not None
    lines = process.stderr.read().decode("utf-8", "replace").splitlines()
    text = lines[0].strip() if lines else ""
    before, found, after = text.partition(") ")
    said = after if found and before.startswith("curl: (") else text
    return f"{said or 'the transfer failed'} (curl {process.returncode})"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"
