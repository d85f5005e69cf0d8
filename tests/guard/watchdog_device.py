"""A watchdog device as the kernel's: a file that is opened, written to and set by ioctl, and that bites.

Served over FUSE by a thread of this process, because no kernel module can be loaded here. It behaves
like the i.MX driver under the kernel's watchdog core: it starts with the first opening and cannot be stopped
without the magic close; setting the time restarts it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import stat
import struct
import threading
import time
from pathlib import Path

from chargectl.sim import namespace
from chargectl.sim.sysfs import wire

_FILE = 2
_NAME = b"watchdog0"
_IOCTL = 39
_IOCTL_IN = struct.Struct("=QIIQII")
_IOCTL_OUT = struct.Struct("=iIII")
_SETTIMEOUT = 0xC0045706
_LIMITS_S = range(1, 129)
_UNUSED_S = 60
"""The driver's time before anybody has set one."""


class WatchdogDevice:
    """``path`` is the device. It counts in real time from the first opening."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / _NAME.decode()
        self.timeouts: list[int] = []
        """What was set, in order."""
        self.feedings = 0
        self.disarmed = False
        """Closed with the magic character: a real one would no longer guard."""
        self._lock = threading.Lock()
        self._timeout_s = _UNUSED_S
        self._fed_at: float | None = None
        self._bitten = False
        self._magic = False
        self._folder = str(folder)
        self._fuse = os.open(namespace.FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        options = f"fd={self._fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"watchdog", self._folder.encode(), b"fuse", ctypes.c_ulong(0), options.encode()):
            raise OSError(ctypes.get_errno(), "fuse cannot be mounted")
        self._umount = libc.umount2
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def bitten(self) -> bool:
        """Whether it has reset the board."""
        with self._lock:
            self._count()
            return self._bitten

    @property
    def left_s(self) -> float:
        """Time until it resets the board."""
        with self._lock:
            assert self._fed_at is not None, "it was never opened"
            return self._fed_at + self._timeout_s - time.monotonic()

    def close(self) -> None:
        self._ended = True
        self._umount(self._folder.encode(), namespace.MNT_DETACH)
        self._thread.join(10)
        os.close(self._fuse)

    def _count(self) -> None:
        if self._fed_at is not None and time.monotonic() > self._fed_at + self._timeout_s:
            self._bitten = True

    def _feed(self) -> None:
        self._count()
        self._fed_at = time.monotonic()

    def _serve(self) -> None:
        while not self._ended:
            if not select.select([self._fuse], [], [], 0.2)[0]:
                continue
            try:
                request = wire.parse(os.read(self._fuse, wire.READ_BUFFER))
            except OSError as problem:
                if problem.errno in (errno.EAGAIN, errno.EINTR, errno.ENOENT):
                    continue
                return
            if request.op in (wire.Op.FORGET, wire.Op.BATCH_FORGET, wire.Op.INTERRUPT):
                continue
            with self._lock:
                answer = self._answer(request)
            with contextlib.suppress(OSError):
                os.write(self._fuse, answer)

    def _answer(self, request: wire.Request) -> bytes:
        body = b""
        match request.op:
            case wire.Op.INIT:
                body = wire.init(wire.INIT_IN.unpack_from(request.body)[1])
            case wire.Op.LOOKUP:
                if request.body.rstrip(b"\0") != _NAME:
                    return wire.failure(request.unique, errno.ENOENT)
                body = wire.entry(_FILE, _attributes(_FILE))
            case wire.Op.GETATTR:
                body = wire.attr(_attributes(request.node))
            case wire.Op.OPEN:
                if self._fed_at is None:
                    self._fed_at = time.monotonic()
                body = wire.OPEN_OUT.pack(1, wire.OPEN_DIRECT_IO, 0)
            case wire.Op.WRITE:
                size = wire.WRITE_IN.unpack_from(request.body)[2]
                self._magic = b"V" in request.body[wire.WRITE_IN.size :][:size]
                self._feed()
                self.feedings += 1
                body = wire.WRITE_OUT.pack(size, 0)
            case wire.Op.RELEASE:
                self.disarmed = self.disarmed or self._magic
            case _ if request.op == _IOCTL:
                return self._ioctl(request)
            case _:
                return wire.failure(request.unique, errno.ENOSYS)
        return wire.reply(request.unique, body)

    def _ioctl(self, request: wire.Request) -> bytes:
        command = _IOCTL_IN.unpack_from(request.body)[2]
        if command != _SETTIMEOUT:
            return wire.failure(request.unique, errno.ENOTTY)
        (seconds,) = struct.unpack_from("=i", request.body, _IOCTL_IN.size)
        if seconds not in _LIMITS_S:
            return wire.failure(request.unique, errno.EINVAL)
        self._feed()
        self._timeout_s = seconds
        self.timeouts.append(seconds)
        return wire.reply(request.unique, _IOCTL_OUT.pack(0, 0, 0, 0) + struct.pack("=i", seconds))


def _attributes(node: int) -> bytes:
    mode = stat.S_IFDIR | 0o755 if node == wire.ROOT_ID else stat.S_IFREG | 0o600
    return wire.attributes(node, mode, 1, 0)
