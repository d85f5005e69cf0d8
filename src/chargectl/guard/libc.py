"""The system calls that MicroPython's own modules lack, through the C library.

Only functions whose arguments look the same on 32 and 64 bit are used; structures have a format that the
kernel fixes (statx, signalfd) or the machine's native one (sendmsg).
"""

import os
import struct

import ffi
import uctypes

O_WRONLY = 1
O_CLOEXEC = 0o2000000
O_NONBLOCK = 0o4000
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_STATX_ALL = 0xFFF
_STATX_SIZE = 256
_S_IFMT = 0o170000
_S_IFREG = 0o100000
_SIG_BLOCK = 0
_SOL_SOCKET = 1
_SCM_RIGHTS = 1
_MSG_DONTWAIT = 0x40
_MSG_NOSIGNAL = 0x4000
_LOCK_ALL_TOUCHED = 1 | 2 | 4
"""MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT: what is used stays in memory, what is not takes none."""

_c = ffi.open("libc.so.6")
_open = _c.func("i", "open", "sii")
_close = _c.func("i", "close", "i")
_write = _c.func("l", "write", "ipL")
_read = _c.func("l", "read", "ipL")
_pwrite = _c.func("l", "pwrite", "ipLl")
_ioctl = _c.func("i", "ioctl", "iLp")
_statx = _c.func("i", "statx", "isiIp")
_access = _c.func("i", "access", "si")
_readlink = _c.func("l", "readlink", "spL")
_pipe2 = _c.func("i", "pipe2", "pi")
_sendmsg = _c.func("l", "sendmsg", "ipi")
_sigemptyset = _c.func("i", "sigemptyset", "p")
_sigaddset = _c.func("i", "sigaddset", "pi")
_sigprocmask = _c.func("i", "sigprocmask", "ipP")
_signalfd = _c.func("i", "signalfd", "ipi")
_mlockall = _c.func("i", "mlockall", "i")


def _checked(result):
    if result < 0:
        raise OSError(os.errno())
    return result


def open_write(path):
    """Open an existing file for writing; return its descriptor. Raises OSError."""
    return _checked(_open(path, O_WRONLY | O_CLOEXEC, 0))


def close(fd):
    """Close a descriptor."""
    _close(fd)


def write(fd, data):
    """Write ``data`` in one call. Raises OSError."""
    _checked(_write(fd, data, len(data)))


def rewrite(fd, data):
    """Write ``data`` at the file's beginning in one call. Raises OSError."""
    _checked(_pwrite(fd, data, len(data), 0))


def drain(fd):
    """Read away what waits on ``fd``."""
    _read(fd, bytearray(256), 256)


def ioctl_int(fd, request, value):
    """An ioctl with an int that the driver may change; return it. Raises OSError."""
    argument = bytearray(struct.pack("i", value))
    _checked(_ioctl(fd, request, argument))
    return struct.unpack("i", argument)[0]


def stat(path):
    """Return (identity, size, time of the modification), None where there is no regular file.

    The identity tells a file from another one that takes its place: inode and time of birth, because a file
    system may use an inode again. A time is (seconds, nanoseconds); MicroPython's own ``os.stat`` knows whole
    seconds only. A link is not followed.
    """
    buffer = bytearray(_STATX_SIZE)
    if _statx(_AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, _STATX_ALL, buffer) != 0:
        return None
    (mode,) = struct.unpack_from("<H", buffer, 28)
    if mode & _S_IFMT != _S_IFREG:
        return None
    inode, size = struct.unpack_from("<QQ", buffer, 32)
    born, changed = struct.unpack_from("<qI", buffer, 80), struct.unpack_from("<qI", buffer, 112)
    return (inode, born), size, changed


def is_missing(path):
    """Whether there is nothing at ``path``."""
    return _access(path, 0) != 0


def link_name(path):
    """Return the last part of what a symbolic link points to, "" where there is none."""
    buffer = bytearray(512)
    length = _readlink(path, buffer, len(buffer))
    return bytes(buffer[:length]).decode().rsplit("/", 1)[-1] if length > 0 else ""


def pipe():
    """Return the reading and the writing end of a new pipe. Raises OSError."""
    ends = bytearray(8)
    _checked(_pipe2(ends, O_CLOEXEC | O_NONBLOCK))
    return struct.unpack("ii", ends)


def send_with_fd(sock_fd, data, fd):
    """Send a datagram with a descriptor over a connected Unix socket, without waiting. Raises OSError."""
    vector = struct.pack("PL", uctypes.addressof(data), len(data))
    control = struct.pack("Liii", struct.calcsize("L") + 12, _SOL_SOCKET, _SCM_RIGHTS, fd)
    # The kernel wants a control message's space rounded up to its alignment.
    control += bytes(-len(control) % struct.calcsize("L"))
    message = struct.pack(
        "PIPLPLi",
        0,
        0,
        uctypes.addressof(vector),
        1,
        uctypes.addressof(control),
        len(control),
        0,
    )
    _checked(_sendmsg(sock_fd, message, _MSG_DONTWAIT | _MSG_NOSIGNAL))


def signal_fd(numbers):
    """Block these signals and return a descriptor that becomes readable when one comes. Raises OSError."""
    mask = bytearray(128)
    _sigemptyset(mask)
    for number in numbers:
        _sigaddset(mask, number)
    _checked(_sigprocmask(_SIG_BLOCK, mask, 0))
    return _checked(_signalfd(-1, mask, O_CLOEXEC | O_NONBLOCK))


def stay_in_memory():
    """Keep the program's pages in memory from now on. Raises OSError."""
    _checked(_mlockall(_LOCK_ALL_TOUCHED))
