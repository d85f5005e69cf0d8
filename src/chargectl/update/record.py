"""The update on record: what survives a restart of the daemon or of the board."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from chargectl.declarations.types import JsonValue
from chargectl.update.request import LARGEST_NUMBER, SCHEMES, Origin, Request

FORMAT: Final = 1
"""Version of the file's format."""
LATEST_S: Final = 253402300799
"""The end of the year 9999."""


@unique
class Phase(Enum):
    """How far an update is."""

    IDLE = "idle"
    SCHEDULED = "scheduled"
    """Asked for, its time has not come."""
    FETCHING = "fetching"
    """The file is downloaded, or the access to a delta update tested."""
    WAITING = "waiting"
    """Between two trials."""
    INSTALLING = "installing"
    INSTALLED = "installed"
    """In the other slot; the board has not been restarted."""
    TRIED = "tried"
    """The new system runs and has not been found good yet. Never on record: the next boot tries again, or is
    the way back."""
    FAILED = "failed"

    @property
    def under_way(self) -> bool:
        """Whether there is something left to do."""
        return self in (Phase.SCHEDULED, Phase.FETCHING, Phase.WAITING, Phase.INSTALLING)


@dataclass(frozen=True, slots=True)
class System:
    """What runs since when. ``slot`` is the boot name, empty when unknown; ``rollback`` a sentence when this
    is the first boot after a new system that did not come up."""

    boot_id: str
    slot: str = ""
    rollback: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record. ``boot_id`` and ``slot`` are those of the system that wrote it.

    The URL keeps its credentials only while the update is under way.
    """

    boot_id: str
    slot: str
    phase: Phase
    request: Request
    trial: int = 0
    """The trials begun so far."""
    state: str = "idle"
    """What topic ``firmware/update/state/actual`` says; also ``result`` and ``message`` are the topics'."""
    result: str = ""
    message: str = ""
    firmware_status: str = ""
    """What OCPP has to be told; the final one of an update stays until it has been told."""


def to_json(record: Record) -> JsonValue:
    """The record as it stands in the file."""
    request = record.request
    return {
        "format": FORMAT,
        "boot_id": record.boot_id,
        "slot": record.slot,
        "phase": record.phase.value,
        "url": request.url,
        "max_trials": request.max_trials,
        "interval_s": request.interval_s,
        "origin": request.origin.value,
        "not_before_s": request.not_before_s,
        "trial": record.trial,
        "state": record.state,
        "result": record.result,
        "message": record.message,
        "firmware_status": record.firmware_status,
    }


def from_json(value: JsonValue) -> Record:
    """Read what :func:`to_json` wrote. Raises ValueError, with one line, for anything else."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"no record of an update in format {FORMAT}")
    url = _text(value, "url")
    if url.partition("://")[0] not in SCHEMES:
        raise ValueError(f"url: allowed are {', '.join(SCHEMES)}")
    try:
        phase, origin = Phase(_text(value, "phase")), Origin(_text(value, "origin"))
    except ValueError as error:
        raise ValueError(f"phase or origin: {error}") from None
    return Record(
        boot_id=_text(value, "boot_id"),
        slot=_text(value, "slot"),
        phase=phase,
        request=Request(
            url,
            _number(value, "max_trials", 1),
            _number(value, "interval_s", 0),
            origin,
            _number(value, "not_before_s", 0, LATEST_S),
        ),
        trial=_number(value, "trial", 0),
        state=_text(value, "state"),
        result=_text(value, "result"),
        message=_text(value, "message"),
        # An older version knows none.
        firmware_status=_text(value, "firmware_status") if "firmware_status" in value else "",
    )


def _text(values: dict[str, JsonValue], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: a string is needed")
    return value


def _number(values: dict[str, JsonValue], name: str, least: int, most: int = LARGEST_NUMBER) -> int:
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name}: an integer from {least} to {most} is needed")
    return value
