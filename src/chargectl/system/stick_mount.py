"""Mounts a USB stick where nobody else sees it: read-only, in a mount namespace of the process's own.

The namespace ends with its last process, so that nothing stays mounted however this program ends.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import select
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chargectl.update.stick_filesystem import FILE_SYSTEMS, HEAD_BYTES, FileSystem, identify

log = logging.getLogger(__name__)

MOUNT_S: Final = 60.0
"""The longest that reading the first bytes and mounting may take. The kernel gives a device that does not
answer 30 s and tries again; a healthy stick is mounted in less than one second."""
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for, whatever the environment says."""

# linux/sched.h, linux/mount.h
_CLONE_NEWNS: Final = 0x0002_0000
_MS_RDONLY: Final = 1
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_NOEXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_NOSYMFOLLOW: Final = 256
_MS_BIND: Final = 4096
_MS_REC: Final = 16384
_MS_SLAVE: Final = 1 << 19
_MNT_DETACH: Final = 2

_FLAGS: Final = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
_PROVEN: Final = os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC

_BLOCK: Final = 512
_LARGEST_MESSAGE: Final = 1000


class StickError(RuntimeError):
    """The stick cannot be used; the text says which and why."""


class NoFileSystemError(StickError):
    """There is nothing on the device that is mounted here."""


def enter_namespace() -> None:
    """Move this process (one thread) into a mount namespace of its own; mounts elsewhere still arrive.

    Raises StickError without the privilege.
    """
    try:
        _check(_libc().unshare(_CLONE_NEWNS))
        _mount("none", "/", None, _MS_REC | _MS_SLAVE, None)
    except OSError as error:
        raise StickError(f"no mount namespace: {error.strerror}: run as root") from None


def mount(device: Path, folder: Path, limit_s: float = MOUNT_S) -> FileSystem:
    """Mount the file system of a partition on ``folder``; returns which one it was.

    Read-only, without set-user-id bits, devices, programs and (Linux 5.10) symbolic links. Call
    :func:`enter_namespace` first. Raises StickError, NoFileSystemError.
    """
    try:
        mode = device.stat().st_mode
    except OSError as error:
        raise StickError(f"{device}: {(error.strerror or str(error)).lower()}") from None
    if not stat.S_ISBLK(mode):
        raise StickError(
            f"{device}: is no block device; allowed is a partition of a stick, such as /dev/sda1"
        )
    # A device that does not answer holds whoever asks it in the kernel, out of reach of any signal: a
    # process of its own does that, and is left behind then.
    answer = _in_child(lambda: _mount_first(device, folder), limit_s)
    if answer is None:
        raise StickError(f"{device}: not mounted within {limit_s:g} s; it is left alone")
    word, _, text = answer.partition(" ")
    if word == "none":
        raise NoFileSystemError(f"{device}: {text}")
    if word != "ok":
        raise StickError(f"{device}: {text}")
    try:
        flags = os.statvfs(folder).f_flag
    except OSError as error:
        unmount(folder)
        raise StickError(f"{device}: {(error.strerror or str(error)).lower()}") from None
    if flags & _PROVEN != _PROVEN:
        unmount(folder)
        raise StickError(f"{device}: the kernel has not mounted it as it was told to; it is left alone")
    return next(system for system in FILE_SYSTEMS if system.label == text)


def unmount(folder: Path) -> None:
    """Take everything off the folder; what a script left open keeps working until it ends."""
    while _libc().umount2(os.fsencode(folder), _MNT_DETACH) == 0:
        pass


def _mount_first(device: Path, folder: Path) -> str:
    """Identify and mount; returns "ok LABEL", "none TEXT" or "error TEXT"."""
    try:
        with open(device, "rb", buffering=_BLOCK) as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"error cannot be read: {(error.strerror or str(error)).lower()}"
    system = identify(head)
    if system is None:
        known = ", ".join(known.label for known in FILE_SYSTEMS)
        return f"none holds no file system that is read here ({known})"
    try:
        _mount(str(device), str(folder), system.driver, _FLAGS, system.options)
    except OSError as error:
        if error.errno != errno.ENODEV:
            return f"error {system.label}: cannot be mounted: {(error.strerror or str(error)).lower()}"
        problem = _mount_by_program(device, folder, system)
        if problem:
            return f"error {system.label}: {problem}"
    try:
        _mount("none", str(folder), None, _MS_REMOUNT | _MS_BIND | _FLAGS | _MS_NOSYMFOLLOW, None)
    except OSError as error:
        if error.errno != errno.EINVAL:  # before Linux 5.10; files are opened without following links anyway
            unmount(folder)
            return f"error {system.label}: {(error.strerror or str(error)).lower()}"
    return f"ok {system.label}"


def _mount_by_program(device: Path, folder: Path, system: FileSystem) -> str:
    """Mount by a FUSE program; returns what went wrong, in words."""
    missing = f"this system has no driver for it ({system.driver}"
    if not system.fuse:
        return f"{missing})"
    try:
        done = subprocess.run(
            [system.fuse, "-o", "ro,nosuid,nodev,noexec", str(device), str(folder)],
            env={"PATH": PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            # Not a pipe: the program goes on in the background with what it has open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return f"{missing} or {system.fuse})"
    return "" if done.returncode == 0 else f"{system.fuse} refuses it, exit code {done.returncode}"


def _in_child(work: Callable[[], str], limit_s: float) -> str | None:
    """What ``work`` says in a child process; None when it does not say it in time."""
    deadline = time.monotonic() + limit_s
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        # Nothing of the parent's is run: no clean-up, no handlers, no open lock.
        message = "error failed"
        try:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            kept = os.dup2(writer, 3, inheritable=False) if writer != 3 else writer
            os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
            message = work()
            os.write(kept, message.encode("utf-8", "replace")[:_LARGEST_MESSAGE])
        finally:
            os._exit(0)
    os.close(writer)
    try:
        heard = select.poll()
        heard.register(reader, select.POLLIN)
        if not heard.poll(max(0.0, deadline - time.monotonic()) * 1000):
            os.kill(child, signal.SIGKILL)
            return None
        message = os.read(reader, _LARGEST_MESSAGE).decode("utf-8", "replace")
    finally:
        os.close(reader)
    os.waitpid(child, 0)
    return message or "error the program that mounts has crashed"


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    _check(
        _libc().mount(
            os.fsencode(source),
            os.fsencode(target),
            None if kind is None else kind.encode(),
            ctypes.c_ulong(flags),
            None if options is None else options.encode(),
        )
    )


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
