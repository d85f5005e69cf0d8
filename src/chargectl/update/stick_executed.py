"""The list of scripts that have run (guide 10.2.3): one MD5 sum of ``autorun.sh`` per line.

The sum only tells one script from another; that a script may run at all its signature says. Scripts edit the
list: lines of others are kept as they are, whatever stands in them.
"""

from __future__ import annotations

import re
from typing import Final

_SUM: Final = re.compile(rb"[0-9a-f]{32}")


def contains(content: bytes, md5: str) -> bool:
    """Whether the list holds the sum; more may follow it on its line, as ``md5sum`` prints it."""
    return any(line.split()[:1] == [md5.encode("ascii")] for line in content.splitlines())


def added(content: bytes, md5: str) -> bytes:
    """The list with one more sum. Raises ValueError for what is no MD5 sum in small hexadecimal digits."""
    if not _SUM.fullmatch(md5.encode("ascii", "replace")):
        raise ValueError(f"{md5!r}: 32 hexadecimal digits are expected")
    separator = b"\n" if content and not content.endswith(b"\n") else b""
    return content + separator + md5.encode("ascii") + b"\n"
