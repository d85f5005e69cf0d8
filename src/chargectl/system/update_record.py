"""The file with the update on record, on the data partition that both slots share."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from chargectl.config.store import write_atomic
from chargectl.update.record import Record, from_json, to_json

log = logging.getLogger(__name__)

DIRECTORY: Final = Path("/srv/chargectl/download")
"""What belongs to updated: the record, and the file that is being downloaded."""
NAME: Final = "request.json"
LARGEST_BYTES: Final = 64 * 1024
"""A record has some 2 KiB; a larger file is none of ours."""


class RecordFile:
    """The update on record. It may hold credentials, so only its owner can read it."""

    def __init__(self, path: Path = DIRECTORY / NAME) -> None:
        self._path = path

    def read(self) -> Record | None:
        """What is on record; None when there is nothing, or nothing that can be read, which is logged."""
        try:
            with self._path.open("rb") as file:
                return from_json(json.loads(file.read(LARGEST_BYTES)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            log.warning("%s cannot be used: %s", self._path, reason)
            return None

    def write(self, record: Record) -> None:
        """Put on record. A disk that refuses costs the memory of this update, not the update."""
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(to_json(record)).encode("utf-8"), mode=0o600)
        except OSError as error:
            log.warning("%s: not written: %s", self._path, error.strerror or error)
