"""The checksum of Qualcomm's images and module transfers."""

from __future__ import annotations

import struct


def checksum32(data: bytes) -> int:
    """The complement of all 32-bit words (low byte first) combined by exclusive or. Bytes behind the last
    whole word do not count. Over an image that holds its own checksum the result is 0.

    Source: open-plc-utils, tools/checksum32.c; images of real modems."""
    folded = 0
    for word in struct.unpack_from(f"<{len(data) // 4}I", data):
        folded ^= word
    return folded ^ 0xFFFFFFFF
