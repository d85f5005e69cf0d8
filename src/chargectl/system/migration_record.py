"""What an installation has carried into a system, on record there for its first starts.

A module of its own because each good start looks into it, and needs nothing else of the migration.
"""

from __future__ import annotations

import json
import stat
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from chargectl.system.migration_files import Item, Transaction
from chargectl.system.migration_root import Found, Root

SYSTEM: Final = Path("/")
"""The running system."""
RECORD: Final = "/var/lib/chargectl/migration.json"
"""Made anew by each installation, never carried itself."""
MAXIMUM_RECORD: Final = 8 * 1024 * 1024
"""Some 200 bytes for each file that is carried."""
TOO_LATE: Final = "not done: the system was accepted before it was"


@dataclass(frozen=True, slots=True)
class Record:
    """What the install carried: by path, digests of what it was made from and of what it became.

    ``version`` is that of the system it came from. ``late`` is empty while what changes there may still be
    taken over, then how that went.
    """

    version: str
    bases: dict[str, str]
    carried: dict[str, str]
    late: str = ""


def read_record(root: Root) -> Record | None:
    """The record of a system; None when there is none. Raises OSError, and ValueError with one line."""
    data = root.read(RECORD, MAXIMUM_RECORD)
    if data is None:
        return None
    try:
        return Record(**json.loads(data))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{RECORD} cannot be read: {error}") from error


def write_record(root: Root, record: Record) -> None:
    """Put on record, to the disk. Raises OSError."""
    text = json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"
    meta = Found(RECORD, stat.S_IFREG | 0o600, 0, 0, time.time_ns())
    transaction = Transaction(root, root)
    try:
        transaction.stage(Item(meta, "root", "root", data=text.encode()))
        transaction.commit()
    finally:
        transaction.close()


def close(path: Path) -> bool:
    """Let nothing more be taken over into the system at ``path``; True when something might have been.

    For an accepted system: what the other slot holds from now on is not what this one came from. Raises
    OSError and ValueError as the other functions here.
    """
    with Root(path) as root:
        record = read_record(root)
        if record is None or record.late:
            return False
        write_record(root, replace(record, late=TOO_LATE))
        return True
