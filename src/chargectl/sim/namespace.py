"""A private mount namespace with the simulated board mounted over ``/sys``.

Nothing outside the namespace ever sees the mount: the rest of the machine keeps its real ``/sys``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import subprocess
from typing import Final

MOUNT_POINT: Final = "/sys"
FUSE_DEVICE: Final = "/dev/fuse"
FS_NAME: Final = "chargectl-sim"
MARK: Final = "CHARGECTL_SIM_NAMESPACE"
"""Environment variable that tells child processes which namespace is the private one."""

CLONE_NEWNS: Final = 0x0002_0000
CLONE_NEWUSER: Final = 0x1000_0000
CLONE_NEWNET: Final = 0x4000_0000
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2


class UnavailableError(RuntimeError):
    """The simulated board cannot be mounted here; the message names the cause and the cure."""


def is_private() -> bool:
    """Whether this process is in a mount namespace that :func:`enter` made, here or in a parent process."""
    return os.environ.get(MARK) == os.readlink("/proc/thread-self/ns/mnt")


def enter() -> None:
    """Move the calling thread into a new mount namespace of its own; raises UnavailableError.

    Without the privilege it enters a user namespace too, in which it is root; that needs a process with one
    thread.
    """
    libc = _libc()
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
            raise _no_namespace(ctypes.get_errno())
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")
    if libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None) != 0:
        raise UnavailableError(f"simulated board: / cannot be made private: {_last_error()}")
    os.environ[MARK] = os.readlink("/proc/thread-self/ns/mnt")


def enter_network() -> None:
    """Move the calling thread into a network namespace of its own, with a loopback; raises UnavailableError.

    Whatever is started from it sees no other network, and may make interfaces. Without the privilege it
    enters a user namespace too, as :func:`enter` does.
    """
    libc = _libc()
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWNET | CLONE_NEWUSER) != 0:
            raise _no_namespace(ctypes.get_errno())
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise UnavailableError("simulated power line: 'ip' (iproute2) is needed") from None


def _no_namespace(number: int) -> UnavailableError:
    if number == errno.EINVAL:
        return UnavailableError(
            "simulated board: a user namespace needs a process with one thread: enter it before any thread "
            "starts, or run as root"
        )
    return UnavailableError(
        f"simulated board: no private namespace ({os.strerror(number)}): run as root, or allow "
        "unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, and "
        "kernel.apparmor_restrict_unprivileged_userns=0 where it exists)"
    )


def mount() -> int:
    """Mount an empty FUSE file system over /sys and return its descriptor, non-blocking.

    Whoever opens a file below /sys from now on waits for an answer on the descriptor; when it is closed they
    get ENOTCONN. Raises UnavailableError, also in the machine's own mount namespace.
    """
    if not is_private():
        raise UnavailableError(
            "simulated board: refusing to mount over the machine's own /sys: enter a private mount namespace"
        )
    try:
        descriptor = os.open(FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UnavailableError(
            f"simulated board: {FUSE_DEVICE} does not exist: load the kernel module (modprobe fuse), and "
            "pass the device into a container (--device /dev/fuse)"
        ) from None
    except OSError as error:
        raise UnavailableError(
            f"simulated board: {FUSE_DEVICE}: {error.strerror}: run as root, or make it accessible "
            "(chmod 666 /dev/fuse), and pass the device into a container (--device /dev/fuse)"
        ) from None
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    if _libc().mount(
        FS_NAME.encode(), MOUNT_POINT.encode(), b"fuse", ctypes.c_ulong(flags), options.encode()
    ):
        problem = _last_error()
        os.close(descriptor)
        raise UnavailableError(
            f"simulated board: FUSE cannot be mounted on {MOUNT_POINT}: {problem}: it needs CAP_SYS_ADMIN "
            "(in a container: --cap-add SYS_ADMIN --security-opt apparmor=unconfined)"
        )
    return descriptor


def unmount() -> None:
    """Take a simulated board off /sys, also a dead or busy one; does nothing where there is none."""
    while mounted():
        if _libc().umount2(MOUNT_POINT.encode(), MNT_DETACH) != 0:
            return


def mounted() -> bool:
    """Whether a simulated board (alive or dead) is what /sys shows in this namespace."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        on_sys = [line for line in mounts if line.split()[4] == MOUNT_POINT]
    return bool(on_sys) and f" {FS_NAME} " in on_sys[-1]


def _write(path: str, text: str) -> None:
    with contextlib.suppress(FileNotFoundError), open(path, "w", encoding="ascii") as file:
        file.write(text)


def _last_error() -> str:
    return os.strerror(ctypes.get_errno())


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
