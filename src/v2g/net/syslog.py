"""A session's log, also as syslog datagrams on the charging network: captures then hold it between the
frames.

Off unless asked for: whoever shares the network can read what is sent. The datagrams are those of RFC 3164,
with priority, no time stamp (the capture has one) and the line; they go to every node on one interface.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct

PORT = 514
ALL_NODES = "ff02::1"
"""IPv6's group of all nodes on a link (RFC 4291, 2.7.1): charging networks have no IPv4."""
FACILITY_USER = 1
"""RFC 3164 table 1: user-level messages."""
SEVERITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""RFC 3164 table 2, for the levels that Python has."""
MOST_BYTES = 1024
"""RFC 3164, 4.1: a packet has at most 1024 bytes."""


def datagram(text: str, level: int = logging.INFO, tag: str = "v2g") -> bytes:
    """A syslog packet. Line ends become spaces, and what is too long is cut at a character."""
    below = max((known for known in SEVERITIES if known <= level), default=logging.DEBUG)
    line = f"<{FACILITY_USER * 8 + SEVERITIES[below]}>{tag}: {' '.join(text.splitlines())}"
    return line.encode()[:MOST_BYTES].decode("utf-8", "ignore").encode()


class SyslogBroadcaster(logging.Handler):
    """Sends records of :mod:`logging` to all nodes on one interface.

    What cannot be sent is dropped: a log must never hold up or end a session. ``dropped`` counts it.

    Args:
        interface: name of the network interface, such as "eth1".
        address: destination, a multicast or unicast IPv6 address of the link.
        port: destination port.

    Raises:
        OSError: there is no such interface, or no IPv6.
    """

    def __init__(self, interface: str, address: str = ALL_NODES, port: int = PORT, tag: str = "v2g") -> None:
        super().__init__()
        self.tag = tag
        self.dropped = 0
        index = socket.if_nametoindex(interface)
        self._destination = (address, port, 0, index)
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("@I", index))
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.sendto(datagram(self.format(record), record.levelno, self.tag), self._destination)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        """Close the socket; records that come later are dropped."""
        with contextlib.suppress(OSError):
            self._socket.close()
        super().close()
